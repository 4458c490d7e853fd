//! No output of any kind holds a secret.

use crate::site::{Ended, MESSAGE, PASSWORD, Site, run};
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The password as it stands in the dialogue of PLAIN, at each of base64's three offsets, and of LOGIN.
fn disguises() -> Vec<String> {
    let encode = |octets: &[u8]| {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> = octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1)).collect();
        let sixes = bits.chunks_exact(6).map(|six| six.iter().fold(0, |value, bit| value << 1 | bit));
        sixes.map(|value: u8| char::from(ALPHABET[usize::from(value)])).collect::<String>()
    };
    let mut all = vec![PASSWORD.to_owned()];
    for offset in 0..3 {
        let shifted = [&b"\0\0\0"[..offset], PASSWORD.as_bytes()].concat();
        // The first characters depend on what stands before.
        all.push(encode(&shifted)[offset * 2..].chars().take(16).collect());
    }
    all
}

#[track_caller]
fn clean(what: &str, ended: &Ended) {
    for disguise in disguises() {
        assert!(!ended.out.contains(&disguise) && !ended.err.contains(&disguise), "{what} shows {disguise}: {ended:?}");
    }
}

#[test]
fn no_output_shows_the_password_in_any_form() {
    let site = Site::new();
    let envelope = ["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"];
    let debug = |site: &Site| run(site.command("relay").arg("--debug").args(envelope), MESSAGE.as_bytes());
    let delivered = debug(&site);
    assert_eq!(delivered.code, Some(0), "{delivered:?}");
    clean("a delivery at --debug", &delivered);
    site.rules(&["wrong-password"]);
    clean("a refused login at --debug", &debug(&site));
    site.rules(&[&format!("reply=auth:535 You said {PASSWORD}")]);
    clean("a refused login", &site.relay_annas(MESSAGE));
    let look = run(site.command("lookup").args(["anna@gmx.de", "--user", "anna"]), b"");
    assert_eq!(look.code, Some(0), "{look:?}");
    clean("lookup", &look);
    clean("lookup --json", &run(site.command("lookup").args(["anna@gmx.de", "--json"]), b""));
    clean("check", &run(&mut site.command("check"), b""));
    clean("check --json", &run(site.command("check").arg("--json"), b""));
}

#[test]
fn an_error_in_an_account_file_does_not_show_the_line_with_the_secret() {
    let site = Site::new();
    let texts = [
        format!("provider: gmx\nsecret: {{plain: {PASSWORD}\n"),
        format!("provider: gmx\nsecret: {PASSWORD}\n"),
        format!("provider: gmx\nsecret: {{plain: {PASSWORD}, plain: {PASSWORD}}}\n"),
        format!("provider: gmx\nsecret: {{plian: {PASSWORD}}}\n"),
        format!("provider: gmx\nsecret: {{plain: [{PASSWORD}]}}\n"),
        format!("provider: gmx\nsecret: {{plain: \"{PASSWORD}}}\n"),
        format!("provider: gmx\n{PASSWORD}\n"),
        format!("\tsecret: {{plain: {PASSWORD}}}\n"),
    ];
    for text in texts {
        site.raw_account("anna@gmx.de", &text);
        clean(&text, &site.relay_annas(MESSAGE));
        clean(&text, &run(&mut site.command("check"), b""));
        clean(&text, &run(site.command("check").arg("--json"), b""));
    }
}

/// The process while it waits for the provider's reply, its login behind it.
#[test]
fn neither_the_process_nor_its_files_nor_its_core_show_the_password() {
    let site = crate::keys::site_with_key();
    let sealed = ["account", "set-secret", "--no-verify", "--secret-file", "-", "anna@gmx.de"];
    assert_eq!(crate::keys::sendvia(&site, &sealed, PASSWORD).code, Some(0));
    site.rules(&["silent-at=final"]);
    let directory = site.path().join("working-directory");
    fs::create_dir(&directory).unwrap();
    let relay = site.command("relay");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$@\"", "sh"]).arg(relay.get_program());
    command.args(relay.get_args()).args(["--debug", "--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"]);
    command.current_dir(&directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(MESSAGE.as_bytes()).unwrap();
    site.wait_until(|counters| counters.messages == 1);
    let of_process = |name: &str| fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    let limits = String::from_utf8(of_process("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    let shown = [of_process("cmdline"), of_process("environ")].concat();
    assert!(Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.signal() == Some(6) && !output.status.core_dumped(), "{:?}", output.status);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "no core, no other file");
    clean("what the process printed", &Ended::from(output));
    let files = [files(&site.path().join("state")), files(&site.path().join("accounts.d"))].concat();
    assert!(files.len() >= 2, "a state and an account");
    let contents = files.iter().map(|file| fs::read(file).unwrap());
    for octets in contents.chain([shown]) {
        let text = String::from_utf8_lossy(&octets);
        assert!(disguises().iter().all(|disguise| !text.contains(disguise)));
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
