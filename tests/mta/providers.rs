//! The real submission servers themselves, tried by msmtp: what the deliveries of the other tests lean on.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::lab::Lab;
use crate::support::provider::{ANNA, Provider, REFUSED, SECRET};
use crate::support::real::{DovecotProvider, PostfixProvider};

const MESSAGE: &str = "From: anna@gmx.example\r\nTo: bob@example.org\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\
    Message-ID: <1@gmx.example>\r\nSubject: hello\r\n\r\n.dot\r\n..\r\n";

#[test]
fn both_take_a_message_byte_for_byte() {
    let lab = Lab::new();
    let (postfix, dovecot) = (PostfixProvider::start(&lab), DovecotProvider::start(&lab));
    for provider in [&postfix as &dyn Provider, &dovecot] {
        assert_eq!(msmtp(provider, SECRET, ANNA, "bob@example.org"), Some(0));
    }
    for provider in [&postfix as &dyn Provider, &dovecot] {
        let arrived = provider.wait_for("<1@gmx.example>");
        assert_eq!(
            (arrived.sender.as_str(), arrived.recipients.as_slice()),
            (ANNA, &["bob@example.org".to_owned()][..])
        );
        assert!(arrived.text().ends_with(MESSAGE), "{}", arrived.text());
    }
}

#[test]
fn both_refuse_a_wrong_password_and_a_recipient() {
    let lab = Lab::new();
    let (postfix, dovecot) = (PostfixProvider::start(&lab), DovecotProvider::start(&lab));
    for provider in [&postfix as &dyn Provider, &dovecot] {
        assert_eq!(msmtp(provider, "wrong", ANNA, "bob@example.org"), Some(77));
        assert_eq!(msmtp(provider, SECRET, ANNA, REFUSED), Some(65));
        assert!(provider.arrived().is_empty());
    }
    assert_eq!(msmtp(&postfix, SECRET, "other@gmx.example", "bob@example.org"), Some(65));
}

fn msmtp(provider: &dyn Provider, password: &str, sender: &str, recipient: &str) -> Option<i32> {
    let address = provider.address();
    let mut child = Command::new("msmtp")
        .args(["--file=/dev/null", "--tls=on", "--auth=plain", "--passwordeval"])
        .arg(format!("echo '{password}'"))
        .arg(format!("--host={}", address.ip()))
        .arg(format!("--port={}", address.port()))
        .arg(format!("--tls-starttls={}", if provider.tls() == "starttls" { "on" } else { "off" }))
        .arg(format!("--tls-trust-file={}", provider.authority()))
        .arg(format!("--user={ANNA}"))
        .args(["--from", sender, recipient])
        .stdin(Stdio::piped())
        .spawn()
        .expect("msmtp starts: run tests/install-peers");
    child.stdin.take().expect("piped").write_all(MESSAGE.as_bytes()).expect("it reads");
    child.wait().expect("it ends").code()
}
