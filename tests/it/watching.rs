//! The page for Prometheus, and that dashboard, alert rules and documentation know what is on it, and nothing else.

use crate::serve::Serving;
use crate::site::{MESSAGE, Site, run};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const MESSAGES: &str = "LHLO mx.firm.example\r\n\
    MAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n\
    Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@client.example>\r\n\
    From: anna@gmx.de\r\nTo: b@x.example\r\n\r\nGreetings!\r\n.\r\n\
    MAIL FROM:<nobody@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n\
    Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nFrom: nobody@x.example\r\nTo: b@x.example\r\n\r\nGreetings!\r\n.\r\n\
    QUIT\r\n";

fn site() -> Site {
    let site = Site::new();
    let at = |name: &str| format!("'unix:{}'", site.path().join(name).display());
    site.config(&format!("authorise: mta\nlisten: {{lmtp: {}, metrics: {}}}\n", at("lmtp"), at("metrics")));
    site
}

fn ask(site: &Site, socket: &str, request: &str) -> String {
    let mut stream = UnixStream::connect(site.path().join(socket)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn page(site: &Site) -> String {
    ask(site, "metrics", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The value of the line that begins so.
#[track_caller]
fn value(page: &str, sample: &str) -> f64 {
    let found = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("{sample} in\n{page}"))
}

#[test]
fn what_was_delivered_is_counted_and_nobody_is_named() {
    let site = site();
    site.rules(&["refuse-recipient=c@x.example"]);
    let _serving = Serving::start(&site);
    assert_eq!(value(&page(&site), "sendvia_sessions_reused_total"), 0.0);
    let replies = ask(&site, "lmtp", MESSAGES);
    assert!(replies.contains("\r\n250 2.0.0 gmx: ") && replies.contains("\r\n451 4.3.5 "), "{replies}");
    let page = page(&site);
    let rows = [
        ("sendvia_deliveries_total{provider=\"gmx\",verdict=\"sent\",outcome=\"sent\"}", 1.0),
        ("sendvia_deliveries_total{provider=\"none\",verdict=\"deferred\",outcome=\"no-account\"}", 1.0),
        ("sendvia_logins_total{provider=\"gmx\",result=\"ok\"}", 1.0),
        ("sendvia_stage_seconds_count{stage=\"connecting\"}", 1.0),
        ("sendvia_messages_last_day", 1.0),
        ("sendvia_accounts_active_last_day", 1.0),
        ("sendvia_state_readable", 1.0),
        ("sendvia_pool_sessions_idle", 1.0),
    ];
    for (sample, expected) in rows {
        assert_eq!(value(&page, sample), expected, "{sample}");
    }
    assert!(page.contains("provider=\"gmx\",verdict=\"bounced\""), "{page}");
    for secret in ["anna", "x.example", "nobody", "localhost["] {
        assert!(!page.contains(secret), "{secret} in\n{page}");
    }
}

#[test]
fn other_hosts_get_no_page() {
    let site = Site::new();
    site.config("listen: {metrics: '0.0.0.0:9125'}\n");
    let said = String::from_utf8(site.command("check").output().unwrap().stdout).unwrap();
    assert!(said.contains("listen.metrics: metrics are served to this host alone"), "{said}");
}

/// Words that look like names of ours, with the ends of a histogram's lines taken off.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("sendvia_") || word.starts_with("process_"));
    ours.map(|word| word.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count").to_owned())
        .collect()
}

#[test]
fn dashboard_rules_and_guide_know_the_names_of_the_page() {
    let site = site();
    let _serving = Serving::start(&site);
    let page = page(&site);
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let shown: BTreeSet<String> = types.map(str::to_owned).collect();
    let read = |path: &str| fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let guide = read("docs/guide/watching.md");
    let table: String = guide.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(names(&table), shown);
    for file in ["contrib/grafana/sendvia.json", "contrib/prometheus/sendvia.rules.yml"] {
        let used = names(&read(file));
        assert!(!used.is_empty() && used.is_subset(&shown), "{file}: {:?}", used.difference(&shown));
    }
    serde_json::from_str::<serde_json::Value>(&read("contrib/grafana/sendvia.json")).unwrap();
}

#[test]
fn a_message_is_traced_by_its_queue_id_through_log_journal_and_what_is_closed() {
    let site = Site::new();
    let relay = |queue_id: &str, to: &str| {
        let mut command = site.command("relay");
        let arguments = ["--user", "anna", "--queue-id", queue_id, "-f", "anna@gmx.de", "--", to];
        run(command.args(arguments), MESSAGE.as_bytes())
    };
    let trace = |queue_id: &str| {
        let mut command = site.command("trace");
        run(command.arg("--json").arg("--log").arg(site.path().join("mail.log")).arg(queue_id), b"")
    };
    fs::write(site.path().join("mail.log"), "").unwrap();
    assert_eq!(trace("4Xq1").code, Some(1));
    assert_eq!(relay("4Xq1", "b@x.example").code, Some(0));
    site.rules(&["wrong-password"]);
    let refused = relay("4Xq2", "b@x.example");
    assert_eq!(refused.code, Some(75), "{refused:?}");
    let line = |text: &str| {
        format!(
            "mail sendvia[1]: 4Xq2: from=<anna@gmx.de>, to=<b@x.example>, relay=none, user=anna, account=anna@gmx.de, \
             delay=0, delays=0/0/0/0, dsn=4.7.8, status=deferred ({text})\n"
        )
    };
    let log =
        format!("mail postfix/qmgr[1]: 4Xq2: from=<anna@gmx.de>, size=1\n{}{}", line("gmx: one"), line("gmx: two"));
    fs::write(site.path().join("mail.log"), log).unwrap();
    let told = |queue_id: &str| -> serde_json::Value { serde_json::from_str(&trace(queue_id).out).unwrap() };
    let sent = told("4Xq1");
    assert_eq!(sent["taken"][0]["recipient"], "b@x.example", "{sent}");
    assert_eq!(sent["closed"], serde_json::json!([]));
    let waits = told("4Xq2");
    assert_eq!((&waits["recipients"][0]["text"], &waits["recipients"][0]["lines"]), (&"gmx: two".into(), &2.into()));
    assert_eq!(waits["log"].as_array().unwrap().len(), 3);
    assert_eq!(waits["closed"][0]["kind"], "credentials", "{waits}");
    assert_eq!(waits["taken"], serde_json::json!([]));
}

#[test]
fn only_what_is_there_can_be_opened_again_and_an_alias_opens_its_account() {
    let site = Site::new();
    let said = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sendvia"));
        let ended = run(command.env("SENDVIA_CONFIG", site.config_file()).args(words), b"");
        (ended.code, ended.out + &ended.err)
    };
    std::os::unix::fs::symlink("anna@gmx.de.yaml", site.account_file("anni@gmx.de")).unwrap();
    for rest in ["anna@gmx.de", "anni@gmx.de"] {
        assert_eq!(said(&["account", "reopen", rest]), (Some(0), "nothing was closed\n".to_owned()));
    }
    let (code, text) = said(&["account", "reopen", "nobody@gmx.de"]);
    assert!(code == Some(67) && text.contains("there is no account nobody@gmx.de\nhint: "), "{text}");
    for known in ["direct", "gmx", "GMX", "direct to gmx", "mail.x.example:587"] {
        assert_eq!(said(&["route", "reopen", known]), (Some(0), "nothing was closed\n".to_owned()), "{known}");
    }
    let (code, text) = said(&["route", "reopen", "nowhere"]);
    assert!(code == Some(64) && text.contains("nowhere\nhint: known: direct, ") && text.contains("gmx"), "{text}");
    site.rules(&["wrong-password"]);
    let arguments = ["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"];
    run(site.command("relay").args(arguments), MESSAGE.as_bytes());
    let (code, text) = said(&["account", "reopen", "anni@gmx.de"]);
    assert!(code == Some(0) && text.contains("opened: login of anna@gmx.de"), "{text}");
}

/// journalctl(1) as it answers; it knows nothing of a message that it is not asked for in its own words.
const JOURNALCTL: &str = r#"#!/bin/sh
[ "$*" = "-q --no-pager -o short-iso --since=-10d --grep=4Xq9" ] || exit 1
echo '2026-11-25T08:00:00+0000 mail postfix/qmgr[1]: 4Xq9: from=<anna@gmx.de>, size=1'
echo '2026-11-25T08:00:01+0000 mail postfix/qmgr[1]: 14Xq90: from=<berta@gmx.de>, size=1'
"#;

#[test]
fn a_message_that_no_log_file_knows_is_looked_for_in_the_systemd_journal() {
    let site = Site::new();
    let programs = site.path().join("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("journalctl"), JOURNALCTL).unwrap();
    fs::set_permissions(programs.join("journalctl"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let trace = |queue_id: &str| run(site.command("trace").env("PATH", &path).args(["--json", queue_id]), b"");
    let ended = trace("4Xq9");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["log"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(trace("4Xq8").code, Some(1));
}
