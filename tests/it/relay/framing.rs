//! How the envelope and the end of a message come in.

use crate::site::{MESSAGE, Site, on_the_wire};

fn bsmtp(sender: &str, recipients: &[&str], message: &str) -> String {
    let to: String = recipients.iter().map(|recipient| format!("RCPT TO:<{recipient}>\n")).collect();
    let stuffed: String =
        message.lines().map(|line| format!("{}{line}\n", if line.starts_with('.') { "." } else { "" })).collect();
    format!("MAIL FROM:<{sender}>\n{to}DATA\n{stuffed}.\n")
}

#[test]
fn batch_smtp_brings_envelope_and_message() {
    let site = Site::new();
    let batch = bsmtp("anna@gmx.de", &["b@x.example"], MESSAGE);
    site.relay(&["--bsmtp", "--user", "anna"], &batch).is(0, "");
    assert_eq!(site.messages()[0].read().unwrap(), on_the_wire(MESSAGE));
    site.relay(&["--bsmtp", "--user", "anna"], format!("HELO x\n{batch}QUIT\n")).is(0, "");
    site.relay(&["--bsmtp", "--user", "anna"], batch.replace('\n', "\r\n")).is(0, "");
    assert_eq!(site.messages()[2].read().unwrap(), on_the_wire(MESSAGE));
    site.relay(&["--bsmtp", "--user", "mallory"], &batch).is(69, "5.7.1 ");
}

#[test]
fn batch_smtp_that_ends_before_its_dot_is_never_sent() {
    let site = Site::new();
    let batch = bsmtp("anna@gmx.de", &["b@x.example"], MESSAGE);
    for cut in 0..batch.len() - 2 {
        if cut % 7 != 0 && cut < batch.len() - 12 {
            continue;
        }
        let ended = site.relay(&["--bsmtp", "--user", "anna"], &batch[..cut]);
        assert_eq!(ended.code, Some(75), "{cut} octets: {ended:?}");
    }
    assert_eq!(site.messages().len(), 0);
}

#[test]
fn trace_fields_at_the_head_are_the_envelope_and_are_taken_off() {
    let site = Site::new();
    let head = "Return-Path: <anna@gmx.de>\nX-Original-To: alias@x.example\nDelivered-To: b@x.example\n";
    site.relay(&["--trace", "--user", "anna"], format!("{head}{MESSAGE}")).is(0, "");
    let kept = &site.messages()[0];
    assert_eq!(kept.recipients[0].address, "b@x.example");
    assert_eq!(kept.read().unwrap(), on_the_wire(MESSAGE));
    site.relay(&["--trace", "--user", "anna"], MESSAGE).is(75, "4.");
}

#[test]
fn a_declared_size_that_is_not_reached_is_a_cut_message() {
    let site = Site::new();
    let size = MESSAGE.len().to_string();
    let arguments = ["--size", &size, "--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"];
    site.relay(&arguments, MESSAGE).is(0, "");
    site.relay(&arguments, &MESSAGE[..MESSAGE.len() - 20]).is(75, "4.");
    assert_eq!(site.messages().len(), 1);
}

#[test]
fn no_line_end_of_a_message_becomes_an_end_of_data() {
    let site = Site::new();
    let bodies = [
        "a\n.\nMAIL FROM:<x@y>\n",
        "a\r\n.\r\nb\n",
        "a\n.\r\nb\n",
        "a\r.\rb\n",
        "a\r\n.\nb\n",
        "\r.\r\n",
        ".",
        "\n.\n\n.\n",
    ];
    for (index, body) in bodies.iter().enumerate() {
        site.relay_annas(format!("{MESSAGE}{body}")).is(0, "");
        assert_eq!(site.messages().len(), index + 1, "{body:?}");
    }
    assert_eq!(site.sandbox().faults(), Vec::<String>::new());
}
