//! `sendvia setup` and `sendvia unset` on private configurations, read by the MTAs' own tools.

use crate::support::daemon::run;
use crate::support::lab::{Lab, contrib, user};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

const SUBMISSION: &str = "submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n";

fn sendvia(lab: &Lab, command: &str, mta: &str, more: &[&str]) -> Output {
    at(lab, mta, command, mta, more)
}

/// The same for an instance that has another directory.
fn at(lab: &Lab, directory: &str, command: &str, mta: &str, more: &[&str]) -> Output {
    let (directory, config) = (lab.text(directory), lab.text("site/sendvia.yaml"));
    Command::new(env!("CARGO_BIN_EXE_sendvia"))
        .args([command, mta, "-c", &directory, "--config", &config])
        .args(more)
        .output()
        .expect("it starts")
}

/// What it says when all goes well.
fn said(lab: &Lab, command: &str, mta: &str, more: &[&str]) -> String {
    well(&sendvia(lab, command, mta, more))
}

fn well(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A Postfix as Debian installs it, with a submission service.
fn postfix(lab: &Lab, main: &str) {
    lab.directory("postfix");
    lab.write("postfix/main.cf", format!("compatibility_level = 3.6\nmail_owner = postfix\n{main}"));
    lab.write("postfix/master.cf", format!("smtp inet n - y - - smtpd\n{SUBMISSION}"));
}

fn all_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let listed = run("find", &[&directory.display().to_string(), "-type", "f"]);
    let mut files: Vec<&str> = listed.lines().collect();
    files.sort_unstable();
    files.iter().map(|file| ((*file).to_owned(), fs::read(file).expect("readable"))).collect()
}

#[test]
fn postfix_has_the_very_pieces_once_and_gives_back_the_very_octets() {
    let lab = Lab::new();
    // A comment in Latin-1, and no line end at the end.
    postfix(&lab, "# Gr\u{fc}\u{df}e\nx = y");
    let latin: Vec<u8> = lab.read("postfix/main.cf").chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
    lab.write("postfix/main.cf", latin);
    let before = all_files(&lab.path("postfix"));
    let plan = said(&lab, "setup", "postfix", &["--dry-run"]);
    assert!(plan.contains("+sendvia_destination_recipient_limit = 1"), "{plan}");
    assert_eq!(all_files(&lab.path("postfix")), before);
    said(&lab, "setup", "postfix", &["--yes"]);
    let config = lab.text("postfix");
    let transport = run("postconf", &["-c", &config, "-M", "sendvia/unix"]);
    assert!(transport.contains("null_sender= flags=q") && transport.contains("-- ${recipient}"), "{transport}");
    let asked = run("postconf", &["-c", &config, "-P", "submission/inet/smtpd_sender_restrictions"]);
    assert!(asked.contains("$sendvia_policy"), "{asked}");
    let main = fs::read(lab.path("postfix/main.cf")).expect("main.cf");
    assert!(String::from_utf8_lossy(&main).contains(&contrib("postfix/map-main.cf", &[])));
    let after = all_files(&lab.path("postfix"));
    assert!(said(&lab, "setup", "postfix", &["--yes"]).contains("nothing to do"));
    assert_eq!(all_files(&lab.path("postfix")), after);
    said(&lab, "unset", "postfix", &["--yes"]);
    assert_eq!(all_files(&lab.path("postfix")), before);
    assert!(!lab.path("site").exists());
}

#[test]
fn what_the_administrator_changed_meanwhile_stays() {
    let lab = Lab::new();
    postfix(&lab, "sender_dependent_default_transport_maps = inline:{ a@b=smtp: }\n");
    said(&lab, "setup", "postfix", &["--yes"]);
    let main = lab.read("postfix/main.cf");
    assert!(main.contains("sendvia-map:transport, inline:{ a@b=smtp: }\n"), "{main}");
    lab.write("postfix/main.cf", format!("{main}later = 1\n"));
    let master = lab.read("postfix/master.cf").replace("null_sender= flags=q", "null_sender= flags=Rq");
    lab.write("postfix/master.cf", &master);
    let output = sendvia(&lab, "unset", "postfix", &["--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("master.cf: changed meanwhile"), "{text}");
    assert_eq!(lab.read("postfix/master.cf"), master);
    let main = lab.read("postfix/main.cf");
    assert!(main.ends_with("maps = inline:{ a@b=smtp: }\nlater = 1\n") && !main.contains("sendvia"), "{main}");
}

#[test]
fn every_level_of_compatibility_is_understood_and_given_back() {
    for level in ["0", "1", "2", "3.6"] {
        let lab = Lab::new();
        postfix(&lab, "");
        let main = lab.read("postfix/main.cf").replace("= 3.6", &format!("= {level}"));
        lab.write("postfix/main.cf", main);
        let before = all_files(&lab.path("postfix"));
        said(&lab, "setup", "postfix", &["--yes"]);
        let config = lab.text("postfix");
        // Its pipe and its sockets' servers are outside of the chroot at any level; `-` would be inside at 0.
        for service in ["sendvia/unix", "sendvia-map/unix", "sendvia-policy/unix"] {
            let entry = run("postconf", &["-c", &config, "-M", service]);
            assert_eq!(entry.split_whitespace().nth(4), Some("n"), "{level}: {entry}");
        }
        assert!(said(&lab, "setup", "postfix", &["--yes"]).contains("nothing to do"), "{level}");
        said(&lab, "unset", "postfix", &["--yes"]);
        assert_eq!(all_files(&lab.path("postfix")), before, "{level}");
    }
}

#[test]
fn another_user_runs_the_deliveries_and_owns_what_they_read() {
    let lab = Lab::new();
    postfix(&lab, "");
    said(&lab, "setup", "postfix", &["--yes", "--user", "games"]);
    let config = lab.text("postfix");
    for service in ["sendvia/unix", "sendvia-map/unix", "sendvia-policy/unix"] {
        let entry = run("postconf", &["-c", &config, "-M", service]);
        assert!(entry.contains("user=games"), "{entry}");
    }
    let (uid, gid) = user("games");
    let accounts = fs::metadata(lab.path("site/accounts.d")).expect("accounts");
    assert_eq!((accounts.uid(), accounts.gid(), accounts.mode() & 0o777), (uid, gid, 0o700));
    let key = fs::metadata(lab.path("site/key")).expect("a key");
    assert_eq!((key.gid(), key.mode() & 0o777), (gid, 0o640));
}

#[test]
fn what_two_instances_need_stays_until_the_second_is_taken_out() {
    let lab = Lab::new();
    postfix(&lab, "");
    lab.directory("second");
    for file in ["main.cf", "master.cf"] {
        lab.write(&format!("second/{file}"), lab.read(&format!("postfix/{file}")));
    }
    let before = (all_files(&lab.path("postfix")), all_files(&lab.path("second")));
    said(&lab, "setup", "postfix", &["--yes"]);
    let shared = all_files(&lab.path("site"));
    well(&at(&lab, "second", "setup", "postfix", &["--yes"]));
    said(&lab, "unset", "postfix", &["--yes"]);
    assert_eq!(all_files(&lab.path("postfix")), before.0);
    let kept = all_files(&lab.path("site"));
    let is_kept =
        |(name, octets): &(String, Vec<u8>)| name.contains("/setup/") || kept.contains(&(name.clone(), octets.clone()));
    assert!(shared.len() > 2 && shared.iter().all(is_kept), "{kept:?}");
    well(&at(&lab, "second", "unset", "postfix", &["--yes"]));
    assert_eq!(all_files(&lab.path("second")), before.1);
    assert!(!lab.path("site").exists());
}

#[test]
fn a_service_of_the_same_name_is_not_overwritten() {
    let lab = Lab::new();
    postfix(&lab, "");
    let master = lab.read("postfix/master.cf") + "sendvia unix - n n - - pipe\n  user=nobody argv=/bin/true\n";
    lab.write("postfix/master.cf", &master);
    let output = sendvia(&lab, "setup", "postfix", &["--yes"]);
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(lab.read("postfix/master.cf"), master);
}

#[test]
fn what_is_taken_out_of_a_directory_that_is_none_of_the_mail_servers_is_an_error() {
    let lab = Lab::new();
    postfix(&lab, "");
    assert!(said(&lab, "unset", "postfix", &["--yes"]).contains("nothing to do"));
    lab.directory("empty");
    for (directory, mta) in [("typo", "postfix"), ("empty", "postfix"), ("empty", "exim")] {
        let output = at(&lab, directory, "unset", mta, &["--yes"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{directory}: {said}");
        assert!(said.contains(&format!("no configuration of {mta} here")), "{said}");
    }
}

#[test]
fn lmtp_for_exim_is_a_guide_to_follow() {
    let lab = Lab::new();
    lab.directory("exim");
    lab.write("exim/exim4.conf", "begin acl\nbegin routers\nbegin transports\nbegin retry\n");
    let output = sendvia(&lab, "setup", "exim", &["--mode", "lmtp", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("docs/guide/exim.md, \"LMTP instead of the pipe\""), "{said}");
}

#[test]
fn nothing_is_done_where_nobody_can_be_asked() {
    let lab = Lab::new();
    postfix(&lab, "");
    let before = all_files(&lab.path("postfix"));
    assert_eq!(sendvia(&lab, "setup", "postfix", &[]).status.code(), Some(64));
    assert_eq!(all_files(&lab.path("postfix")), before);
}

#[test]
fn lmtp_has_its_socket_directory_its_key_and_the_configuration_of_the_guide() {
    let lab = Lab::new();
    let queue = lab.directory("queue");
    postfix(&lab, &format!("queue_directory = {}\n", queue.display()));
    said(&lab, "setup", "postfix", &["--mode", "lmtp", "--yes", "--no-reload"]);
    let yaml = contrib("postfix/service.yaml", &[("/var/spool/postfix", &queue.display().to_string())]);
    assert_eq!(lab.read("site/sendvia.yaml"), yaml);
    assert!(lab.path("site/login.key").exists() && lab.path("queue/sendvia").is_dir());
    let again = said(&lab, "setup", "postfix", &["--mode", "lmtp", "--yes", "--no-reload"]);
    assert!(again.contains("nothing to do"), "{again}");
    said(&lab, "unset", "postfix", &["--yes", "--no-reload"]);
    assert!(!lab.path("site").exists() && !lab.path("queue/sendvia").exists());
}

#[test]
fn lmtp_is_not_set_up_where_the_service_would_not_open_what_postfix_connects_to() {
    let lab = Lab::new();
    let queue = lab.directory("queue");
    postfix(&lab, &format!("queue_directory = {}\n", queue.display()));
    lab.directory("site");
    let yaml = contrib("postfix/service.yaml", &[("/var/spool/postfix", &queue.display().to_string())]);
    let wanted = yaml.split_once('\n').expect("a comment, and lines").1;
    let elsewhere = yaml.replace(&format!("{}/sendvia/lmtp", queue.display()), "/run/sendvia/lmtp");
    let rows = [
        ("limits: {recipients_per_message: 50}\n".to_owned(), wanted.to_owned()),
        (elsewhere, format!("listen:\n  lmtp: \"unix:{}/sendvia/lmtp\"\n", queue.display())),
        (yaml.replace("login_field: {", "login_field: {exim_"), "login_field: {key_file: login.key}\n".to_owned()),
        (
            yaml.replace("map: {transport: ", "policy: {filter: "),
            "map: {transport: \"sendvia:unix:sendvia/lmtp\"}\n".to_owned(),
        ),
    ];
    for (has, lines) in rows {
        lab.write("site/sendvia.yaml", &has);
        let before = (all_files(&lab.path("postfix")), all_files(&lab.path("site")));
        let output = sendvia(&lab, "setup", "postfix", &["--mode", "lmtp", "--yes", "--no-reload"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{has}{said}");
        assert!(said.ends_with(&format!("run the command again:\n{lines}")), "{has}{said}");
        assert_eq!((all_files(&lab.path("postfix")), all_files(&lab.path("site"))), before);
    }
    lab.write("site/sendvia.yaml", format!("limits: {{recipients_per_message: 50}}\n{yaml}"));
    said(&lab, "setup", "postfix", &["--mode", "lmtp", "--yes", "--no-reload"]);
    assert!(lab.path("site/login.key").exists() && lab.path("queue/sendvia").is_dir());
}

#[test]
fn a_service_of_another_user_and_configuration_is_told_how_to_start() {
    let lab = Lab::new();
    let queue = lab.directory("queue");
    postfix(&lab, &format!("queue_directory = {}\n", queue.display()));
    let said = said(&lab, "setup", "postfix", &["--mode", "lmtp", "--user", "games", "--dry-run"]);
    let (queue, config) = (queue.display(), lab.text("site/sendvia.yaml"));
    let start = format!("serve --config {config}\nUser=games\nGroup=games\nReadWritePaths={queue}/sendvia\n");
    assert!(said.contains("[Service]\nExecStart=\nExecStart=") && said.contains(&start), "{said}");
}

#[test]
fn exim_has_the_pieces_in_debians_split_configuration_and_in_one_file() {
    let lab = Lab::new();
    for part in ["main", "router", "transport"] {
        lab.directory(&format!("exim/conf.d/{part}"));
    }
    lab.write("exim/update-exim4.conf.conf", "dc_use_split_config='true'\n");
    let before = all_files(&lab.path("exim"));
    said(&lab, "setup", "exim", &["--yes"]);
    let router = contrib("exim/router.conf", &[]);
    assert_eq!(lab.read("exim/conf.d/router/180_sendvia"), router);
    assert!(said(&lab, "setup", "exim", &["--yes"]).contains("nothing to do"));
    said(&lab, "unset", "exim", &["--yes"]);
    assert_eq!(all_files(&lab.path("exim")), before);

    lab.write("exim/exim4.conf", "a = b\nbegin acl\nbegin routers\nbegin transports\nbegin retry\n");
    let before = all_files(&lab.path("exim"));
    said(&lab, "setup", "exim", &["--yes"]);
    assert!(lab.read("exim/exim4.conf").contains(&format!("begin routers\n{router}")));
    said(&lab, "unset", "exim", &["--yes"]);
    assert_eq!(all_files(&lab.path("exim")), before);
}
