//! Submission servers as providers run them: Postfix with SASL and STARTTLS, Dovecot with implicit TLS.

use super::ca::Certificate;
use super::daemon::Daemon;
use super::lab::{Lab, user};
use super::log::Log;
use super::mta::Mta;
use super::postfix::Postfix;
use super::provider::{ANNA, Provider, REFUSED, SECRET, files, on_the_wire};
use super::sink::{Arrived, Sink};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// What Dovecot's access tokens are signed with.
const TOKEN_KEY: &[u8] = b"a key of thirty-two octets or so";

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
        files(&self.mailbox, |_| true).into_iter().map(delivered).collect()
    }

    fn wait_for(&self, message_id: &str) -> Arrived {
        let log = self.postfix.log();
        let line = log.wait_for("message at the provider", |line| line.contains(&format!("message-id={message_id}")));
        let queue_id = line.split(": ").nth(1).expect("a queue id").to_owned();
        log.wait_for("delivery at the provider", |line| line.contains(&format!("{queue_id}: removed")));
        let found = self.arrived().into_iter().find(|arrived| arrived.text().contains(message_id));
        found.unwrap_or_else(|| panic!("the message is in no mailbox; {}", log.text()))
    }

    fn log(&self) -> Option<&Log> {
        Some(self.postfix.log())
    }

    fn turn_clients_away(&self) -> Option<SocketAddr> {
        Some(self.turning_away)
    }

    fn wait_for_client_turned_away(&self) {
        self.postfix.log().wait_for("refusal", |line| line.contains("NOQUEUE: reject: CONNECT from"));
    }
}

/// The envelope from the fields that the delivery put in front, and the message after them.
fn delivered(file: Vec<u8>) -> Arrived {
    let text = String::from_utf8_lossy(&file);
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).expect("a field of the delivery");
    let sender = field("Return-Path: ").trim_matches(['<', '>']).to_owned();
    let recipients = vec![field("X-Original-To: ").to_owned()];
    Arrived { sender, recipients, message: on_the_wire(&file) }
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
        make_token_key(lab);
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

/// What Dovecot checks an access token with: the key, by algorithm and key id, and the field that holds the user.
fn make_token_key(lab: &Lab) {
    lab.directory("dovecot/keys/default/HS256");
    lab.write("dovecot/keys/default/HS256/default", STANDARD.encode(TOKEN_KEY));
    let keys = lab.text("dovecot/keys");
    let settings = "introspection_mode = local\nusername_attribute = email\nlocal_validation_key_dict = ";
    lab.write("dovecot/oauth2.conf", format!("{settings}fs:posix:prefix={keys}/\n"));
}

/// An access token for [`ANNA`] as an authorization server signs one (RFC 7515).
pub(crate) fn access_token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let header = part(r#"{"typ":"JWT","alg":"HS256"}"#.to_owned());
    let claims = part(format!(r#"{{"sub":"{ANNA}","email":"{ANNA}","iat":{now},"exp":{}}}"#, now + 3600));
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN_KEY).expect("any length");
    mac.update(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
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
auth_mechanisms = plain login scram-sha-256 xoauth2 oauthbearer
passdb {{
  driver = passwd-file
  mechanisms = plain login scram-sha-256
  args = {directory}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {directory}/oauth2.conf
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
