//! Submission servers as providers run them: Postfix with SASL and STARTTLS, Dovecot with implicit TLS.

use super::ca::Certificate;
use super::daemon::Daemon;
use super::lab::{Lab, user};
use super::log::Log;
use super::mta::Mta;
use super::postfix::Postfix;
use super::provider::{ANNA, Provider, REFUSED, SECRET, files};
use super::sink::{Arrived, Sink};
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::PathBuf;

/// A Postfix that demands TLS and a login that owns the sender, and delivers into files.
pub(crate) struct PostfixProvider {
    postfix: Postfix,
    turning_away: SocketAddr,
    authority: String,
    mailbox: PathBuf,
}

impl PostfixProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        let certificate = Certificate::new(lab, "provider/tls");
        let (uid, gid) = user("nobody");
        let mailboxes = lab.directory("provider/mailboxes");
        chown(&mailboxes, Some(uid), Some(gid)).expect("owner");
        let main = format!(
            "smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {}
smtpd_tls_key_file = {}
smtpd_sender_login_maps = inline:{{ {{ {ANNA} = {ANNA} }} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ {REFUSED} = REJECT 5.1.1 no such mailbox }} }}
allow_min_user = yes
default_transport = virtual
virtual_mailbox_base = {}
virtual_mailbox_maps = static:all/
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
",
            certificate.certificate,
            certificate.key,
            mailboxes.display(),
        );
        let users = [(ANNA, SECRET.to_owned())];
        let turning_away = lab.free_address();
        let master = format!(
            "{turning_away} inet n - n - - smtpd -o smtpd_delay_reject=no -o smtpd_client_restrictions=reject\n"
        );
        let postfix = Postfix::start(lab, "provider", &main, &master, &users, &[]);
        Self { postfix, turning_away, authority: certificate.authority, mailbox: mailboxes.join("all/new") }
    }
}

impl Provider for PostfixProvider {
    fn address(&self) -> SocketAddr {
        self.postfix.submission()
    }

    fn tls(&self) -> &'static str {
        "starttls"
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn arrived(&self) -> Vec<Arrived> {
        let on_the_wire = |message: Vec<u8>| String::from_utf8(message).expect("text").replace('\n', "\r\n");
        files(&self.mailbox, |_| true).into_iter().map(on_the_wire).map(delivered).collect()
    }

    fn wait_for(&self, message_id: &str) -> Arrived {
        let log = self.postfix.log();
        let line = log.wait_for("message at the provider", |line| line.contains(&format!("message-id={message_id}")));
        let queue_id = line.split(": ").nth(1).expect("a queue id").to_owned();
        log.wait_for("delivery at the provider", |line| line.contains(&format!("{queue_id}: removed")));
        let found = self.arrived().into_iter().find(|arrived| arrived.text().contains(message_id));
        found.unwrap_or_else(|| panic!("the message is in no mailbox; {}", log.text()))
    }

    fn turn_clients_away(&self) -> Option<SocketAddr> {
        Some(self.turning_away)
    }

    fn wait_for_client_turned_away(&self) {
        self.postfix.log().wait_for("refusal", |line| line.contains("NOQUEUE: reject: CONNECT from"));
    }
}

/// The envelope from the fields that the delivery put in front, and the message after them.
fn delivered(text: String) -> Arrived {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).expect("a field of the delivery");
    let sender = field("Return-Path: ").trim_matches(['<', '>']).to_owned();
    let recipients = vec![field("X-Original-To: ").to_owned()];
    Arrived { sender, recipients, message: text.into_bytes() }
}

/// Dovecot's submission service, which passes on what it takes.
pub(crate) struct DovecotProvider {
    _daemon: Daemon,
    address: SocketAddr,
    authority: String,
    sink: Sink,
}

impl DovecotProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        let certificate = Certificate::new(lab, "dovecot/tls");
        let (sink, address) = (Sink::start(), lab.free_address());
        let log = lab.write("dovecot/log", "");
        let home = lab.directory("dovecot/home");
        let (uid, gid) = user("nobody");
        chown(&home, Some(uid), Some(gid)).expect("owner");
        lab.write("dovecot/users", format!("{ANNA}:{{PLAIN}}{SECRET}\n"));
        let settings = dovecot_conf(&lab.text("dovecot"), &certificate, address, sink.address());
        let conf = lab.write("dovecot/dovecot.conf", settings);
        let mut tail = Daemon::start("tail", &["-n", "+1", "-F", &log.display().to_string()]);
        let lines = Log::follow(tail.stdout());
        let daemon = Daemon::start("dovecot", &["-F", "-c", &conf.display().to_string()]);
        lines.wait_for("start of Dovecot", |line| line.contains("starting up"));
        Self { _daemon: daemon, address, authority: certificate.authority, sink }
    }
}

impl Provider for DovecotProvider {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn tls(&self) -> &'static str {
        "implicit"
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.sink.arrived()
    }

    fn wait_for(&self, message_id: &str) -> Arrived {
        self.sink.wait_for_text(message_id)
    }
}

fn dovecot_conf(directory: &str, certificate: &Certificate, address: SocketAddr, relay: SocketAddr) -> String {
    format!(
        "protocols = submission
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
listen = {ip}
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={directory}/home
}}
mail_location = maildir:~/mail
first_valid_uid = 1
submission_relay_host = {relay_ip}
submission_relay_port = {relay_port}
service submission-login {{
  inet_listener submission {{
    port = 0
  }}
  inet_listener submissions {{
    port = {port}
    ssl = yes
  }}
}}
",
        ip = address.ip(),
        port = address.port(),
        cert = certificate.certificate,
        key = certificate.key,
        relay_ip = relay.ip(),
        relay_port = relay.port(),
    )
}
