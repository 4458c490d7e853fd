//! `sendvia key` on the binary.

use crate::site::{Ended, PASSWORD, Site, run};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `sendvia WORDS.. --config FILE`.
pub(crate) fn command(site: &Site, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sendvia"));
    command.args(words).arg("--config").arg(site.config_file());
    command.env_remove("SENDVIA_USER").env_remove("SENDVIA_CONFIG");
    command
}

/// Runs it without a terminal and with `stdin`. Nothing that it prints may hold the password.
pub(crate) fn sendvia(site: &Site, words: &[&str], stdin: &str) -> Ended {
    let ended = run(&mut command(site, words), stdin.as_bytes());
    assert!(!ended.out.contains(PASSWORD) && !ended.err.contains(PASSWORD), "{words:?}: {ended:?}");
    ended
}

/// A site with a key.
pub(crate) fn site_with_key() -> Site {
    let site = Site::new();
    site.config("key: {file: key}\n");
    assert_eq!(sendvia(&site, &["key", "new"], "").code, Some(0));
    site
}

fn key(site: &Site) -> PathBuf {
    site.path().join("key")
}

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    let site = Site::new();
    let made = sendvia(&site, &["key", "new"], "");
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.out.starts_with("made key ") && made.out.contains("sendvia key export"), "{made:?}");
    assert_eq!(fs::metadata(key(&site)).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(key(&site)).unwrap();
    let again = sendvia(&site, &["key", "new"], "");
    assert_eq!(again.code, Some(78), "{again:?}");
    assert!(again.err.contains("exists already") && again.err.contains("sendvia key rotate"), "{again:?}");
    assert_eq!(fs::read_to_string(key(&site)).unwrap(), text);
    assert!(!made.out.contains(text.trim().rsplit(':').next().unwrap()));
}

#[test]
fn a_key_is_exported_into_a_pipe_or_a_file_of_its_own() {
    let site = site_with_key();
    let text = fs::read_to_string(key(&site)).unwrap();
    assert_eq!(sendvia(&site, &["key", "export"], "").out, text);
    let copy = site.path().join("copy");
    let words = ["key", "export", "--to", copy.to_str().unwrap()];
    assert_eq!(sendvia(&site, &words, "").code, Some(0));
    assert_eq!(fs::read_to_string(&copy).unwrap(), text);
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    assert_eq!(sendvia(&site, &words, "").code, Some(64), "it is there");
}

#[test]
fn a_key_that_sendvia_does_not_keep_is_printed_for_who_does() {
    let site = Site::new();
    site.config("key: {credential: sendvia-key}\n");
    let refused = sendvia(&site, &["key", "new"], "");
    assert_eq!(refused.code, Some(64), "{refused:?}");
    assert!(refused.err.contains("systemd-creds encrypt --name=sendvia-key"), "{refused:?}");
    let printed = sendvia(&site, &["key", "new", "--print"], "");
    assert!(printed.out.lines().any(|line| line.starts_with("v1:")), "{printed:?}");
}

#[test]
fn a_rotation_without_a_key_says_how_to_make_one() {
    let ended = sendvia(&Site::new(), &["key", "rotate"], "");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("hint: make one with `sendvia key new`"), "{ended:?}");
}

#[test]
fn check_opens_what_is_sealed_wherever_the_key_is() {
    let site = site_with_key();
    let set = ["account", "set-secret", "anna@gmx.de", "--no-verify", "--secret-file", "-"];
    assert_eq!(sendvia(&site, &set, PASSWORD).code, Some(0));
    let sealed = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    let elsewhere = sealed.replace("host: localhost", "host: evil.example");
    let checked = |text: &str, credentials: Option<PathBuf>| {
        site.raw_account("anna@gmx.de", text);
        let mut check = command(&site, &["check"]);
        credentials.map(|directory| check.env("CREDENTIALS_DIRECTORY", directory));
        run(&mut check, b"").code
    };
    site.config("");
    assert_eq!((checked(&sealed, None), checked(&elsewhere, None)), (Some(0), Some(78)), "the key beside sendvia.yaml");
    let directory = site.path().join("credentials");
    fs::create_dir(&directory).unwrap();
    fs::rename(key(&site), directory.join("sendvia-key")).unwrap();
    assert_eq!(checked(&sealed, None), Some(78), "no key, and something that it opens");
    site.config("key: {credential: sendvia-key}\n");
    let here = || Some(directory.clone());
    assert_eq!((checked(&sealed, here()), checked(&elsewhere, here())), (Some(0), Some(78)), "as the service sees it");
    assert_eq!(checked(&elsewhere, None), Some(0), "a shell has no credentials");
}

#[test]
fn a_rotation_killed_at_any_account_leaves_every_account_openable() {
    const ACCOUNTS: usize = 40;
    let site = site_with_key();
    fs::remove_file(site.account_file("anna@gmx.de")).unwrap();
    let names: Vec<String> = (0..ACCOUNTS).map(|number| format!("a{number:02}@gmx.de")).collect();
    for name in &names {
        site.account(name, "users: [anna]\n");
        let sealed = sendvia(&site, &["account", "set-secret", name, "--no-verify", "--secret-file", "-"], PASSWORD);
        assert_eq!(sealed.code, Some(0), "{sealed:?}");
    }
    let inode = |name: &String| fs::metadata(site.account_file(name)).unwrap().ino();
    for killed_after in [0, 1, 2, 19, 38, 39] {
        let before = inode(&names[killed_after]);
        let ring = fs::metadata(key(&site)).unwrap().ino();
        let mut rotation =
            command(&site, &["key", "rotate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The new key comes first, then the accounts in the order of their names.
        while rotation.try_wait().unwrap().is_none() && inode(&names[killed_after]) == before {
            std::thread::yield_now();
        }
        let _ = rotation.kill();
        rotation.wait().unwrap();
        assert_ne!(fs::metadata(key(&site)).unwrap().ino(), ring, "no new key");
        assert_eq!(sendvia(&site, &["check"], "").code, Some(0), "killed after account {killed_after}");
        let finished = sendvia(&site, &["key", "rotate"], "");
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let checked = sendvia(&site, &["check"], "");
        checked.says(&["40 accounts", "warnings: 0"]);
        assert_eq!(fs::read_to_string(key(&site)).unwrap().lines().filter(|line| line.starts_with("v1:")).count(), 1);
    }
}
