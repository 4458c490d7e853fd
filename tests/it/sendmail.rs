//! `sendvia sendmail` as programs call it: envelope, options, SMTP on stdio, and what a person reads.

use crate::site::{Ended, MESSAGE, PASSWORD, Site, field, on_the_wire, run};
use std::os::unix::fs::symlink;
use std::process::Command;

impl Site {
    fn sendmail(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
        run(self.command("sendmail").args(arguments), stdin.as_ref())
    }
}

impl Ended {
    /// Asserts what a person gets who is not an MTA: nothing but problem and remedy, on standard error.
    #[track_caller]
    fn tells(&self, code: i32, word: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{self:?}");
        assert!(self.err.starts_with("sendvia: ") && self.err.contains(word), "expected {word:?} in {self:?}");
        assert!(!self.err.contains(PASSWORD), "{self:?}");
    }
}

fn recipients(site: &Site, index: usize) -> Vec<String> {
    site.messages()[index].recipients.iter().map(|to| to.address.clone()).collect()
}

#[test]
fn a_users_only_account_is_the_sender_where_no_option_names_one() {
    let site = Site::new();
    site.account("anna@gmx.de", "");
    symlink("anna@gmx.de.yaml", site.account_file("anni@gmx.de")).unwrap();
    site.sendmail(&["-i", "b@x.example, c@x.example"], MESSAGE).is(0, "");
    let kept = &site.messages()[0];
    assert_eq!((kept.mail_from.as_str(), kept.login.as_str()), ("anna@gmx.de", "anna@gmx.de"));
    assert_eq!(recipients(&site, 0), ["b@x.example", "c@x.example"]);
    assert_eq!(kept.read().unwrap(), on_the_wire(MESSAGE));
}

#[test]
fn recipients_come_from_the_header_and_blind_copies_are_taken_off() {
    let site = Site::new();
    let message = MESSAGE.replace("To: b@x.example\n", "To: B <b@x.example>\nCc: c@x.example\nBcc: d@x.example\n");
    site.sendmail(&["-ti", "-fanna@gmx.de", "e@x.example"], &message).is(0, "");
    assert_eq!(recipients(&site, 0), ["e@x.example", "b@x.example", "c@x.example", "d@x.example"]);
    let arrived = site.messages()[0].read().unwrap();
    assert_eq!((field(&arrived, "Bcc").len(), field(&arrived, "Cc").len()), (0, 1));
    site.sendmail(&["-t", "-i"], "From: anna@gmx.de\n\nnobody\n").tells(64, "no recipient");
    assert_eq!(site.messages().len(), 1);
}

#[test]
fn what_is_sent_again_tomorrow_is_another_message_and_what_a_queue_tries_again_is_the_same() {
    let site = Site::new();
    let bare = "From: anna@gmx.de\nTo: b@x.example\nSubject: backup\n\nok\n";
    let relay = |queue_id: &str| {
        let arguments = ["--user", "anna", "--queue-id", queue_id, "-f", "anna@gmx.de", "--", "b@x.example"];
        run(site.command("relay").args(arguments), bare.as_bytes()).is(0, "");
    };
    site.config("journal: {mode: off}\n");
    for _ in 0..2 {
        site.sendmail(&["-i", "-fanna@gmx.de", "b@x.example"], bare).is(0, "");
    }
    ["4Xq1", "4Xq1", "4Xq2"].into_iter().for_each(relay);
    let id = |index: usize| field(&site.messages()[index].read().unwrap(), "Message-ID");
    assert_ne!(id(0), id(1));
    assert_eq!(id(2), id(3), "a retry has the same");
    assert_ne!(id(2), id(4));
}

#[test]
fn a_closed_standard_input_is_no_empty_message() {
    let site = Site::new();
    let sendmail = |redirection: &str| {
        let mut command = Command::new("sh");
        let script = format!("exec \"$0\" sendmail -i -f anna@gmx.de b@x.example {redirection}");
        command.env("SENDVIA_CONFIG", site.config_file()).args(["-c", &script, env!("CARGO_BIN_EXE_sendvia")]);
        run(&mut command, b"")
    };
    sendmail("<&-").tells(64, "standard input is closed");
    assert!(site.messages().is_empty());
    sendmail("</dev/null").is(0, "");
    assert_eq!(site.messages().len(), 1);
}

#[test]
fn called_by_a_name_that_ends_in_sendmail_it_needs_no_subcommand() {
    let site = Site::new();
    let program = site.path().join("sendmail");
    symlink(env!("CARGO_BIN_EXE_sendvia"), &program).unwrap();
    let mut command = Command::new(&program);
    command.env("SENDVIA_CONFIG", site.config_file()).args(["-oi", "-oem", "-f", "anna@gmx.de", "--", "b@x.example"]);
    run(&mut command, MESSAGE.as_bytes()).is(0, "");
    assert_eq!(site.messages()[0].read().unwrap(), on_the_wire(MESSAGE));
}

#[test]
fn an_address_that_begins_with_a_dash_is_no_option() {
    let site = Site::new();
    site.rules(&["none"]);
    site.account("%2df@gmx.de", "header_from: accept\nenvelope_from: keep\n");
    site.sendmail(&["-i", "-f", "-f@gmx.de", "--", "-t@x.example"], MESSAGE).is(0, "");
    assert_eq!(
        (site.messages()[0].mail_from.as_str(), recipients(&site, 0)),
        ("-f@gmx.de", vec!["-t@x.example".into()])
    );
}

#[test]
fn a_lone_dot_ends_the_message_unless_an_option_says_otherwise() {
    let site = Site::new();
    let message = format!("{MESSAGE}.\nbehind the dot\n");
    for (index, options) in [&["-f", "anna@gmx.de"][..], &["-i"], &["-oi"]].iter().enumerate() {
        site.sendmail(&[options, &["b@x.example"][..]].concat(), &message).is(0, "");
        let expected = if index == 0 { MESSAGE } else { &message };
        assert_eq!(site.messages()[index].read().unwrap(), on_the_wire(expected), "{options:?}");
    }
}

#[test]
fn a_message_without_header_from_gets_one() {
    let site = Site::new();
    site.sendmail(&["-i", "-F", "Änna", "b@x.example"], "Subject: x\n\nhello\n").is(0, "");
    let from = field(&site.messages()[0].read().unwrap(), "From");
    assert!(from[0].starts_with("=?") && from[0].ends_with("<anna@gmx.de>"), "{from:?}");
    site.sendmail(&["-i", "-F", "Eve", "b@x.example"], MESSAGE).is(0, "");
    assert_eq!(field(&site.messages()[1].read().unwrap(), "From"), ["Anna <anna@gmx.de>"]);
}

#[test]
fn options_for_notifications_reach_a_server_that_knows_them() {
    let site = Site::with(|options| options.extensions.dsn = true);
    site.sendmail(&["-i", "-N", "failure,delay", "-Rhdrs", "-V", "id 7", "b@x.example"], MESSAGE).is(0, "");
    let kept = &site.messages()[0];
    assert!(kept.parameters.iter().any(|one| one == "RET=HDRS"), "{:?}", kept.parameters);
    assert!(kept.parameters.iter().any(|one| one == "ENVID=id+207"), "{:?}", kept.parameters);
    assert!(kept.recipients[0].parameters.iter().any(|one| one == "NOTIFY=FAILURE,DELAY"), "{:?}", kept.recipients);
}

#[test]
fn a_person_reads_problem_and_remedy_and_gets_the_status_of_sysexits() {
    let site = Site::new();
    let send = |arguments: &[&str], message: &str| site.sendmail(&[&["-i"], arguments].concat(), message);
    send(&["-f", "stranger@gmx.de", "b@x.example"], MESSAGE).tells(78, "hint: ");
    send(&["b@x.example"], &MESSAGE.replace("anna@gmx.de", "eve@gmx.de")).tells(65, "anna@gmx.de");
    send(&[], MESSAGE).tells(64, "no recipient");
    send(&["root"], MESSAGE).tells(64, "no domain");
    send(&["-N", "sometimes", "b@x.example"], MESSAGE).tells(64, "-N");
    for queue in [&["-bp"][..], &["-bi"], &["-q"], &["-bd"]] {
        send(queue, "").tells(64, queue[0]);
    }
    assert_eq!(site.counters().connections, 0);
    site.rules(&["reply=rcpt:550 5.1.1 No such user"]);
    send(&["b@x.example"], MESSAGE).tells(67, "No such user");
    site.config("acounts: x\n");
    send(&["b@x.example"], MESSAGE).tells(78, "acounts");
}

#[test]
fn with_v_the_providers_reply_is_shown() {
    let site = Site::new();
    let ended = site.sendmail(&["-vi", "b@x.example"], MESSAGE);
    ended.is(0, "2.").says(&["gmx: 250"]);
}

#[test]
fn smtp_on_stdio_takes_messages_and_says_what_came_of_each() {
    let site = Site::new();
    let transaction = |sender: &str| {
        let stuffed = on_the_wire(&MESSAGE.replace("\n.", "\n.."));
        format!("MAIL FROM:<{sender}>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n{}.\r\n", String::from_utf8(stuffed).unwrap())
    };
    let dialogue = format!("EHLO client\r\n{}{}QUIT\r\n", transaction("anna@gmx.de"), transaction("stranger@gmx.de"));
    let ended = site.sendmail(&["-bs"], dialogue);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let codes: Vec<&str> = ended.out.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "354", "250", "250", "250", "354", "451", "221"], "{ended:?}");
    assert_eq!(site.messages()[0].read().unwrap(), on_the_wire(MESSAGE));
    let cut = site.sendmail(&["-bs"], &transaction("anna@gmx.de").replace("MAIL", "HELO x\r\nMAIL")[..200]);
    assert_eq!((cut.code, site.messages().len()), (Some(75), 1), "{cut:?}");
}
