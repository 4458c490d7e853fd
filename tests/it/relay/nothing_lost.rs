//! Whatever is wrong on our side: 75, one line that says what, and nothing cut is ever sent.

use crate::site::{Ended, MESSAGE, Site, run};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_configuration_or_account_that_cannot_be_read_keeps_the_message() {
    type Breakage<'a> = (&'a str, &'a dyn Fn(&Site));
    let breakages: &[Breakage<'_>] = &[
        ("no configuration", &|site| fs::remove_file(site.config_file()).unwrap()),
        ("no YAML", &|site| site.config("{{{")),
        ("an unknown key", &|site| site.config("acounts: x\n")),
        ("no accounts directory", &|site| fs::remove_dir_all(site.path().join("accounts.d")).unwrap()),
        ("a broken account", &|site| site.raw_account("anna@gmx.de", "provider: [")),
        ("an account without secret", &|site| site.raw_account("anna@gmx.de", "provider: gmx\nusers: [anna]\n")),
        ("an empty account", &|site| site.raw_account("anna@gmx.de", "")),
        ("a directory in its place", &|site| {
            fs::remove_file(site.account_file("anna@gmx.de")).unwrap();
            fs::create_dir(site.account_file("anna@gmx.de")).unwrap();
        }),
        ("no CA file", &|site| fs::remove_file(site.path().join("ca.pem")).unwrap()),
        ("a CA file without certificate", &|site| fs::write(site.path().join("ca.pem"), "x").unwrap()),
        ("a secret command that fails", &|site| with_secret(site, "{command: [/bin/false]}")),
        ("a secret command that does not exist", &|site| with_secret(site, "{command: [/nonexistent/pass]}")),
        ("a secret file that does not exist", &|site| with_secret(site, "{file: /nonexistent/secret}")),
        ("a secret variable that is not set", &|site| with_secret(site, "{env: SENDVIA_TEST_UNSET}")),
    ];
    for (what, breaks) in breakages {
        let site = Site::new();
        breaks(&site);
        let ended = site.relay_annas(MESSAGE);
        assert_eq!(ended.code, Some(75), "{what}: {ended:?}");
        ended.is(75, "4.");
        assert!(ended.out.len() > 12, "{what}: one line has to say what: {ended:?}");
        assert_eq!(site.counters().logins, 0);
    }
}

fn with_secret(site: &Site, secret: &str) {
    let text = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    let lines = text.lines().map(|line| match line.starts_with("secret:") {
        true => format!("secret: {secret}\n"),
        false => format!("{line}\n"),
    });
    site.raw_account("anna@gmx.de", lines.collect::<String>());
}

#[test]
fn a_wrong_command_line_keeps_the_message() {
    let site = Site::new();
    let rows: &[&[&str]] = &[
        &[],
        &["--no-such-option"],
        &["--user", "anna", "-f", "anna@gmx.de"],
        &["--user", "anna", "-f", "anna@gmx.de", "--"],
        &["--user", "anna", "--", "b@x.example"],
        &["--user"],
        &["-f", "anna@gmx.de", "-f", "eve@gmx.de", "--", "b@x.example"],
        &["--size", "many", "-f", "anna@gmx.de", "--", "b@x.example"],
        &["--help"],
        &["-f", "anna@gmx.de", "-h", "b@x.example"],
        &["--bsmtp", "--trace"],
        &["--bsmtp", "-f", "anna@gmx.de"],
    ];
    for arguments in rows {
        let ended = site.relay(arguments, MESSAGE);
        assert_eq!(ended.code, Some(75), "{arguments:?}: {ended:?}");
    }
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn an_empty_standard_input_is_no_message() {
    let site = Site::new();
    site.relay_annas("").is(75, "4.3.0 ");
    site.relay(&["--trace", "--user", "anna"], "").is(75, "4.3.0 ");
    site.relay(&["--bsmtp", "--user", "anna"], "").is(75, "4.5.4 ");
    assert_eq!(site.counters().connections, 0);
}

/// Octets that are the same in every run, and different for every seed.
fn random(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 24) as u8
    };
    (0..count).map(|_| next(&mut state)).collect()
}

#[test]
fn random_octets_are_never_a_panic_and_never_a_bounce_for_our_fault() {
    let site = Site::new();
    for seed in 1..=60 {
        let octets = random(seed, 200);
        let bsmtp = site.relay(&["--bsmtp", "--user", "anna"], &octets);
        assert_eq!(bsmtp.code, Some(75), "BSMTP of seed {seed}: {bsmtp:?}");
        let message = site.relay_annas(&octets);
        // A message without a header From is refused for good: that is the message's own fault.
        assert!(matches!(message.code, Some(0 | 69 | 75)), "message of seed {seed}: {message:?}");
    }
    for seed in 61..=90 {
        site.raw_account("anna@gmx.de", random(seed, 200));
        let account = site.relay_annas(MESSAGE);
        assert_eq!(account.code, Some(75), "account of seed {seed}: {account:?}");
        fs::write(site.config_file(), random(seed, 200)).unwrap();
        let config = site.relay_annas(MESSAGE);
        assert_eq!(config.code, Some(75), "configuration of seed {seed}: {config:?}");
        site.config("");
    }
    assert_eq!(site.counters().logins, 0);
}

/// Starts a delivery, its stdin held open.
fn begin(site: &Site, stdout: Stdio) -> Child {
    let mut command = site.command("relay");
    command.args(["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"]);
    command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(mut child: Child) -> Ended {
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the delivery hangs");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ended::from(child.wait_with_output().unwrap())
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_in_mid_message_keeps_it() {
    let site = Site::new();
    let mut child = begin(&site, Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(MESSAGE.as_bytes()).unwrap();
    wait_for_signal_handler(child.id());
    signal(child.id(), "TERM");
    ended(child).is(75, "4.3.2 ");
    drop(stdin);
    assert_eq!(site.messages().len(), 0);
}

/// Until the process handles SIGTERM itself.
fn wait_for_signal_handler(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let handles = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default().trim().to_owned();
        u64::from_str_radix(&caught, 16).is_ok_and(|mask| mask & (1 << 14) != 0)
    };
    while !handles() {
        assert!(Instant::now() < deadline, "SIGTERM is never handled");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_signal_while_the_provider_thinks_keeps_the_message() {
    let site = Site::new();
    site.rules(&["silent-at=final"]);
    let mut child = begin(&site, Stdio::piped());
    child.stdin.take().unwrap().write_all(MESSAGE.as_bytes()).unwrap();
    site.wait_until(|counters| counters.messages == 1);
    signal(child.id(), "TERM");
    ended(child).is(75, "4.");
}

/// A process that adopts us looks like the parent that we had; the pipe for our answer has lost its reader all the same.
#[test]
fn a_message_whose_answer_nobody_reads_is_never_sent() {
    let site = Site::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = begin(&site, Stdio::from(writer));
    child.stdin.take().unwrap().write_all(MESSAGE.as_bytes()).unwrap();
    let end = ended(child);
    assert_eq!(end.code, Some(75), "{end:?}");
    assert_eq!(site.counters().messages, 0);
}

/// The MTA's process is a shell here; it is killed while its child waits for the rest of the message. The end of file
/// that follows looks like any other.
#[test]
fn a_message_whose_mta_died_is_never_sent() {
    for whole in [false, true] {
        let site = Site::new();
        let fifo = site.path().join("message");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let mut mta = Command::new("sh")
            .args(["-c", "\"$@\" <\"$FIFO\" & echo $!; wait", "sh"])
            .arg(env!("CARGO_BIN_EXE_sendvia"))
            .args(["relay", "--config"])
            .arg(site.config_file())
            .args(["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"])
            .env("FIFO", &fifo)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        let pid = first_line(mta.stdout.as_mut().unwrap());
        wait_for_signal_handler(pid.parse().unwrap());
        stdin.write_all(&MESSAGE.as_bytes()[..if whole { MESSAGE.len() } else { MESSAGE.len() - 30 }]).unwrap();
        mta.kill().unwrap();
        mta.wait().unwrap();
        drop(stdin);
        wait_for_end(&pid);
        assert_eq!(site.counters().messages, 0, "nobody is there any more to know of it");
    }
}

fn first_line(stdout: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut octet = [0];
    while stdout.read(&mut octet).unwrap() == 1 && octet[0] != b'\n' {
        line.push(octet[0]);
    }
    String::from_utf8(line).unwrap()
}

fn wait_for_end(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let lives = || {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Nobody may be there to reap it.
        !status.is_empty() && !status.contains(") Z")
    };
    while lives() {
        assert!(Instant::now() < deadline, "process {pid} does not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_disk_keeps_the_message() {
    if !Path::new("/dev/full").exists() {
        panic!("/dev/full is needed");
    }
    let site = Site::new();
    // A state directory that cannot be made.
    fs::write(site.path().join("file"), "").unwrap();
    fs::write(site.config_file(), "tls: {ca_file: ca.pem}\nstate: file/state\nlog: {to: none}\n").unwrap();
    let end = run(
        site.command("relay").env("TMPDIR", "/nonexistent").args([
            "--user",
            "anna",
            "-f",
            "anna@gmx.de",
            "--",
            "b@x.example",
        ]),
        format!("{MESSAGE}{}", "0123456789\n".repeat(400_000)).as_bytes(),
    );
    assert!(matches!(end.code, Some(0 | 75)), "{end:?}");
    if end.code == Some(75) {
        assert_eq!(site.messages().len(), 0);
    }
}

#[test]
fn an_account_that_others_may_read_is_refused_or_used_but_never_bounces() {
    let site = Site::new();
    let file = site.account_file("anna@gmx.de");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let end = site.relay_annas(MESSAGE);
    assert!(matches!(end.code, Some(0 | 75)), "{end:?}");
}

#[test]
fn a_message_of_64_mib_passes_at_constant_memory() {
    let site = Site::new();
    site.rules(&["silent-at=final"]);
    let small = peak_while_delivering(&site, 1);
    let large = peak_while_delivering(&site, 1024);
    assert!(site.messages()[1].octets > 64 * 1024 * 1024);
    // The pages of an unoptimised binary alone are more than that.
    let limit = if cfg!(debug_assertions) { 40 } else { 16 };
    assert!(large < limit * 1024, "{large} KiB");
    assert!(large < small + 4 * 1024, "{small} KiB became {large} KiB");
}

/// Delivers a message of so many blocks of 64 KiB up to the reply that never comes; its peak memory in KiB.
fn peak_while_delivering(site: &Site, blocks: usize) -> u64 {
    let taken = site.messages().len() as u64;
    let mut child = begin(site, Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(MESSAGE.as_bytes()).unwrap();
    let block = "0123456789 0123456789 0123456789 0123456789 0123456789 01234567\n".repeat(1024);
    for _ in 0..blocks {
        stdin.write_all(block.as_bytes()).unwrap();
    }
    drop(stdin);
    site.wait_until(|counters| counters.messages == taken + 1);
    let peak = peak_kib(child.id());
    signal(child.id(), "TERM");
    ended(child);
    peak
}

/// The most memory that the process ever held: VmHWM.
fn peak_kib(pid: u32) -> u64 {
    let mut status = String::new();
    File::open(format!("/proc/{pid}/status")).unwrap().read_to_string(&mut status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
