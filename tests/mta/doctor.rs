//! `sendvia doctor` on a running Postfix: each trap that a configuration can set is named, and its remedy mends it.

use crate::support::daemon::run;
use crate::support::lab::{Lab, contrib, user};
use crate::support::mta::{LOGINS, password};
use crate::support::postfix::Postfix;
use crate::support::provider::{ANNA, Provider, SECRET};
use crate::support::sandbox::SandboxProvider;
use crate::support::service::{Service, account, configure};
use crate::support::sink::Sink;
use crate::support::terminal::Terminal;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// A host where all is well.
struct Host {
    lab: Lab,
    mta: Postfix,
    provider: Option<SandboxProvider>,
    _world: Sink,
}

impl Host {
    fn new() -> Host {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        lab.directory("etc/state");
        let (uid, gid) = user("sendvia");
        chown(lab.path("etc/state"), Some(uid), Some(gid)).expect("owner");
        lay_down_systemctl(&lab);
        let world = Sink::start();
        let mta = Postfix::with_contrib(&lab, &[ANNA], world.address());
        let address = provider.address();
        let host = Host { lab, mta, provider: Some(provider), _world: world };
        host.config("");
        run(env!("CARGO_BIN_EXE_sendvia"), &["key", "new", "--config", &host.lab.text("etc/sendvia.yaml")]);
        chown(host.lab.path("etc/key"), Some(uid), Some(gid)).expect("owner");
        host.account(&format!("secret: {{plain: {SECRET}}}"), address);
        host
    }

    /// The same by LMTP, with the service that it needs.
    fn by_lmtp() -> (Host, Service) {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        lay_down_systemctl(&lab);
        let (installed, sockets) = ("/var/spool/postfix/sendvia", "postfix/queue/sendvia");
        configure(&lab, "postfix/service.yaml", &provider, installed, sockets, "postfix", "login.key");
        account(&lab, ANNA, &provider);
        let service = Service::start(&lab, &["lmtp", "policy", "map"].map(|name| format!("{sockets}/{name}")));
        let world = Sink::start();
        let asked = "smtpd_data_restrictions = $sendvia_policy\n";
        let main = format!("{}{asked}default_transport = discard\n", contrib("postfix/lmtp-main.cf", &[]));
        let users: Vec<(&str, String)> = LOGINS.iter().map(|login| (*login, password(login))).collect();
        let master = contrib("postfix/lmtp-master.cf", &[]);
        let mta = Postfix::start(&lab, "postfix", &main, &master, &users, &[]);
        (Host { lab, mta, provider: Some(provider), _world: world }, service)
    }

    /// Writes `sendvia.yaml` with `more` at its end.
    fn config(&self, more: &str) {
        let authority = self.provider.as_ref().map(Provider::authority).unwrap_or_default();
        let text = format!("key: {{file: key}}\ntls: {{ca_file: {authority}}}\nlog: {{to: none}}\n{more}");
        self.lab.write("etc/sendvia.yaml", text);
    }

    fn address(&self) -> SocketAddr {
        self.provider.as_ref().expect("a provider").address()
    }

    fn account(&self, secret: &str, address: SocketAddr) {
        let server =
            format!("provider: gmx\nsubmission: {{host: {}, port: {}, tls: starttls}}", address.ip(), address.port());
        self.lab.account(ANNA, &format!("{server}\nlogin: {ANNA}\n{secret}\nusers: [anna]\n"));
    }

    /// Runs `command` as an administrator would, with this lab's sendvia and systemctl.
    fn types(&self, command: &str) {
        let path = std::env::var("PATH").expect("a path");
        let path = format!("{}:{path}", self.lab.path("").display());
        let done = Command::new("sh").args(["-c", command]).env("PATH", path).output().expect("a shell");
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Its exit status and its findings.
    fn findings(&self) -> (Option<i32>, Vec<(String, String, String)>) {
        let output = Command::new(env!("CARGO_BIN_EXE_sendvia"))
            .args(["doctor", "--json", "--mta", "postfix", "-c", &self.mta.config()])
            .args(["--config", &self.lab.text("etc/sendvia.yaml")])
            .output()
            .expect("it starts");
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let field = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
        let findings = told["findings"].as_array().expect("a list").iter();
        let findings = findings.map(|one| (field(one, "name"), field(one, "what"), field(one, "mend")));
        (output.status.code(), findings.collect())
    }

    /// What mends the finding `name`, which is there.
    fn mend_of(&self, name: &str) -> String {
        let (status, findings) = self.findings();
        assert!(matches!(status, Some(1 | 2)), "{name}: {findings:?}");
        let named: Vec<_> = findings.iter().filter(|finding| finding.0 == name).collect();
        assert!(!named.is_empty(), "{name} is not among {findings:?}");
        named[0].2.clone()
    }

    /// A trap whose remedy is a command: it is run, and all is well again.
    fn mends(&self, name: &str) {
        self.types(&self.mend_of(name));
        self.is_well(name);
    }

    fn is_well(&self, after: &str) {
        assert_eq!(self.findings(), (Some(0), Vec::new()), "after {after}");
    }

    /// Runs what restarts the service, which only tells systemctl here, and starts it as systemd would.
    fn starts_again(&self, command: &str, sockets: &[&str]) -> Service {
        self.types(command);
        assert_eq!(self.lab.read("systemctl.told"), "restart sendvia.service\n", "{command}");
        Service::start(&self.lab, sockets)
    }

    fn postconf(&self, setting: &str) {
        run("postconf", &["-c", &self.mta.config(), "-e", setting]);
    }

    fn change_master(&self, from: &str, to: &str) {
        let file = "postfix/etc/master.cf";
        let text = self.lab.read(file);
        assert!(text.contains(from), "{from} in {text}");
        self.lab.write(file, text.replacen(from, to, 1));
    }
}

/// What systemd would be told.
fn lay_down_systemctl(lab: &Lab) {
    lab.write("systemctl", format!("#!/bin/sh\necho \"$@\" >{}\n", lab.text("systemctl.told")));
    fs::set_permissions(lab.path("systemctl"), fs::Permissions::from_mode(0o755)).expect("mode");
}

#[test]
fn wrong_words_in_the_transport_are_named_and_mended() {
    let host = Host::new();
    host.is_well("nothing");
    let rows = [
        ("flags=q", "flags=DRhu", "postfix.flags"),
        ("null_sender=", "", "postfix.null-sender"),
        ("-- ${recipient}", "${recipient}", "postfix.dashes"),
        ("user=sendvia", "user=postfix", "postfix.user"),
        ("user=sendvia", "user=nosuchuser", "postfix.user"),
        ("--user=${sasl_username}", "", "postfix.login"),
    ];
    for (from, to, name) in rows {
        host.change_master(from, to);
        host.mends(name);
    }
}

#[test]
fn limits_that_lose_mail_are_named_and_mended() {
    let host = Host::new();
    host.postconf("sendvia_destination_recipient_limit = 50");
    host.mends("postfix.recipient-limit");
    host.postconf("sendvia_time_limit = 10s");
    host.mends("postfix.time-limit");
}

#[test]
fn traps_of_lmtp_are_named_and_mended() {
    let (host, _service) = Host::by_lmtp();
    host.is_well("nothing");
    host.change_master("lmtp_data_done_timeout=600s", "lmtp_data_done_timeout=2m");
    host.mends("postfix.lmtp-time-limit");
    host.change_master("    -o lmtp_send_xforward_command=yes\n", "");
    host.mends("postfix.xforward");
    for (others, asked) in [
        ("", "=$sendvia_policy\n"),
        ("reject_unauth_pipelining, permit", "=$sendvia_policy,reject_unauth_pipelining,permit\n"),
    ] {
        host.postconf(&format!("smtpd_data_restrictions = {others}"));
        host.mends("postfix.data-policy");
        let services = run("postconf", &["-c", &host.mta.config(), "-P"]).replace(" = ", "=");
        assert!(services.contains(asked), "{services}");
        let name = services.lines().find_map(|line| line.split_once("/smtpd_data_restrictions")).expect("one").0;
        run("postconf", &["-c", &host.mta.config(), "-PX", &format!("{name}/smtpd_data_restrictions")]);
    }
    host.postconf("smtpd_data_restrictions = $sendvia_policy");
    let key = host.lab.path("etc/login.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("mode");
    host.mends("check");
    for change in [|key: &Path| fs::write(key, "short\n"), |key: &Path| fs::remove_file(key)] {
        change(&key).expect("changed");
        host.mends("check");
        host.is_well("another key");
    }
}

#[test]
fn files_that_others_read_or_own_are_named_and_mended() {
    let host = Host::new();
    let account = host.lab.path(&format!("etc/accounts.d/{ANNA}.yaml"));
    fs::set_permissions(&account, fs::Permissions::from_mode(0o644)).expect("mode");
    host.mends("check");
    chown(&account, Some(0), Some(0)).expect("owner");
    host.mends("owner");
    chown(host.lab.path("etc/state"), Some(0), Some(0)).expect("owner");
    host.mends("state");
}

#[test]
fn sockets_nobody_answers_on_are_named_and_mended_by_a_start() {
    let host = Host::new();
    let path = host.lab.directory("sockets").join("policy");
    let (uid, gid) = user("sendvia");
    chown(host.lab.path("sockets"), Some(uid), Some(gid)).expect("owner");
    host.config(&format!("listen: {{policy: \"unix:{}\"}}\n", path.display()));
    let missing = host.mend_of("socket.missing");
    drop(UnixListener::bind(&path).expect("a socket"));
    chown(&path, Some(uid), Some(gid)).expect("owner");
    let mend = host.mend_of("socket.stale");
    assert_eq!(mend, missing);
    let _service = host.starts_again(&mend, &["sockets/policy"]);
    host.is_well("a start");
}

#[test]
fn a_socket_outside_of_the_chroot_is_named_and_moved_into_it() {
    let host = Host::new();
    let (uid, gid) = user("sendvia");
    chown(host.lab.directory("sockets"), Some(uid), Some(gid)).expect("owner");
    host.config(&format!("listen: {{map: \"unix:{}\"}}\n", host.lab.text("sockets/map")));
    let service = Service::start(&host.lab, &["sockets/map"]);
    host.postconf(&format!(
        "sender_dependent_default_transport_maps = socketmap:unix:{}:transport",
        host.lab.text("sockets/map")
    ));
    host.is_well("a socket that everybody sees");
    host.change_master("rewrite unix - - n", "rewrite unix - - y");
    let mend = host.mend_of("postfix.chroot");
    drop(service);
    let queue = run("postconf", &["-c", &host.mta.config(), "-h", "queue_directory"]).trim().to_owned();
    let inside = format!("{queue}/sendvia/map");
    let inside = inside.strip_prefix(&format!("{}/", host.lab.path("").display().to_string().trim_end_matches('/')));
    let _service = host.starts_again(&mend, &[inside.expect("in the lab")]);
    host.is_well("the move");
}

#[test]
fn a_service_that_postfix_does_not_have_is_named() {
    let host = Host::new();
    let senders = host.lab.text("postfix/etc/sendvia_senders");
    host.postconf(&format!(
        "sender_dependent_default_transport_maps = texthash:{senders}, socketmap:unix:private/gone:x"
    ));
    assert!(host.mend_of("postfix.service").contains("sendvia setup"));
}

#[test]
fn senders_that_are_not_routed_are_named() {
    let host = Host::new();
    host.lab.write("postfix/etc/sendvia_senders", "");
    host.mend_of("postfix.route");
    host.postconf("sender_dependent_default_transport_maps =");
    host.mend_of("postfix.senders");
}

#[test]
fn a_secret_that_no_key_opens_any_more_is_named_and_entered_again() {
    let host = Host::new();
    host.account(&format!("secret: {{sealed: \"v1:0123456789ab:{}\"}}", "A".repeat(64)), host.address());
    let mend = host.mend_of("check");
    let path = format!("PATH={}:{}", host.lab.path("").display(), std::env::var("PATH").expect("a path"));
    let mut terminal = Terminal::start(&["env", &path, "sh", "-c", &mend]);
    terminal.sees(&format!("Password of {ANNA}"));
    terminal.types_unseen(SECRET);
    let (status, screen) = terminal.ends();
    assert_eq!(status, Some(0), "{screen}");
    host.is_well("another secret");
}

#[test]
fn a_providers_name_and_a_key_that_are_misspelt_are_named_and_put_right() {
    let host = Host::new();
    let file = format!("etc/accounts.d/{ANNA}.yaml");
    let right = host.lab.read(&file);
    for (from, to) in [("provider: gmx", "provider: gmxx"), ("users:", "user:")] {
        host.lab.account(ANNA, &right.replace(from, to));
        host.mends("check");
        assert_eq!(host.lab.read(&file), right);
    }
}

#[test]
fn a_port_that_a_firewall_closes_is_named_and_tried_once_it_is_open() {
    let mut host = Host::new();
    let address = host.address();
    host.provider = None;
    let mend = host.mend_of("port");
    assert!(mend.contains("firewall"), "{mend}");
    host.provider = Some(SandboxProvider::start_at(&host.lab, address));
    host.config("");
    host.types(mend.split("then: ").nth(1).expect("a command"));
    host.is_well("the port is open");
}
