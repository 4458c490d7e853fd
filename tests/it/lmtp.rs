//! LMTP from outside: a reply for each recipient, and a login that is believed only where it was signed.

use crate::serve::Serving;
use crate::site::{Ended, Site, field, run};
use sendvia::secret::login_field::{LOGIN_FIELD, LoginClaim, LoginKey};
use sendvia::state::Clock;
use sendvia::wire::mailbox::ReversePath;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

pub(crate) const MESSAGE: &str = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@client.example>\r\n\
    From: Anna <anna@gmx.de>\r\nTo: b@x.example\r\nSubject: Hello\r\n\r\nGreetings!\r\n";

/// A site with a key for the login, and more configuration.
fn site(more: &str) -> Site {
    with_key(Site::new(), more)
}

/// Gives a site a key for the login, and more configuration.
pub(crate) fn with_key(site: Site, more: &str) -> Site {
    let key = site.path().join("login.key");
    fs::write(&key, "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    site.config(&format!("login_field: {{key_file: login.key}}\n{more}"));
    site
}

/// What the policy service would put into the message with this queue id.
pub(crate) fn signed(site: &Site, login: &str, queue_id: &str) -> String {
    let key = LoginKey::read(&site.path().join("login.key")).unwrap();
    let sender = ReversePath::parse("anna@gmx.de").unwrap();
    let claim = LoginClaim { login, sender: &sender, queue_id, at: Clock::System.now() };
    format!("{LOGIN_FIELD}: {}\r\n", key.sign(&claim))
}

/// A whole dialogue about one message to these recipients.
pub(crate) fn dialogue(fields: &str, recipients: &[&str]) -> String {
    let mut text = String::from("LHLO mx.firm.example\r\nXFORWARD IDENT=4Xq1zY\r\nMAIL FROM:<anna@gmx.de>\r\n");
    for recipient in recipients {
        text.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
    }
    text + &format!("DATA\r\n{fields}{MESSAGE}.\r\nQUIT\r\n")
}

fn on_stdio(site: &Site, text: &str) -> Ended {
    run(&mut site.command("lmtp"), text.as_bytes())
}

/// The replies behind DATA's 354, without that to QUIT.
#[track_caller]
pub(crate) fn verdicts(replies: &str) -> Vec<String> {
    let (_, behind) = replies.split_once("\r\n354 ").unwrap_or_else(|| panic!("{replies}"));
    behind.lines().skip(1).filter(|line| !line.starts_with("221 ")).map(str::to_owned).collect()
}

#[test]
fn a_refused_recipient_does_not_stop_the_others() {
    let site = site("");
    site.rules(&["refuse-recipient=c@x.example"]);
    let text = dialogue(&signed(&site, "anna", "4Xq1zY"), &["b@x.example", "c@x.example", "d@x.example"]);
    let ended = on_stdio(&site, &text);
    let verdicts = verdicts(&ended.out);
    let codes: Vec<&str> = verdicts.iter().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "250"], "{ended:?}");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let [message] = site.messages().try_into().unwrap();
    let taken: Vec<&str> = message.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
    assert_eq!(taken, ["b@x.example", "d@x.example"]);
}

#[test]
fn the_login_is_believed_once_signed_and_never_sent_on() {
    let site = site("");
    let forged = signed(&site, "anna", "4Xq1zY").replace("a=sha256", "a=sha255");
    let fields = forged.clone() + &signed(&site, "anna", "4Xq1zY");
    let ended = on_stdio(&site, &dialogue(&fields, &["b@x.example"]));
    assert!(verdicts(&ended.out)[0].starts_with("250 2.0.0 gmx: "), "{ended:?}");
    let [message] = site.messages().try_into().unwrap();
    let octets = fs::read(message.path).unwrap();
    assert_eq!(field(&octets, LOGIN_FIELD), Vec::<String>::new());
    assert_eq!(field(&octets, "Subject"), ["Hello"]);
}

#[test]
fn a_login_that_is_forged_foreign_or_missing_is_none() {
    let site = site("");
    let refused = "550 5.7.1 no login may not send as <anna@gmx.de>: not listed in the account's users";
    let rows = [
        String::new(),
        format!("{LOGIN_FIELD}: anna\r\n"),
        signed(&site, "anna", "another"),
        signed(&site, "anna", "4Xq1zY").replace("h=", "h=0"),
    ];
    for fields in rows {
        let ended = on_stdio(&site, &dialogue(&fields, &["b@x.example"]));
        assert_eq!(verdicts(&ended.out), [refused], "{fields}");
    }
    let stranger = on_stdio(&site, &dialogue(&signed(&site, "berta", "4Xq1zY"), &["b@x.example"]));
    assert!(verdicts(&stranger.out)[0].starts_with("550 5.7.1 login berta may not send"), "{stranger:?}");
    assert_eq!(site.sandbox().counters().connections, 0);
}

#[test]
fn a_login_that_nobody_signed_keeps_the_message() {
    let site = site("");
    let received = "Received: from pc (unknown [192.0.2.7])\r\n\tby mx.firm.example (Postfix) with ESMTPSA id 4Xq1zY\r\n\tfor <b@x.example>; \
        Mon, 23 Nov 2026 10:00:00 +0100 (CET)\r\n";
    let ended = on_stdio(&site, &dialogue(received, &["b@x.example"]));
    let verdicts = verdicts(&ended.out);
    assert!(verdicts[0].starts_with("451 4.3.5 submitted with a login, but without its signed field"), "{verdicts:?}");
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn a_mistake_of_the_set_up_keeps_mail_that_wants_a_login_and_no_other() {
    let site = site("");
    let received =
        "Received: from pc (unknown [192.0.2.7])\r\n\tby mx.firm.example (Postfix) with ESMTPSA id 4Xq1zY\r\n";
    let without_xforward = |fields: &str| dialogue(fields, &["b@x.example"]).replace("XFORWARD", "NOOP");
    let field = signed(&site, "anna", "4Xq1zY");
    let (key, no_key) = ("login_field: {key_file: login.key}\n", "");
    let rows = [
        (key, without_xforward(&field), "lmtp_send_xforward_command = yes"),
        (key, without_xforward(received), "lmtp_send_xforward_command = yes"),
        (no_key, dialogue(&field, &["b@x.example"]), "sendvia.yaml has no `login_field`"),
        (no_key, without_xforward(received), "sendvia.yaml has no `login_field`"),
    ];
    for (config, text, remedy) in &rows {
        site.config(config);
        let verdicts = verdicts(&on_stdio(&site, text).out);
        assert!(verdicts[0].starts_with("451 4.3.5 ") && verdicts[0].contains(remedy), "{text}: {verdicts:?}");
    }
    assert_eq!(site.counters().connections, 0);
    for (config, text, _) in &rows {
        site.config(&format!("{config}authorise: mta\n"));
        let verdicts = verdicts(&on_stdio(&site, text).out);
        assert!(verdicts[0].starts_with("250 2.0.0 "), "{text}: {verdicts:?}");
    }
}

#[test]
fn trouble_of_ours_defers_every_recipient() {
    let site = site("");
    let text = dialogue(&signed(&site, "anna", "4Xq1zY"), &["b@x.example", "c@x.example"]);
    fs::remove_file(site.path().join("login.key")).unwrap();
    for more in ["login_field: {key_file: login.key}\n", "nonsense: true\n"] {
        site.config(more);
        let verdicts = verdicts(&on_stdio(&site, &text).out);
        assert_eq!(verdicts.len(), 2);
        assert!(verdicts.iter().all(|line| line.starts_with("451 4.3.5 ")), "{verdicts:?}");
    }
}

#[test]
fn the_service_believes_a_login_on_its_unix_socket_and_none_by_tcp() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = site("");
    let path = site.path().join("lmtp");
    let listen = format!("listen: {{lmtp: ['unix:{}', '{port}']}}\n", path.display());
    site.config(&format!("login_field: {{key_file: login.key}}\n{listen}"));
    let _serving = Serving::start(&site);
    let text = dialogue(&signed(&site, "anna", "4Xq1zY"), &["b@x.example"]);
    let mut replies = String::new();
    let mut unix = UnixStream::connect(&path).unwrap();
    unix.write_all(text.as_bytes()).unwrap();
    unix.shutdown(Shutdown::Write).unwrap();
    unix.read_to_string(&mut replies).unwrap();
    assert!(verdicts(&replies)[0].starts_with("250 2.0.0 "), "{replies}");
    let mut replies = String::new();
    let mut tcp = TcpStream::connect(port).unwrap();
    tcp.write_all(text.as_bytes()).unwrap();
    tcp.shutdown(Shutdown::Write).unwrap();
    tcp.read_to_string(&mut replies).unwrap();
    assert!(verdicts(&replies)[0].starts_with("550 5.7.1 no login "), "{replies}");
}

#[test]
fn the_log_tells_by_the_queue_id_what_was_mended_and_what_was_not_believed() {
    let site = site("");
    let path = site.path().join("lmtp");
    let config = format!("login_field: {{key_file: login.key}}\nlisten: {{lmtp: 'unix:{}'}}\n", path.display());
    site.config(&config);
    let config = fs::read_to_string(site.config_file()).unwrap();
    fs::write(site.config_file(), config.replace("log: {to: none}", "log: stderr")).unwrap();
    let serving = Serving::start(&site);
    let fields = format!("{LOGIN_FIELD}: anna\r\n{}Cc:\r\n", signed(&site, "anna", "4Xq1zY"));
    let mut replies = String::new();
    let mut unix = UnixStream::connect(&path).unwrap();
    unix.write_all(dialogue(&fields, &["b@x.example"]).as_bytes()).unwrap();
    unix.read_to_string(&mut replies).unwrap();
    assert!(verdicts(&replies)[0].starts_with("250 2.0.0 "), "{replies}");
    serving.signal("-TERM");
    let (_, said) = serving.end();
    for line in ["4Xq1zY: X-Sendvia-Login is not believed: it is malformed", "4Xq1zY: repaired: empty Cc removed"] {
        assert!(said.contains(line), "{line} in {said}");
    }
}

#[test]
fn a_stop_finishes_the_delivery_under_way() {
    let site = site("");
    let path = site.path().join("lmtp");
    site.config(&format!("login_field: {{key_file: login.key}}\nlisten: {{lmtp: 'unix:{}'}}\n", path.display()));
    site.rules(&["delay=final:700"]);
    let serving = Serving::start(&site);
    let mut unix = UnixStream::connect(&path).unwrap();
    let text = dialogue(&signed(&site, "anna", "4Xq1zY"), &["b@x.example"]).replace("QUIT\r\n", "");
    unix.write_all(text.as_bytes()).unwrap();
    site.wait_until(|counters| counters.transactions == 1);
    serving.signal("-TERM");
    let mut replies = String::new();
    unix.read_to_string(&mut replies).unwrap();
    let verdicts = verdicts(&replies);
    assert!(verdicts[0].starts_with("250 2.0.0 ") && verdicts[1].starts_with("421 4.3.2 "), "{replies}");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn one_accounts_thousand_messages_are_told_to_come_back_instead_of_holding_the_service() {
    let site = site("");
    let path = site.path().join("lmtp");
    site.config(&format!("login_field: {{key_file: login.key}}\nlisten: {{lmtp: 'unix:{}'}}\n", path.display()));
    site.rules(&["delay=final:700"]);
    let _serving = Serving::start(&site);
    let text = dialogue(&signed(&site, "anna", "4Xq1zY"), &["b@x.example"]);
    let clients: Vec<UnixStream> = (0..12)
        .map(|_| {
            let mut client = UnixStream::connect(&path).unwrap();
            client.write_all(text.as_bytes()).unwrap();
            client
        })
        .collect();
    let codes: Vec<String> = clients
        .into_iter()
        .map(|mut client| {
            let mut replies = String::new();
            client.read_to_string(&mut replies).unwrap();
            verdicts(&replies)[0].chars().take(9).collect()
        })
        .collect();
    let sent = codes.iter().filter(|code| *code == "250 2.0.0").count();
    let busy = codes.iter().filter(|code| *code == "451 4.3.2").count();
    // How many exactly is a matter of who comes first.
    assert!(sent >= 8 && busy >= 1 && sent + busy == 12, "{codes:?}");
}
