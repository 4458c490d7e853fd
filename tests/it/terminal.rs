//! What asks and shows at a terminal.

use crate::keys::{sendvia, site_with_key};
use crate::site::{PASSWORD, Site, run};
use crate::support::terminal::Terminal;
use sendvia::sandbox::TlsMode;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Command;

fn at_terminal(site: &Site, words: &[&str]) -> Terminal {
    let config = site.config_file();
    let own = [env!("CARGO_BIN_EXE_sendvia")];
    Terminal::start(&[&own[..], words, &["--config", config.to_str().unwrap()]].concat())
}

/// The sandbox by its host and port, without an account yet.
fn place(site: &Site) -> [String; 2] {
    fs::remove_file(site.account_file("anna@gmx.de")).unwrap();
    ["localhost".to_owned(), site.port(TlsMode::StartTls).to_string()]
}

#[test]
fn a_password_is_asked_for_without_echo_and_proven() {
    let site = site_with_key();
    let [host, port] = place(&site);
    let words =
        ["account", "add", "anna@gmx.de", "--host", &host, "--port", &port, "--tls", "starttls", "--users", "anna"];
    let mut wrong = at_terminal(&site, &words);
    wrong.sees("Password of anna@gmx.de: ");
    wrong.types_unseen("falsch-8812");
    let (code, screen) = wrong.ends();
    assert!(code == Some(77) && screen.contains("wrong login or password"), "{code:?} {screen}");
    assert!(!screen.contains("falsch"), "{screen}");
    let mut right = at_terminal(&site, &words);
    right.sees("Password of anna@gmx.de: ");
    right.types_unseen(PASSWORD);
    right.sees("logged in at 127.0.0.1:");
    let (code, screen) = right.ends();
    assert!(code == Some(0) && !screen.contains(PASSWORD), "{code:?} {screen}");
    assert!(fs::read_to_string(site.account_file("anna@gmx.de")).unwrap().contains("{sealed: "));
}

#[test]
fn a_plan_is_asked_about_and_a_no_writes_nothing() {
    let site = site_with_key();
    let table = site.path().join("t.csv");
    fs::write(&table, format!("address,password\nberta@gmx.de,{PASSWORD}\n")).unwrap();
    let words = ["import", "csv", table.to_str().unwrap()];
    for (answer, code, is_there) in [("n", 1, false), ("", 1, false), ("y", 0, true)] {
        let mut person = at_terminal(&site, &words);
        person.sees("Write 1 accounts to ");
        person.types(answer);
        let (ended, screen) = person.ends();
        assert!(ended == Some(code) && !screen.contains(PASSWORD), "{answer:?}: {ended:?} {screen}");
        assert_eq!(site.account_file("berta@gmx.de").exists(), is_there, "{answer:?}");
    }
}

#[test]
fn long_work_shows_how_far_it_is() {
    let site = Site::new();
    for name in ["b", "c", "d"] {
        site.account(&format!("{name}@gmx.de"), "");
    }
    // Longer than what shows no bar.
    site.rules(&["delay=auth:1200"]);
    let mut testing = at_terminal(&site, &["account", "test", "--all"]);
    testing.sees("testing [");
    let (code, screen) = testing.ends();
    assert!(code == Some(0) && screen.contains("4 of 4 accounts log in"), "{code:?} {screen}");
    let piped = sendvia(&site, &["account", "test", "anna@gmx.de"], "");
    assert!(!piped.out.contains("testing [") && piped.err.is_empty(), "{piped:?}");
}

#[test]
fn what_root_writes_belongs_to_whom_the_directory_belongs() {
    let site = site_with_key();
    if fs::metadata(site.path()).unwrap().uid() != 0 {
        return;
    }
    let accounts = site.path().join("accounts.d");
    chown(&accounts, Some(4711), Some(4712)).unwrap();
    let add = ["account", "add", "berta@gmx.de", "--provider", "gmx", "--no-verify", "--secret-file", "-"];
    assert_eq!(sendvia(&site, &add, PASSWORD).code, Some(0));
    let table = site.path().join("t.csv");
    fs::write(&table, format!("address,password,aliases\ncarla@gmx.de,{PASSWORD},c@gmx.de\n")).unwrap();
    let import = ["import", "csv", "--yes", table.to_str().unwrap()];
    assert_eq!(sendvia(&site, &import, "").code, Some(0));
    assert_eq!(sendvia(&site, &["account", "disable", "berta@gmx.de"], "").code, Some(0));
    for address in ["berta@gmx.de", "carla@gmx.de", "c@gmx.de"] {
        let file = fs::symlink_metadata(site.account_file(address)).unwrap();
        assert_eq!((file.uid(), file.gid()), (4711, 4712), "{address}");
    }
    // An account that stands there keeps its owner, whosever the directory is.
    chown(&accounts, Some(0), Some(0)).unwrap();
    assert_eq!(sendvia(&site, &["account", "enable", "berta@gmx.de"], "").code, Some(0));
    let file = fs::symlink_metadata(site.account_file("berta@gmx.de")).unwrap();
    assert_eq!((file.uid(), file.gid()), (4711, 4712));
}

#[test]
fn what_is_waited_for_is_said_after_a_second_and_is_gone_again() {
    let site = site_with_key();
    site.rules(&["delay=banner:1500"]);
    let [host, port] = place(&site);
    let target = format!("{}:{}", host.trim_start_matches("--host="), port.trim_start_matches("--port="));
    let mut probing = at_terminal(&site, &["probe", &target]);
    probing.sees("asking the servers, ");
    let (_, screen) = probing.ends();
    assert!(screen.contains(&format!("port {port}, by route direct")), "{screen}");
    let piped = sendvia(&site, &["probe", &target], "");
    assert!(!piped.out.contains("asking") && !piped.err.contains("asking"), "{piped:?}");
}

/// What a short command shows at a terminal.
fn shown(command: &str) -> String {
    let mut script = Command::new("script");
    script.args(["-q", "-c", command, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm");
    run(script.env_remove("NO_COLOR"), b"").out
}

#[test]
fn colours_are_for_terminals_alone_and_not_where_nobody_wants_them() {
    const ESCAPE: char = '\u{1b}';
    let program = env!("CARGO_BIN_EXE_sendvia");
    for word in ["--help", "nonsense"] {
        assert!(shown(&format!("{program} {word}")).contains(ESCAPE), "{word}");
        let plain = shown(&format!("NO_COLOR=1 {program} {word}"));
        assert!(!plain.contains(ESCAPE) && plain.contains("sendvia"), "{word}: {plain}");
        let piped = run(Command::new(program).arg(word), b"");
        assert!(!piped.out.contains(ESCAPE) && !piped.err.contains(ESCAPE), "{piped:?}");
    }
}
