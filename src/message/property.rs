//! Properties that hold for every message, tried with random ones against a receiver of its own, which knows nothing of
//! the code it judges.

use super::identity::{HeaderFrom, header_from};
use super::intake::take;
use super::repair::{RepairContext, repair};
use super::rewrite::rewrite_header_from;
use super::{Header, Intake, Limits, Message, dkim, dot, downgrade, received, recipients, smtputf8, trace};
use crate::wire::header::address::AddressList;
use crate::wire::header::token::tokens;
use crate::wire::mailbox::Mailbox;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::path::Path;
use std::time::SystemTime;

/// Where nothing is spooled.
const NOWHERE: &str = "/nonexistent";

/// Pieces of which smuggled commands, odd line ends and odd headers are made.
const PIECES: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b".",
    b"..",
    b"\0",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r\n\0.\r\n",
    b".\0\r\n",
    b"MAIL FROM:<x@y>\r\n",
    b"A: b\r\n",
    b"From: a@x\n",
    b"From ",
    b"a",
    b":",
    b" ",
    b"\xff",
    b"\xc3\xbc",
    b"--b\r\n",
    b"\r\n\r\n",
];

/// Pieces of address fields.
const ADDRESSES: &[&[u8]] = &[
    b"a@x.example",
    b"<b@x.example>",
    b"Anna",
    b"\"q, r\"",
    b"\"",
    b"\\",
    b"(c)",
    b"(",
    b")",
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"@",
    b".",
    b" ",
    b"\r\n ",
    b"\xc3\xbc",
    b"\xfc",
    b"=?utf-8?Q?=C3=BC?=",
    b"=?",
    b"[192.0.2.1]",
    b"Team: ",
    b"b\xc3\xbc@x",
];

/// Names of fields that something here reads or changes.
const NAMES: &[&[u8]] = &[
    b"From",
    b"from ",
    b"To",
    b"Cc",
    b"Bcc",
    b"Sender",
    b"Reply-To",
    b"Date",
    b"Subject",
    b"Message-ID",
    b"Received",
    b"X-Y",
    b"Return-Path",
    b"Delivered-To",
    b"Resent-To",
    b"Content-Type",
    b"DKIM-Signature",
];

/// Octets that a failure shows as text.
#[derive(Clone)]
struct Text(Vec<u8>);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn octets() -> impl Strategy<Value = Text> {
    vec(select(PIECES), 0..40).prop_map(|pieces| Text(pieces.concat()))
}

fn section() -> impl Strategy<Value = Text> {
    let body = vec(select(ADDRESSES), 0..12).prop_map(|pieces| pieces.concat());
    let line = |(name, body): &(&[u8], Vec<u8>)| [name, &b": "[..], body, b"\r\n"].concat();
    vec((select(NAMES), body), 0..10).prop_map(move |fields| Text(fields.iter().map(line).collect::<Vec<_>>().concat()))
}

/// A receiver that takes RFC 5321 by the letter: CR and LF stand together or not at all, NUL never, and
/// `<CRLF>.<CRLF>` alone ends the data. Gives the message, and how many octets it read.
fn receive(wire: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let (mut message, mut at) = (Vec::new(), 0);
    loop {
        let line_end = wire[at..].windows(2).position(|pair| pair == b"\r\n").ok_or("no end of data")? + at;
        let line = &wire[at..line_end];
        if let Some(octet) = line.iter().find(|octet| b"\r\n\0".contains(octet)) {
            return Err(format!("octet {octet} in a line"));
        }
        at = line_end + 2;
        match line {
            b"." => return Ok((message, at)),
            [b'.', rest @ ..] => message.extend_from_slice(rest),
            line => message.extend_from_slice(line),
        }
        message.extend_from_slice(b"\r\n");
    }
}

/// Line ends put right by another way than the one under test.
fn expected(octets: &[u8]) -> Vec<u8> {
    let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
    let mut text = text.replace('\0', " ");
    while text.contains("\r\r") {
        text = text.replace("\r\r", "\r");
    }
    if let Some(without) = text.strip_suffix('\r') {
        text = format!("{without}\n");
    }
    let text = text.replace("\r\n", "\n").replace('\r', " ").replace('\n', "\r\n");
    text.chars().map(|character| character as u8).collect()
}

fn taken(octets: &[u8], sizes: &[usize], limits: Limits, directory: &Path) -> Message {
    let mut intake = Intake::new(limits, directory);
    let (mut rest, mut sizes) = (octets, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        intake.push(piece).unwrap();
        rest = after;
    }
    intake.finish().unwrap()
}

fn on_the_wire(message: &Message, chunk_size: usize) -> Vec<u8> {
    let (mut reader, mut stuffer) = (message.octets(), dot::Stuffer::new());
    let (mut chunk, mut wire) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk, chunk_size).unwrap() {
        stuffer.push(&chunk, &mut wire);
    }
    stuffer.finish(&mut wire);
    wire
}

fn parsed(section: &[u8]) -> Header {
    taken(section, &[section.len().max(1)], Limits::default(), Path::new(NOWHERE)).header
}

fn new_address() -> Mailbox {
    Mailbox::parse("new@gmx.example").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_smuggled_past_a_strict_receiver(
        Text(octets) in octets(), sizes in vec(1..9_usize, 1..5), chunk in 1..9_usize,
    ) {
        let directory = tempfile::tempdir().unwrap();
        // What is taken for an mbox line has a test of its own.
        let octets = [b"X: y\r\n", octets.as_slice()].concat();
        let message = taken(&octets, &sizes, Limits { header: 1 << 20, memory: 16 }, directory.path());
        let wire = on_the_wire(&message, chunk);
        let (received, read) = receive(&wire).map_err(TestCaseError::fail)?;
        prop_assert_eq!(read, wire.len());
        // The separator and the last line end may have been added, and nothing else.
        let expected = expected(&octets);
        let header = message.header.to_octets();
        prop_assert!(expected.starts_with(&header) || [&expected[..], b"\r\n"].concat() == header);
        let body = &expected[header.len().min(expected.len())..];
        let body = body.strip_prefix(b"\r\n").unwrap_or(body);
        let end: &[u8] = if body.is_empty() || body.ends_with(b"\r\n") { b"" } else { b"\r\n" };
        prop_assert_eq!(received, [&header, &b"\r\n"[..], body, end].concat());
        prop_assert_eq!(message.len(), (header.len() + 2 + body.len() + end.len()) as u64);
    }

    #[test]
    fn a_lax_receiver_finds_no_end_of_data_but_the_last(Text(octets) in octets()) {
        let wire = on_the_wire(&take(&octets, Path::new(NOWHERE)).unwrap(), 4096);
        let before_end = &wire[..wire.len() - b".\r\n".len()];
        for end in [&b"\n.\n"[..], b"\n.\r", b"\r.\r", b"\r.\n", b"\n.\0"] {
            prop_assert!(!before_end.windows(3).any(|window| window == end), "{:?}", end);
        }
        prop_assert!(!before_end.starts_with(b".\r"));
    }

    #[test]
    fn the_same_octets_make_the_same_message_however_they_come(Text(octets) in octets(), a in 1..7_usize, b in 1..7_usize) {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { header: 1 << 20, memory: 8 };
        let one = taken(&octets, &[a, b], limits, directory.path());
        let other = take(&octets, Path::new(NOWHERE)).unwrap();
        prop_assert_eq!(&one.header, &other.header);
        prop_assert_eq!(one.digest, other.digest);
        prop_assert_eq!((one.is_eight_bit(), one.longest_line()), (other.is_eight_bit(), other.longest_line()));
        prop_assert_eq!(on_the_wire(&one, 3), on_the_wire(&other, 4096));
    }

    #[test]
    fn tokens_and_addresses_cover_their_octets_in_order(body in vec(select(ADDRESSES), 0..20)) {
        let body = body.concat();
        let mut at = 0;
        for token in tokens(&body).0 {
            prop_assert!(token.start == at && token.end > at);
            at = token.end;
        }
        prop_assert_eq!(at, body.len());
        let mut at = 0;
        for address in AddressList::parse(&body).addresses() {
            prop_assert!(address.span.start >= at && address.span.end <= body.len());
            prop_assert!(address.display.end <= address.addr_spec.start || address.display.is_empty());
            prop_assert!(address.addr_spec.end <= address.span.end);
            at = address.span.end;
        }
    }

    #[test]
    fn a_rewritten_from_is_the_new_address_and_no_other_field_changes(Text(section) in section()) {
        let before = parsed(&section);
        let mut after = before.clone();
        rewrite_header_from(&mut after, &new_address());
        prop_assert_eq!(header_from(&after), HeaderFrom::Address(new_address()));
        prop_assert_eq!(after.find_all("From").count(), 1);
        let others = |header: &Header| -> Vec<Vec<u8>> {
            let others = header.iter().filter(|field| !field.is("From") && !field.is("Reply-To"));
            others.map(|field| field.octets().to_vec()).collect()
        };
        prop_assert_eq!(others(&before), others(&after));
        prop_assert_eq!(parsed(&after.to_octets()), after);
    }

    #[test]
    fn a_repair_ends_and_touches_nothing_else(Text(section) in section()) {
        let mut header = parsed(&section);
        let other = |header: &Header| -> Vec<Vec<u8>> {
            header.find_all("X-Y").chain(header.find_all("Received")).map(|field| field.octets().to_vec()).collect()
        };
        let before = other(&header);
        rewrite_header_from(&mut header, &new_address());
        let context =
            RepairContext { seed: &[7; 32], domain: "gmx.example", now: SystemTime::UNIX_EPOCH, from: None };
        let repairs = repair(&mut header, &context);
        prop_assert!(repairs.is_ok(), "{:?}", repairs);
        prop_assert_eq!(other(&header), before);
        let once = header.clone();
        prop_assert_eq!(repair(&mut header, &context), Ok(Vec::new()));
        prop_assert_eq!(&once, &header);
        prop_assert_eq!(header_from(&header), HeaderFrom::Address(new_address()));
        for name in ["Date", "From", "Message-ID"] {
            prop_assert_eq!(header.find_all(name).count(), 1, "{}", name);
        }
        prop_assert!(header.contains("To") || header.contains("Cc"));
        prop_assert_eq!(parsed(&header.to_octets()), header);
    }

    #[test]
    fn any_message_becomes_seven_bit_or_is_refused(Text(section) in section(), Text(body) in octets(), sealed in any::<bool>()) {
        let content_type: &[u8] = match sealed {
            true => b"Content-Type: multipart/signed; boundary=b\r\n",
            false => b"Content-Type: multipart/mixed; boundary=b\r\n",
        };
        let message = take(&[content_type, &section, b"\r\n", &body].concat(), Path::new(NOWHERE)).unwrap();
        if let Ok(converted) = downgrade::to_seven_bit(&message, Limits::default(), Path::new(NOWHERE)) {
            prop_assert!(!converted.is_eight_bit());
            prop_assert!(receive(&on_the_wire(&converted, 4096)).is_ok());
            prop_assert_eq!(parsed(&converted.header.to_octets()), converted.header);
        }
    }

    #[test]
    fn nothing_that_reads_a_header_section_panics(Text(section) in section()) {
        let header = parsed(&section);
        let mut other = header.clone();
        let _ = trace::take_trace_fields(&mut other);
        let _ = recipients::take_recipients(&mut other);
        let privacy = received::Privacy {
            received: received::ReceivedPolicy::Mask, remove_originating_ip: true, remove_user_agent: true,
        };
        received::hide_client(&mut other, privacy);
        dkim::broken(&header, &other);
        smtputf8::needs_smtputf8(&header);
    }

    #[test]
    fn after_a_repair_another_parser_sees_the_same_author(body in vec(select(ADDRESSES), 0..8)) {
        let mut header = parsed(&[b"From: ", body.concat().as_slice(), b"\r\n"].concat());
        let context =
            RepairContext { seed: &[7; 32], domain: "gmx.example", now: SystemTime::UNIX_EPOCH, from: None };
        let is_repaired = repair(&mut header, &context).is_ok();
        if let (true, HeaderFrom::Address(author)) = (is_repaired, header_from(&header)) {
            // What is no plain address is refused as no identity of anybody, however it is read.
            if !["a@x.example", "b@x.example"].contains(&author.to_string().as_str()) { return Ok(()); }
            let section = header.to_octets();
            let message = mail_parser::MessageParser::new().parse(&section).unwrap();
            let seen = message.from().into_iter().flat_map(|from| from.iter()).filter_map(|address| address.address());
            for other in seen.filter(|address| address.contains('@')) {
                prop_assert_eq!(other, author.to_string(), "{}", section.escape_ascii());
            }
        }
    }
}
