//! The fence of `sendvia serve`, from outside and from within: what is behind it, what it keeps out, and what still works.

mod attempts;
mod commands;

use crate::serve::Serving;
use crate::site::{PASSWORD, Site, run};
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use tempfile::TempDir;

const MESSAGE: &str = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@client.example>\r\n\
    From: Anna <anna@gmx.de>\r\nTo: b@x.example\r\nSubject: Hello\r\n\r\nGreetings!\r\n";

/// A site that takes anybody's mail by a Unix socket; Anna's secret is read as `secret` says.
fn site(secret: &str) -> Site {
    let site = Site::new();
    let text = site.account_text(sendvia::sandbox::TlsMode::StartTls, "users: [anonymous]\n");
    site.raw_account("anna@gmx.de", text.replace(&format!("{{plain: {PASSWORD}}}"), secret));
    configure(&site, "");
    site
}

fn configure(site: &Site, more: &str) {
    let path = |name: &str| site.path().join(name).display().to_string();
    site.config(&format!("listen: {{lmtp: 'unix:{}', map: 'unix:{}'}}\n{more}", path("lmtp"), path("map")));
    let text = fs::read_to_string(site.config_file()).unwrap();
    fs::write(site.config_file(), text.replace("log: {to: none}", "log: stderr")).unwrap();
}

/// The reply to a message of Anna's.
fn delivered(site: &Site) -> String {
    let text = format!(
        "LHLO mx.firm.example\r\nMAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n{MESSAGE}.\r\nQUIT\r\n"
    );
    let mut stream = UnixStream::connect(site.path().join("lmtp")).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    let (_, behind) = replies.split_once("\r\n354 ").unwrap_or_else(|| panic!("{replies}"));
    behind.lines().nth(1).unwrap().to_owned()
}

/// A directory that no configuration names, with a private file in it.
fn elsewhere(content: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.display().to_string();
    (directory, file)
}

/// Whether the kernel holds files back; where it does not, the service has to say so.
fn holds_files(serving: &Serving) -> bool {
    let is_held = serving.status.starts_with("fence: Landlock ABI ");
    assert!(is_held || serving.status.starts_with("fence: no Landlock ("), "{}", serving.status);
    is_held
}

#[test]
fn every_thread_of_the_service_is_behind_the_fence() {
    let site = site(&format!("{{plain: {PASSWORD}}}"));
    let serving = Serving::start(&site);
    assert!(delivered(&site).starts_with("250 "));
    holds_files(&serving);
    assert!(serving.status.ends_with(", seccomp"), "{}", serving.status);
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{}/task", serving.id())).unwrap() {
        // One that ended meanwhile was behind it too.
        let Ok(status) = fs::read_to_string(task.unwrap().path().join("status")) else { continue };
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.lines().any(|found| found == line), "{status}");
        }
        threads += 1;
    }
    assert!(threads > 1);
}

#[test]
fn a_fence_that_is_switched_off_is_said_to_be() {
    let (_elsewhere, file) = elsewhere(PASSWORD);
    let site = site(&format!("{{file: {file}}}"));
    configure(&site, "fence: off\n");
    let serving = Serving::start(&site);
    assert_eq!(serving.status, "fence: off");
    let status = fs::read_to_string(format!("/proc/{}/status", serving.id())).unwrap();
    assert!(status.lines().any(|line| line == "Seccomp:\t0"), "{status}");
    assert!(delivered(&site).starts_with("250 "));
}

#[test]
fn a_secret_outside_of_the_fence_is_kept_from_the_service_and_the_reply_says_what_lets_it_in() {
    let (elsewhere, file) = elsewhere(PASSWORD);
    let site = site(&format!("{{file: {file}}}"));
    let serving = Serving::start(&site);
    if holds_files(&serving) {
        let reply = delivered(&site);
        let remedy = format!("add {} to `fence: {{read: [..]}}`", elsewhere.path().display());
        assert!(reply.starts_with("451 4.7.8 ") && reply.contains(&remedy), "{reply}");
    }
    let of_a_pipe = run(site.command("relay").args(["-f", "anna@gmx.de", "--", "b@x.example"]), MESSAGE.as_bytes());
    of_a_pipe.is(0, "");
    assert_eq!(site.messages().len(), 1);
    drop(serving);
    configure(&site, &format!("fence: {{read: [{}]}}\n", elsewhere.path().display()));
    let _serving = Serving::start(&site);
    assert!(delivered(&site).starts_with("250 "));
}

#[test]
fn what_comes_into_the_place_of_a_directory_is_kept_out_until_a_restart_and_both_are_said() {
    let (elsewhere, _) = elsewhere("");
    let at = |name: &str| elsewhere.path().join(name);
    let put = |directory: &str| {
        fs::create_dir(at(directory)).unwrap();
        fs::write(at(directory).join("secret"), PASSWORD).unwrap();
        fs::set_permissions(at(directory).join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    };
    let site = site(&format!("{{file: {}}}", at("here/secret").display()));
    configure(&site, &format!("fence: {{read: [{}, {}]}}\n", at("here").display(), at("later").display()));
    put("here");
    let serving = Serving::start(&site);
    let holds_files = holds_files(&serving);
    assert!(delivered(&site).starts_with("250 "));
    fs::rename(at("here"), at("before")).unwrap();
    put("here");
    let reply = delivered(&site);
    if holds_files {
        assert!(reply.starts_with("451 4.7.8 ") && reply.contains("restart the service"), "{reply}");
    }
    serving.signal("-TERM");
    let (_, said) = serving.end();
    let missing = format!("fence: {} is not there; once it is, restart the service\n", at("later").display());
    assert_eq!(said.contains(&missing), holds_files, "{said}");
    put("later");
    let serving = Serving::start(&site);
    assert!(delivered(&site).starts_with("250 "));
    serving.signal("-TERM");
    assert!(!serving.end().1.contains("is not there"));
}

#[test]
fn a_configuration_that_names_a_place_outside_counts_after_a_restart() {
    let site = site(&format!("{{plain: {PASSWORD}}}"));
    let elsewhere = tempfile::tempdir().unwrap();
    let accounts = elsewhere.path().join("accounts.d");
    fs::create_dir(&accounts).unwrap();
    let outside = format!("accounts: {}\nmap: {{transport: 'other:'}}\n", accounts.display());
    let serving = Serving::start(&site);
    let holds_files = holds_files(&serving);
    configure(&site, &outside);
    serving.reload();
    assert_eq!(table(&site), if holds_files { "11:OK sendvia:," } else { "9:NOTFOUND ," });
    configure(&site, "map: {transport: 'inside:'}\n");
    serving.reload();
    assert_eq!(table(&site), "10:OK inside:,");
    configure(&site, "map: {transport: 'other:'}\n");
    let text = fs::read_to_string(site.config_file()).unwrap();
    let state = format!("state: {}", elsewhere.path().display());
    fs::write(site.config_file(), text.replace("state: state", &state)).unwrap();
    serving.reload();
    assert_eq!(table(&site), if holds_files { "10:OK inside:," } else { "9:OK other:," });
    serving.signal("-TERM");
    let (_, said) = serving.end();
    for place in [accounts.as_path(), elsewhere.path()] {
        let told = format!(
            "reload: {} is outside of the fence, which can't be widened: restart the service\n\
             reload: the configuration in force is kept\n",
            place.display()
        );
        assert_eq!(said.contains(&told), holds_files, "{said}");
    }
    configure(&site, &outside);
    let _serving = Serving::start(&site);
    assert_eq!(table(&site), "9:NOTFOUND ,");
}

/// What the table `transport` holds for Anna.
fn table(site: &Site) -> String {
    let mut stream = UnixStream::connect(site.path().join("map")).unwrap();
    stream.write_all(b"21:transport anna@gmx.de,").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// The process that the service started for commands.
fn helper(serving: &Serving) -> Option<u32> {
    let children = format!("/proc/{0}/task/{0}/children", serving.id());
    fs::read_to_string(children).unwrap().split_whitespace().find_map(|id| id.parse().ok())
}

fn is_gone(id: u32) -> bool {
    match fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")) {
        Err(_) => true,
        Ok(stat) => stat.contains(") Z "),
    }
}

#[test]
fn check_warns_of_what_the_service_can_not_read() {
    let (elsewhere, file) = elsewhere(PASSWORD);
    let site = site(&format!("{{file: {file}}}"));
    let told = format!(
        "warning: {file}: outside of what the service may read\nhint: add {} to `fence: {{read: [..]}}`",
        elsewhere.path().display()
    );
    let check = || run(&mut site.command("check"), b"");
    let warned = check();
    assert!(warned.code == Some(0) && warned.out.contains(&told), "{warned:?}");
    for more in [format!("fence: {{read: [{}]}}\n", elsewhere.path().display()), "fence: off\n".to_owned()] {
        configure(&site, &more);
        assert!(!check().out.contains("outside"), "{more}");
    }
    // Without a service nobody is kept out.
    site.config("");
    assert!(!check().out.contains("outside"));
}
