//! `sendvia doctor` on a running Postfix: each trap that a configuration can set is named, and its remedy mends it.

use crate::support::daemon::run;
use crate::support::lab::{Lab, user};
use crate::support::postfix::Postfix;
use crate::support::sink::Sink;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::process::Command;

const ANNA: &str = "anna@gmx.example";

/// A host where all is well.
struct Host {
    lab: Lab,
    mta: Postfix,
    provider: TcpListener,
    _world: Sink,
}

impl Host {
    fn new() -> Host {
        let lab = Lab::new();
        let provider = TcpListener::bind((lab.address(), 0)).expect("a port");
        lab.directory("etc/state");
        let (uid, gid) = user("sendvia");
        chown(lab.path("etc/state"), Some(uid), Some(gid)).expect("owner");
        lab.write("etc/sendvia.yaml", "key: {file: key}\n");
        run(env!("CARGO_BIN_EXE_sendvia"), &["key", "new", "--config", &lab.text("etc/sendvia.yaml")]);
        chown(lab.path("etc/key"), Some(uid), Some(gid)).expect("owner");
        let world = Sink::start();
        let mta = Postfix::with_contrib(&lab, &[ANNA], world.address());
        let host = Host { lab, mta, provider, _world: world };
        host.account("secret: {plain: x}", "");
        host
    }

    fn account(&self, secret: &str, provider: &str) {
        let address = self.provider.local_addr().expect("bound");
        let server = match provider {
            "" => format!("submission: {{host: {}, port: {}, tls: implicit}}", address.ip(), address.port()),
            name => format!("provider: {name}"),
        };
        self.lab.account(ANNA, &format!("{server}\nlogin: anna\n{secret}\nusers: [anna]\n"));
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
        let mend = self.mend_of(name);
        let done = Command::new("sh").args(["-c", &mend]).output().expect("a shell");
        assert!(done.status.success(), "{mend}: {}", String::from_utf8_lossy(&done.stderr));
        self.is_well(name);
    }

    fn is_well(&self, after: &str) {
        assert_eq!(self.findings(), (Some(0), Vec::new()), "after {after}");
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
fn sockets_nobody_answers_on_or_nobody_sees_are_named() {
    let host = Host::new();
    let path = host.lab.path("policy");
    drop(UnixListener::bind(&path).expect("a socket"));
    let yaml = format!("key: {{file: key}}\nlisten: {{policy: \"unix:{}\"}}\n", path.display());
    host.lab.write("etc/sendvia.yaml", &yaml);
    assert!(host.mend_of("socket.stale").contains("restart sendvia"));
    fs::remove_file(&path).expect("it is there");
    assert!(host.mend_of("socket.missing").contains("restart sendvia"));
    let served = UnixListener::bind(&path).expect("a socket");
    host.is_well("the service");

    let senders = host.lab.text("postfix/etc/sendvia_senders");
    let outside = host.lab.text("policy");
    host.change_master("rewrite unix - - n", "rewrite unix - - y");
    host.postconf(&format!(
        "sender_dependent_default_transport_maps = texthash:{senders}, socketmap:unix:{outside}:transport"
    ));
    let mend = host.mend_of("postfix.chroot");
    assert!(mend.contains("socketmap:unix:sendvia/policy:transport"), "{mend}");
    drop(served);
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
fn accounts_that_cannot_send_are_named() {
    let host = Host::new();
    host.account(&format!("secret: {{sealed: \"v1:0123456789ab:{}\"}}", "A".repeat(64)), "");
    assert!(host.mend_of("check").contains("sendvia account set-secret"));
    host.account("secret: {plain: x}", "gmxx");
    let (_, findings) = host.findings();
    assert!(findings.iter().any(|finding| finding.0 == "check" && finding.2.contains("`gmx`")), "{findings:?}");
    host.account("secret: {plain: x}", "");
    let Host { lab, mta, provider, _world } = host;
    let closed = TcpListener::bind((lab.address(), 0)).expect("a port");
    let host = Host { lab, mta, provider: closed, _world };
    host.account("secret: {plain: x}", "");
    let Host { lab, mta, provider: closed, _world } = host;
    drop(closed);
    let host = Host { lab, mta, provider, _world };
    assert!(host.mend_of("port").contains("firewall"));
}
