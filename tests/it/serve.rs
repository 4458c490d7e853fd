//! `sendvia serve` from outside: start, answers, reload, stop, a second instance, a death.

use crate::site::{PASSWORD, Site};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running service. Dropping it kills it.
pub(crate) struct Serving {
    child: Child,
    notified: UnixDatagram,
    /// What `systemctl status` would show.
    pub(crate) status: String,
}

impl Serving {
    /// Started, and ready by its own word.
    pub(crate) fn start(site: &Site) -> Serving {
        Serving::run(site, site.command("serve").stdin(Stdio::null()))
    }

    /// The same by this command.
    fn run(site: &Site, command: &mut Command) -> Serving {
        let socket = site.path().join("notify");
        let _ = fs::remove_file(&socket);
        let notified = UnixDatagram::bind(&socket).unwrap();
        notified.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let child = command.env("NOTIFY_SOCKET", &socket).stderr(Stdio::piped()).spawn().unwrap();
        let mut serving = Serving { child, notified, status: String::new() };
        let word = serving.word();
        serving.status = word.strip_prefix("READY=1\nSTATUS=").unwrap_or_else(|| panic!("{word}")).to_owned();
        serving
    }

    /// What it tells systemd next.
    fn word(&self) -> String {
        let mut octets = [0; 1000];
        let length = self.notified.recv(&mut octets).expect("a word in time");
        String::from_utf8_lossy(&octets[..length]).trim().to_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many entries a directory of its process has: `fd` or `task`.
    pub(crate) fn count(&self, directory: &str) -> usize {
        fs::read_dir(format!("/proc/{}/{directory}", self.child.id())).unwrap().count()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// By SIGHUP, until it is done.
    pub(crate) fn reload(&self) {
        self.signal("-HUP");
        assert!(self.word().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(self.word(), "READY=1");
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn site() -> (Site, PathBuf) {
    let site = Site::new();
    let map = site.path().join("map");
    site.config(&listen(&map));
    (site, map)
}

fn listen(map: &Path) -> String {
    format!("listen: {{map: 'unix:{}'}}\n", map.display())
}

fn ask(stream: &mut UnixStream, request: &str, reply: &str) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("{}:{request},", request.len()).as_bytes()).unwrap();
    let mut read = vec![0; format!("{}:{reply},", reply.len()).len()];
    stream.read_exact(&mut read).unwrap();
    assert_eq!(String::from_utf8_lossy(&read), format!("{}:{reply},", reply.len()));
}

#[test]
fn it_answers_until_a_signal_and_leaves_nothing_behind() {
    let (site, map) = site();
    let serving = Serving::start(&site);
    let mut client = UnixStream::connect(&map).unwrap();
    ask(&mut client, "transport anna@gmx.de", "OK sendvia:");
    ask(&mut client, "transport new@gmx.de", "NOTFOUND ");
    site.account("new@gmx.de", "users: [anna]\n");
    ask(&mut client, "transport new@gmx.de", "OK sendvia:");
    serving.signal("-TERM");
    assert_eq!(serving.word(), "STOPPING=1");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    let (code, said) = serving.end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(!map.exists());
}

#[test]
fn a_reload_drops_no_connection_and_a_bad_one_changes_nothing() {
    let (site, map) = site();
    let serving = Serving::start(&site);
    let mut client = UnixStream::connect(&map).unwrap();
    ask(&mut client, "transport anna@gmx.de", "OK sendvia:");
    site.config(&format!("{}nonsense: true\n", listen(&map)));
    serving.reload();
    ask(&mut client, "transport anna@gmx.de", "OK sendvia:");
    site.config(&format!("{}map: {{transport: 'other:'}}\n", listen(&map)));
    serving.reload();
    ask(&mut client, "transport anna@gmx.de", "OK other:");
}

#[test]
fn a_changed_configuration_is_read_without_a_signal_and_a_bad_one_changes_nothing() {
    let (site, map) = site();
    let serving = Serving::start(&site);
    let mut client = UnixStream::connect(&map).unwrap();
    for (more, answer) in [("nonsense: true\n", "OK sendvia:"), ("map: {transport: 'other:'}\n", "OK other:")] {
        site.config(&format!("{}{more}", listen(&map)));
        assert!(serving.word().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(serving.word(), "READY=1");
        ask(&mut client, "transport anna@gmx.de", answer);
    }
}

#[test]
fn its_log_goes_to_standard_error_where_its_supervisor_keeps_it() {
    let (site, _) = site();
    let config = fs::read_to_string(site.config_file()).unwrap();
    fs::write(site.config_file(), config.replace("log: {to: none}", "log: stderr")).unwrap();
    let serving = Serving::start(&site);
    serving.signal("-TERM");
    let (code, said) = serving.end();
    assert_eq!(code, Some(0));
    assert!(said.lines().any(|line| line.starts_with("started, 1 sockets; fence: ")), "{said:?}");
    // By the same file what an MTA runs says nothing there: that stream is the MTA's.
    let ended = site.relay_annas("Subject: x\n\nHello\n");
    assert_eq!(ended.err, "", "{ended:?}");
}

/// As systemd starts it: the socket is there before it and after it, and whoever has connected meanwhile is answered.
#[test]
fn a_socket_of_systemds_is_served_and_left_to_it_and_the_watchdog_is_fed() {
    let (site, map) = site();
    let listener = UnixListener::bind(&map).unwrap();
    let mut early = UnixStream::connect(&map).unwrap();
    let mut command = Command::new("sh");
    let script = "export LISTEN_PID=$$ WATCHDOG_PID=$$; exec 3<&0 0</dev/null; exec \"$@\"";
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_sendvia"), "serve", "--config"]).arg(site.config_file());
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "sendvia-map.socket").env("WATCHDOG_USEC", "200000");
    let serving = Serving::run(&site, command.stdin(OwnedFd::from(listener.try_clone().unwrap())));
    ask(&mut early, "transport anna@gmx.de", "OK sendvia:");
    assert_eq!((serving.word().as_str(), serving.word().as_str()), ("WATCHDOG=1", "WATCHDOG=1"));
    serving.signal("-TERM");
    while serving.word() != "STOPPING=1" {}
    assert_eq!(serving.end().0, Some(0));
    UnixStream::connect(&map).expect("systemd still listens");
}

#[test]
fn a_second_instance_is_refused_and_the_next_takes_over_from_a_dead_one() {
    let (site, map) = site();
    let first = Serving::start(&site);
    let second = site.command("serve").output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(78), "{said}");
    assert!(said.contains("another instance serves this socket\nhint: "), "{said}");
    first.signal("-KILL");
    assert_eq!(first.end().0, None);
    assert!(map.exists(), "a dead instance takes nothing away");
    let _third = Serving::start(&site);
    ask(&mut UnixStream::connect(&map).unwrap(), "transport anna@gmx.de", "OK sendvia:");
}

#[test]
fn what_keeps_it_from_starting_is_told_with_a_remedy_and_without_secrets() {
    let site = Site::new();
    let ended = site.command("serve").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(78));
    assert!(said.starts_with("no socket to serve") && said.contains("hint: ") && !said.contains(PASSWORD), "{said}");
}

#[test]
fn it_can_gain_no_rights_and_leaves_no_core() {
    let (site, _) = site();
    let serving = Serving::start(&site);
    let of_process = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", serving.id())).unwrap();
    let status = of_process("status");
    assert!(status.lines().any(|line| line == "NoNewPrivs:\t1"), "{status}");
    let limits = of_process("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert!(core.split_whitespace().skip(4).take(2).all(|limit| limit == "0"), "{core}");
}
