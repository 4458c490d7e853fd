//! Whatever a person's command fails with has a remedy behind it, and help says all of a command.

use crate::keys::{sendvia, site_with_key};
use crate::site::{Ended, PASSWORD, Site, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Commands with their arguments, on which a configuration has a say.
const BY_CONFIGURATION: &[&str] = &[
    "check",
    "status",
    "serve",
    "doctor --offline --mta none",
    "lookup anna@gmx.de",
    "trace 4X",
    "route reopen",
    "map --export transport",
    "probe gmx",
    "token anna@gmx.de",
    "account list",
    "account show anna@gmx.de",
    "account test --all",
    "account add x@gmx.de --provider gmx",
    "account disable anna@gmx.de",
    "account remove anna@gmx.de",
    "account rename anna@gmx.de b@gmx.de",
    "account copy --to x.d",
    "account reopen anna@gmx.de",
    "account set-secret anna@gmx.de",
    "account set-server anna@gmx.de --provider gmx",
    "key new",
    "key rotate",
    "key export",
    "import csv -",
];

/// What is wrong with a good configuration.
const WRONG: &[&str] = &[
    "account show nobody@gmx.de",
    "account test nobody@gmx.de",
    "account test",
    "account add x@gmx.de --provider nope",
    "account add x@gmx.de --provider gmx",
    "account add x@gmx.de --provider gmx --secret-file /nonexistent",
    "account add anna@gmx.de --provider gmx",
    "account add x",
    "account add x --provider gmx",
    "account disable nobody@gmx.de",
    "account remove nobody@gmx.de",
    "account remove anna@gmx.de",
    "account rename nobody@gmx.de b@gmx.de",
    "account reopen nobody@gmx.de",
    "route reopen nowhere",
    "account rename anna@gmx.de anna@gmx.de",
    "account rename anna@gmx.de x",
    "account copy --to /proc/none/x",
    "account set-secret nobody@gmx.de",
    "account set-server anna@gmx.de",
    "account set-server anna@gmx.de --provider nope",
    "key new",
    "key export --to /proc/x",
    "token nobody@gmx.de",
    "token anna@gmx.de",
    "lookup nobody@gmx.de",
    "lookup x@y@z",
    "trace 4X",
    "trace 4X --log /nonexistent",
    "map --export nope",
    "probe gmx --route nope",
    "probe gmx --account nobody@gmx.de",
    "import csv -",
    "import csv /nonexistent",
    "import exim /nonexistent",
    "import msmtp /nonexistent",
    "serve",
    "nonsense",
    "help nonsense",
    "explain --stage nope",
    "completions nope",
    "man /proc/x",
    "setup nope",
    "sandbox --dir /proc/x",
    "status --watch x",
];

fn says_what_mends_it(ended: &Ended, command: &str) {
    assert_ne!(ended.code, Some(0), "{command}: {ended:?}");
    let told = ended.out.clone() + &ended.err;
    assert!(told.contains("hint: "), "{command}: {ended:?}");
    assert!(!told.contains(PASSWORD), "{command}: {ended:?}");
}

fn with_config(file: &str, command: &str) -> Ended {
    let mut process = Command::new(env!("CARGO_BIN_EXE_sendvia"));
    process.env_remove("SENDVIA_CONFIG").args(command.split(' ')).args(["--config", file]);
    run(&mut process, b"")
}

#[test]
fn without_a_configuration_every_command_says_what_mends_it() {
    let directory = tempfile::tempdir().unwrap();
    let bad = directory.path().join("bad.yaml");
    fs::write(&bad, "nonsense: true\n").unwrap();
    for command in BY_CONFIGURATION {
        for file in ["/nonexistent/sendvia.yaml", bad.to_str().unwrap()] {
            says_what_mends_it(&with_config(file, command), command);
        }
    }
}

#[test]
fn every_mistake_is_told_with_what_mends_it() {
    let site = site_with_key();
    let takes_config = |command: &str| {
        let first = command.split(' ').next().unwrap();
        !["nonsense", "help", "explain", "completions", "man", "setup", "sandbox"].contains(&first)
    };
    for command in WRONG {
        let words: Vec<&str> = command.split(' ').collect();
        let ended = match takes_config(command) {
            true => sendvia(&site, &words, ""),
            false => run(Command::new(env!("CARGO_BIN_EXE_sendvia")).args(&words), b""),
        };
        says_what_mends_it(&ended, command);
    }
}

#[test]
fn an_account_that_others_may_read_is_told_of_with_the_command_that_mends_it() {
    let site = Site::new();
    let file = site.account_file("anna@gmx.de");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = with_config(site.config_file().to_str().unwrap(), "check");
    assert!(told.out.contains(&format!("chmod 600 {}", file.display())), "{told:?}");
}

#[test]
fn help_is_short_by_an_option_and_long_by_its_name() {
    let long = |words: &[&str]| run(Command::new(env!("CARGO_BIN_EXE_sendvia")).arg("help").args(words), b"");
    let short = |words: &[&str]| run(Command::new(env!("CARGO_BIN_EXE_sendvia")).args(words).arg("--help"), b"");
    for words in [&[][..], &["doctor"], &["trace"], &["account", "add"], &["serve"], &["relay"]] {
        let (short, long) = (short(words), long(words));
        assert_eq!((short.code, long.code), (Some(0), Some(0)), "{words:?}");
        assert!(short.out.lines().count() < long.out.lines().count(), "{words:?}: {}", long.out);
        assert!(short.out.lines().count() < 45, "{words:?}: {}", short.out);
    }
    assert!(long(&["trace"]).out.contains("exit status: 0; 1 nothing is known of it; 78"));
    assert_eq!(long(&["nonsense"]).code, Some(64));
}
