use super::*;
use crate::wire::envelope::{BodyType, Notify, Ret};

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn mail_from(text: &str, parameters: MailParameters) -> Command {
    Command::Mail(ReversePath::parse(text).unwrap(), parameters)
}

#[test]
fn command_lines_are_read_in_any_case_with_all_their_parameters() {
    let none = MailParameters::default;
    let rcpt = |address: &str| Command::Rcpt(Recipient::from(mailbox(address)));
    let full = MailParameters {
        size: Some(1234),
        body: Some(BodyType::EightBitMime),
        smtputf8: true,
        ret: Some(Ret::Headers),
        envid: Some("Q+2B1".into()),
        auth: Some("<>".into()),
    };
    let on_failure = Notify::On { success: false, failure: true, delay: true };
    let xforward = vec![("IDENT".to_owned(), Some("4Xq z".to_owned())), ("ADDR".to_owned(), None)];
    let rows: Vec<(&str, Command)> = vec![
        ("EHLO mx.example", Command::Ehlo("mx.example".into())),
        ("helo [192.0.2.1]", Command::Helo("[192.0.2.1]".into())),
        ("Lhlo mx", Command::Lhlo("mx".into())),
        ("MAIL FROM:<anna@gmx.de>", mail_from("anna@gmx.de", none())),
        ("mail from: <anna@gmx.de> ", mail_from("anna@gmx.de", none())),
        ("MAIL FROM:anna@gmx.de", mail_from("anna@gmx.de", none())),
        ("MAIL FROM:<>", mail_from("<>", none())),
        (
            "MAIL FROM:<a@b.example> SIZE=1234 body=8bitmime SMTPUTF8 RET=HDRS ENVID=Q+2B1 AUTH=<>",
            mail_from("a@b.example", full),
        ),
        ("RCPT TO:<\"a> b\"@x.example>", rcpt("\"a> b\"@x.example")),
        ("RCPT TO:<\"a\\\"> b\"@x.example>", rcpt("\"a\\\"> b\"@x.example")),
        ("RCPT TO:<@relay.example:u@x.example>", rcpt("u@x.example")),
        ("RCPT TO:<postmaster>", rcpt("postmaster")),
        ("RCPT TO:<-f@x.example>", rcpt("-f@x.example")),
        ("RCPT TO:<jörg@x.example>", rcpt("jörg@x.example")),
        (
            "RCPT TO:<u@x.example> NOTIFY=failure,DELAY ORCPT=rfc822;U+2B@x.example",
            Command::Rcpt(Recipient {
                mailbox: mailbox("u@x.example"),
                notify: Some(on_failure),
                orcpt: Some("rfc822;U+2B@x.example".into()),
            }),
        ),
        (
            "RCPT TO:<u@x.example> NOTIFY=NEVER",
            Command::Rcpt(Recipient { notify: Some(Notify::Never), ..Recipient::from(mailbox("u@x.example")) }),
        ),
        ("DATA", Command::Data),
        ("BDAT 100", Command::Bdat { size: 100, last: false }),
        ("bdat 0 last", Command::Bdat { size: 0, last: true }),
        ("RSET", Command::Rset),
        ("NOOP whatever", Command::Noop),
        ("VRFY anna", Command::Vrfy),
        ("HELP", Command::Help),
        ("QUIT ", Command::Quit),
        ("STARTTLS", Command::StartTls),
        ("AUTH plain AGEAYg==", Command::Auth { mechanism: "PLAIN".into(), initial_response: Some("AGEAYg==".into()) }),
        ("AUTH SCRAM-SHA-256", Command::Auth { mechanism: "SCRAM-SHA-256".into(), initial_response: None }),
        ("XFORWARD IDENT=4Xq+20z ADDR=[UNAVAILABLE]", Command::Xforward(xforward)),
    ];
    for (line, expected) in rows {
        assert_eq!(Command::parse(line.as_bytes()), Ok(expected), "{line}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused_with_the_code_it_deserves() {
    let long = format!("NOOP {}", "x".repeat(MAX_COMMAND_LINE));
    let rows: &[(&[u8], u16)] = &[
        (b"", 500),
        (b"FOO", 500),
        (b" MAIL FROM:<a@b>", 500),
        (long.as_bytes(), 500),
        (b"MAIL FROM:<a@b>\rRCPT TO:<c@d>", 500),
        (b"MAIL FROM:<a\0@b>", 500),
        (b"MAIL FROM:<\xff@b>", 500),
        (b"EHLO", 501),
        (b"MAIL", 501),
        (b"MAIL TO:<a@b>", 501),
        (b"MAIL FROM:<a@b", 501),
        (b"MAIL FROM:<a@b>SIZE=1", 501),
        (b"MAIL FROM:<a b@>", 501),
        (b"MAIL FROM:<a@b> SIZE=x", 501),
        (b"MAIL FROM:<a@b> SIZE=1 SIZE=2", 501),
        (b"MAIL FROM:<a@b> BODY=BINARYMIME", 501),
        (b"MAIL FROM:<a@b> SMTPUTF8=yes", 501),
        (b"MAIL FROM:<a@b> ENVID=+G0", 501),
        (b"MAIL FROM:<a@b> FOO=1", 555),
        (b"RCPT TO:<>", 501),
        (b"RCPT TO:<u@x> NOTIFY=NEVER,DELAY", 501),
        (b"RCPT TO:<u@x> ORCPT=u@x", 501),
        (b"RCPT TO:<u@x> SIZE=1", 555),
        (b"DATA now", 501),
        (b"BDAT", 501),
        (b"BDAT -1", 501),
        (b"BDAT 99999999999999999999999", 501),
        (b"BDAT 1 FIRST", 501),
        (b"AUTH", 501),
        (b"XFORWARD", 501),
        (b"XFORWARD IDENT", 501),
        (b"XFORWARD IDENT=+zz", 501),
    ];
    for (line, code) in rows {
        let error = Command::parse(line).expect_err(&String::from_utf8_lossy(line));
        assert_eq!(error.codes().0, *code, "{error}: {}", String::from_utf8_lossy(line));
    }
}

#[test]
fn xtext_comes_back_as_it_went() {
    for value in ["", "plain", "a+b=c d", "jörg", "\0\x7f"] {
        assert_eq!(xtext_decoded(&xtext_encoded(value)).as_deref(), Some(value));
        assert!(is_xtext(&xtext_encoded(value)), "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_makes_it_panic(line in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Command::parse(&line);
        let _ = Command::parse(&[b"RCPT TO:<", line.as_slice()].concat());
    }
}
