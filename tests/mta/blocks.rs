//! What the guides show without that anybody runs it is read by those who would read it: Postfix, Exim, Prometheus.

use crate::support::daemon::run;
use crate::support::exim;
use crate::support::lab::{Lab, contrib, repository};
use std::fs;
use std::process::Command;

/// A block that says `read=HOW` of itself.
struct Block {
    guide: String,
    how: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let directory = format!("{}/docs/guide", env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("guides") {
        let guide = entry.expect("a guide").file_name().to_string_lossy().into_owned();
        let page = repository(&format!("docs/guide/{guide}"));
        for rest in page.split("\n```").skip(1) {
            let (info, text) = rest.split_once('\n').unwrap_or((rest, ""));
            let how = info.split(' ').find_map(|word| word.strip_prefix("read="));
            found.extend(how.map(|how| Block { guide: guide.clone(), how: how.to_owned(), text: format!("{text}\n") }));
        }
    }
    found
}

#[test]
fn every_block_of_a_guide_is_understood_by_who_has_to_read_it() {
    let all = blocks();
    for block in &all {
        let Block { guide, how, text } = block;
        match how.as_str() {
            "contrib" => assert!(is_of_contrib(text), "{guide}: contrib has not\n{text}"),
            "main.cf" => postfix_understands(guide, text, "", ""),
            "master.cf" => postfix_understands(guide, "", text, ""),
            "main.cf:docker-mailserver" => {
                let options = all.iter().find(|block| block.how == "master.cf:docker-mailserver").expect("its options");
                let main = format!("dms_smtpd_sender_restrictions = permit_sasl_authenticated\n{text}");
                postfix_understands(guide, &main, DOCKER_MAILSERVER, &options.text);
            }
            // Together with its main.cf.
            "master.cf:docker-mailserver" => {}
            "retry" => exim_understands_rule(guide, text),
            "prometheus" => prometheus_understands(guide, text),
            "compose" => compose_has_the_volume(guide, text),
            other => panic!("{guide}: nobody reads {other}"),
        }
    }
    assert!(all.len() > 10, "{}", all.len());
}

/// What `docker-mailserver` has of the services that the guide gives options to.
const DOCKER_MAILSERVER: &str = "\
submission inet n - n - - smtpd
  -o smtpd_sender_restrictions=$mua_sender_restrictions
submissions inet n - n - - smtpd
  -o smtpd_sender_restrictions=$mua_sender_restrictions
";

fn is_of_contrib(text: &str) -> bool {
    ["exim", "postfix"].iter().any(|mta| {
        let directory = format!("{}/contrib/{mta}", env!("CARGO_MANIFEST_DIR"));
        let mut files = fs::read_dir(directory).expect("contrib").map(|entry| entry.expect("a file").file_name());
        files.any(|name| contrib(&format!("{mta}/{}", name.to_string_lossy()), &[]) == text)
    })
}

/// No warning about an unused or unknown parameter, or an entry that is none.
fn postfix_understands(guide: &str, main: &str, master: &str, options: &str) {
    let lab = Lab::new();
    lab.directory("postfix");
    // mailcow's own tables: postconf looks into the files of some types.
    lab.directory("opt/sql");
    let main = main.replace("/opt/postfix/conf/", &lab.text("opt/"));
    for table in main.split(['\n', ' ', ',']).filter_map(|word| word.strip_prefix("proxy:mysql:")) {
        fs::write(table, "").expect("a table");
    }
    lab.write("postfix/main.cf", format!("compatibility_level = 3.6\n{main}"));
    lab.write("postfix/master.cf", master);
    let config = lab.text("postfix");
    for option in options.lines() {
        run("postconf", &["-c", &config, "-P", option]);
    }
    for shown in ["-n", "-M", "-P"] {
        let output = Command::new("postconf").args(["-c", &config, shown]).output().expect("postconf");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{guide}: {said}");
    }
    // A table that stands in its own definition can be asked right away.
    if main.starts_with("smtp_header_checks") {
        let table = run("postconf", &["-c", &config, "-h", "smtp_header_checks"]);
        let answer = run("postmap", &["-c", &config, "-q", "X-Sendvia-Login: x", table.trim()]);
        assert_eq!(answer.trim(), "IGNORE", "{guide}");
    }
}

fn exim_understands_rule(guide: &str, rule: &str) {
    let lab = Lab::new();
    let spool = lab.directory("spool");
    let config = lab.write("exim.conf", format!("spool_directory = {}\nbegin retry\n{rule}", spool.display()));
    let told = run(&exim::binary(), &["-C", &config.display().to_string(), "-brt", "you@example.org"]);
    assert!(told.contains("F,2h,15m") && told.contains("F,2w,6h"), "{guide}: {told}");
}

fn prometheus_understands(guide: &str, text: &str) {
    let lab = Lab::new();
    let file = lab.write("prometheus.yml", text).display().to_string();
    let told = run("promtool", &["check", "config", &file]);
    assert!(told.contains("SUCCESS"), "{guide}: {told}");
}

/// The volume is the one of `contrib/container/compose.yaml`.
fn compose_has_the_volume(guide: &str, text: &str) {
    let yaml = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).expect("YAML");
    let volume = yaml(text)["services"]["postfix-mailcow"]["volumes"][0].as_str().unwrap_or_default().to_owned();
    let ours = yaml(&contrib("container/compose.yaml", &[]))["services"]["sendvia"]["volumes"].clone();
    let is_ours = ours.as_sequence().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(volume.as_str())));
    assert!(is_ours, "{guide}: {volume:?} is not among {ours:?}");
}
