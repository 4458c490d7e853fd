use super::*;
use crate::verdict::Outcome;
use crate::wire::reply::Reply;

/// What one dialogue came to: the reply codes, and what happened, in order.
fn played(terms: &Terms, client: &str, piece: usize) -> (String, Vec<String>) {
    let mut dialogue = Dialogue::new(terms.clone());
    let mut events = Vec::new();
    let mut content = Vec::new();
    let mut pieces = client.as_bytes().chunks(piece);
    loop {
        let event = dialogue.next_event();
        if !matches!(event, Event::Content | Event::Starving) && !content.is_empty() {
            events.push(format!("content {}", String::from_utf8_lossy(&std::mem::take(&mut content)).escape_debug()));
        }
        match event {
            Event::Starving => match pieces.next() {
                Some(piece) => dialogue.feed(piece),
                None => break,
            },
            Event::Begin(mail) => {
                let to: Vec<_> = mail.envelope.recipients.iter().map(|to| to.mailbox.to_string()).collect();
                let ident = mail.xforward.ident().map_or(String::new(), |ident| format!(" {ident}"));
                events.push(format!("begin <{}> {}{ident}", mail.envelope.reverse_path, to.join(",")));
            }
            Event::Content => content.extend_from_slice(dialogue.content()),
            Event::End => {
                events.push("end".to_owned());
                let sent = Verdict::from(&Outcome::Sent { provider: "gmx".into(), reply: Reply::new(250, "ok") });
                let busy = Verdict::from(&Outcome::Busy { account: "a@b".into() });
                dialogue.conclude(&[sent, busy]);
            }
            Event::Abandoned => events.push("abandoned".to_owned()),
            Event::Closed => {
                events.push("closed".to_owned());
                break;
            }
            Event::Broken(problem) => {
                events.push(format!("broken {problem}"));
                break;
            }
        }
    }
    let last_lines = dialogue.take_replies();
    let codes = last_lines.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]);
    (codes.collect::<Vec<_>>().join(" "), events)
}

type Row = (Dialect, &'static str, &'static str, &'static [&'static str]);

const ROWS: [Row; 11] = [
    (
        Dialect::Smtp,
        "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\nS: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
        "220 250 250 250 250 354 250 221",
        &["begin <a@b> c@d,e@f", "content S: x\\r\\n\\r\\n.dot\\r\\n", "end", "closed"],
    ),
    (
        Dialect::Lmtp,
        "LHLO x\r\nXFORWARD IDENT=4Xq\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n.\r\n\
         MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nBDAT 2 LAST\r\nhi",
        "220 250 250 250 250 250 354 250 451 250 250 250",
        &["begin <> c@d,e@f 4Xq", "end", "begin <> c@d", "content hi", "end"],
    ),
    (
        Dialect::Lmtp,
        "EHLO x\r\nMAIL FROM:<a@b>\r\nLHLO x\r\nRCPT TO:<c@d>\r\nMAIL FROM:<a@b>\r\nDATA\r\nRCPT TO:<bad\r\n\
         XFORWARD IDENT=1\r\n",
        "220 500 503 250 503 250 503 501 503",
        &[],
    ),
    (
        Dialect::Smtp,
        "EHLO x\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 3\r\nQUIBDAT 0 LAST\r\n",
        "220 250 503 250 250 250 250",
        &["begin <a@b> c@d", "content QUI", "end"],
    ),
    (
        Dialect::Smtp,
        "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 1\r\nxDATA\r\nRSET\r\nNOOP\r\nAUTH PLAIN\r\nSTARTTLS\r\n\
         XFORWARD IDENT=1\r\n",
        "220 250 250 250 250 503 250 250 502 502 502",
        &["begin <a@b> c@d", "content x", "abandoned"],
    ),
    // Smuggling: no bare line end ends a message.
    (
        Dialect::Smtp,
        "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\n.\nMAIL FROM:<evil@x>\r\n.\n.\r.\r.\r\n\r\n.\r\n",
        "220 250 250 250 354 250",
        &["begin <a@b> c@d", "content x\\n.\\nMAIL FROM:<evil@x>\\r\\n\\n.\\r.\\r.\\r\\n\\r\\n", "end"],
    ),
    // A message that is not whole is never told as whole.
    (
        Dialect::Lmtp,
        "LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf\r\n.",
        "220 250 250 250 354",
        &["begin <a@b> c@d"],
    ),
    (
        Dialect::Batch,
        "HELO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nhi\n.\nMAIL FROM:<a@b>\nRCPT TO:<e@f>\nDATA\n.\nQUIT\n",
        "",
        &["begin <a@b> c@d", "content hi\\n", "end", "begin <a@b> e@f", "end", "closed"],
    ),
    (Dialect::Batch, "MAIL FROM:<a@b>\nDATA\nx\n.\n", "", &["broken no valid recipients"]),
    (Dialect::Batch, "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nJUNK\n", "", &["broken unknown command \"JUNK\""]),
    (Dialect::Batch, "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nQUIT\n", "", &["broken QUIT inside a transaction"]),
];

#[test]
fn dialogues_go_as_the_protocols_say_however_the_octets_are_cut() {
    for (dialect, client, codes, events) in ROWS {
        let terms = Terms::new(dialect, "mx.example");
        for piece in [4096, 128, 16, 7, 1] {
            let (got_codes, got_events) = played(&terms, client, piece);
            assert_eq!((got_codes.as_str(), got_events), (codes, to_strings(events)), "{piece}: {client}");
        }
    }
}

fn to_strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_line_without_end_is_refused_and_the_next_one_is_read() {
    let client = format!("HELO x\r\nNOOP {}\r\nNOOP\r\n", "x".repeat(3 * MAX_COMMAND_LINE));
    for piece in [100_000, 4096] {
        assert_eq!(played(&Terms::new(Dialect::Smtp, "mx"), &client, piece).0, "220 250 500 250");
    }
}

#[test]
fn too_many_recipients_are_for_later_and_too_many_errors_end_it() {
    let terms = Terms { max_recipients: 1, max_errors: 2, max_size: Some(10), ..Terms::new(Dialect::Smtp, "mx") };
    let client = "HELO x\r\nMAIL FROM:<a@b> SIZE=11\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nFOO\r\n\
                  NOOP\r\n";
    let (codes, events) = played(&terms, client, 4096);
    assert_eq!(codes, "220 250 552 250 250 452 500 421");
    assert_eq!(events, ["closed"]);
}

proptest::proptest! {
    #[test]
    fn nothing_a_client_sends_makes_it_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let text = String::from_utf8_lossy(&octets).into_owned();
        for dialect in [Dialect::Smtp, Dialect::Lmtp, Dialect::Batch] {
            played(&Terms::new(dialect, "mx"), &text, 50);
            played(&Terms::new(dialect, "mx"), &format!("LHLO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nBDAT 20\n{text}"), 50);
        }
    }
}
