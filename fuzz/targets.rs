//! What must hold of every parser whatever octets it gets: it ends, does not panic, and means the same however its input
//! is cut. One function for each target; cargo-fuzz runs them without an end, `tests/it/parsers.rs` with the corpus and
//! a few thousand random inputs.

use sendvia::message::dkim::broken;
use sendvia::message::dot::Stuffer;
use sendvia::message::downgrade::to_seven_bit;
use sendvia::message::identity::header_from;
use sendvia::message::intake::{Intake, Limits, take};
use sendvia::message::mime::ContentType;
use sendvia::message::received::{Privacy, ReceivedPolicy, hide_client};
use sendvia::message::recipients::take_recipients;
use sendvia::message::repair::{ADDRESS_FIELDS, RepairContext, repair};
use sendvia::message::rewrite::rewrite_header_from;
use sendvia::message::smtputf8::needs_smtputf8;
use sendvia::message::trace::take_trace_fields;
use sendvia::message::{Header, Message};
use sendvia::wire::capability::Capabilities;
use sendvia::wire::header::address::{Address, AddressList};
use sendvia::wire::header::token::tokens;
use sendvia::wire::mailbox::{Mailbox, ReversePath};
use sendvia::wire::netstring::{Netstring, encode};
use sendvia::wire::policy::PolicyRequest;
use sendvia::wire::reply::{EnhancedStatus, Reply};
use sendvia::wire::reply_reader::{ReplyError, ReplyReader};
use sendvia::wire::smtp_command::Command;
use sendvia::wire::smtp_data::{LineEnds, Progress, Unstuffer};
use sendvia::wire::socketmap::SocketmapRequest;
use sendvia::wire::text::one_line;
use std::path::Path;
use std::time::SystemTime;

/// Nothing is spooled: inputs are short.
const NOWHERE: &str = "/nonexistent";

/// A target's name and function.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const ALL: &[Target] = &[
    ("reply", reply),
    ("capability", capability),
    ("smtp_command", smtp_command),
    ("smtp_data", smtp_data),
    ("mailbox", mailbox),
    ("address", address),
    ("netstring", netstring),
    ("policy", policy),
    ("socketmap", socketmap),
    ("header", header),
    ("content_type", content_type),
    ("message", message),
    ("downgrade", downgrade),
];

/// Replies are the same however the stream is cut, and can be shown.
pub(crate) fn reply(octets: &[u8]) {
    let whole = replies(octets, octets.len().max(1));
    for size in [1, 7] {
        assert_eq!(whole, replies(octets, size));
    }
    for reply in whole.0 {
        assert!((200..600).contains(&reply.code) && !reply.lines.is_empty());
        assert!(reply.to_string().chars().all(|c| !c.is_control()));
        let _ = (reply.class(), reply.enhanced_status(), reply.text(), reply.lines_lossy());
    }
    let _ = EnhancedStatus::at_start_of(octets);
    let _ = Reply::from_text(&String::from_utf8_lossy(octets));
    assert!(one_line(octets, 300).chars().all(|c| !c.is_control()));
}

fn replies(octets: &[u8], size: usize) -> (Vec<Reply>, Option<ReplyError>) {
    let (mut reader, mut replies) = (ReplyReader::default(), Vec::new());
    for piece in octets.chunks(size) {
        reader.feed(piece);
        loop {
            match reader.next_reply() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => return (replies, Some(error)),
            }
        }
    }
    (replies, None)
}

/// An EHLO reply of any lines offers only names of visible ASCII.
pub(crate) fn capability(octets: &[u8]) {
    let lines = octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    let capabilities = Capabilities::parse(&Reply { code: 250, lines });
    assert!(capabilities.auth.iter().all(|name| name.bytes().all(|octet| octet.is_ascii_graphic())));
    assert!(capabilities.size != Some(0) && (capabilities.size.is_none() || capabilities.size_offered));
}

/// A command line is read or refused.
pub(crate) fn smtp_command(octets: &[u8]) {
    let _ = Command::parse(octets);
}

/// The end of data stands at the same place however the stream is cut, and what was stuffed comes out as it went in.
pub(crate) fn smtp_data(octets: &[u8]) {
    for line_ends in [LineEnds::Crlf, LineEnds::Lf] {
        let whole = unstuffed(octets, octets.len().max(1), line_ends);
        assert_eq!(whole, unstuffed(octets, 1, line_ends));
        assert_eq!(whole, unstuffed(octets, 3, line_ends));
    }
    let Ok(message) = take(octets, Path::new(NOWHERE)) else { return };
    let sent = sent(&message);
    let mut stuffer = Stuffer::new();
    let mut stuffed = Vec::new();
    sent.chunks(5).for_each(|chunk| stuffer.push(chunk, &mut stuffed));
    stuffer.finish(&mut stuffed);
    assert_eq!(unstuffed(&stuffed, 64, LineEnds::Crlf), (sent, Some(stuffed.len())));
}

/// The content, and where the end of data was.
fn unstuffed(octets: &[u8], size: usize, line_ends: LineEnds) -> (Vec<u8>, Option<usize>) {
    let (mut unstuffer, mut content, mut at) = (Unstuffer::new(line_ends), Vec::new(), 0);
    for piece in octets.chunks(size) {
        match unstuffer.push(piece, &mut content) {
            Progress::More => at += piece.len(),
            Progress::End { consumed } => return (content, Some(at + consumed)),
        }
    }
    (content, None)
}

/// A mailbox that is read is written so that it is read again.
pub(crate) fn mailbox(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(mailbox) = Mailbox::parse(&text) {
        assert_eq!(Mailbox::parse(&mailbox.to_string()).as_ref(), Ok(&mailbox));
        assert!(!mailbox.to_string().contains(['\r', '\n', '\0']));
        let _ = (mailbox.folded(), mailbox.unquoted_local_part(), mailbox.with_ascii_domain());
    }
    let _ = ReversePath::parse(&text);
}

/// An address list covers its field body in order, and its pieces can be cut out.
pub(crate) fn address(octets: &[u8]) {
    let list = AddressList::parse(octets);
    for address in list.addresses() {
        let _ = (&octets[address.addr_spec.clone()], address.mailbox(), address.is_word());
    }
    let (found, _) = tokens(octets);
    let mut at = 0;
    for token in found {
        assert!(token.span().start >= at && token.span().end <= octets.len());
        at = token.span().end;
    }
}

/// A netstring that is read is what its payload is written as.
pub(crate) fn netstring(octets: &[u8]) {
    if let Ok(Some(read)) = Netstring::parse(octets, 1000) {
        assert_eq!(
            Netstring::parse(&encode(read.payload), 1000).map(|again| again.map(|one| one.payload.len())),
            Ok(Some(read.payload.len()))
        );
    }
}

/// A policy request takes no more octets than there are.
pub(crate) fn policy(octets: &[u8]) {
    if let Ok(Some((request, length))) = PolicyRequest::parse(octets) {
        assert!(length <= octets.len());
        let _ = request.value("request");
    }
}

/// A socketmap request is read or not.
pub(crate) fn socketmap(octets: &[u8]) {
    let _ = SocketmapRequest::parse(octets);
}

/// A header section and what follows it are all of its octets, and every reader of fields ends.
pub(crate) fn header(octets: &[u8]) {
    let (header, rest) = Header::parse(octets);
    assert_eq!([&header.to_octets(), rest].concat(), octets);
    let _ = (header_from(&header), needs_smtputf8(&header), header.longest_line());
    let _ = take_trace_fields(&mut header.clone());
    let _ = take_recipients(&mut header.clone());
    for received in [ReceivedPolicy::Keep, ReceivedPolicy::Mask, ReceivedPolicy::Remove] {
        let privacy = Privacy { received, remove_originating_ip: true, remove_user_agent: true };
        let _ = hide_client(&mut header.clone(), privacy);
    }
    let anna = Mailbox::parse("anna@gmx.de").expect("a mailbox");
    let _ = rewrite_header_from(&mut header.clone(), &anna);
    if let Ok(message) = take(octets, Path::new(NOWHERE)) {
        repaired(message.header, &anna);
    }
}

/// A header section, as it came in with its message, is repaired once and for all. Only where words stand for addresses the
/// pieces may be other ones when they have been encoded.
fn repaired(mut header: Header, anna: &Mailbox) {
    let context = RepairContext { seed: &[7; 32], domain: "gmx.de", now: SystemTime::UNIX_EPOCH, from: Some(anna) };
    let before = header.clone();
    assert!(broken(&before, &header).is_empty());
    if repair(&mut header, &context).is_ok() {
        let _ = broken(&before, &header);
        let first = header.to_octets();
        let second = repair(&mut header, &context).map(|_| header.to_octets());
        assert!(second.as_ref() == Ok(&first) || has_words_for_addresses(&before));
    }
}

fn has_words_for_addresses(header: &Header) -> bool {
    ADDRESS_FIELDS.iter().flat_map(|name| header.find_all(name)).any(|field| {
        let list = AddressList::parse(field.body());
        list.malformed || list.addresses().any(Address::is_word)
    })
}

/// A Content-Type is read as something.
pub(crate) fn content_type(octets: &[u8]) {
    let content_type = ContentType::parse(octets);
    let _ = (content_type.media_type(), content_type.parameter("boundary"), content_type.is("multipart"));
}

/// A message is the same however it comes in, and its line ends are CRLF alone.
pub(crate) fn message(octets: &[u8]) {
    let whole = take(octets, Path::new(NOWHERE)).map(|message| sent(&message));
    let mut intake = Intake::new(Limits::default(), Path::new(NOWHERE));
    let pieces = octets.chunks(3).try_for_each(|piece| intake.push(piece)).and_then(|()| intake.finish());
    let Ok(whole) = whole else { return };
    assert!(pieces.is_ok_and(|message| sent(&message) == whole));
    for (at, octet) in whole.iter().enumerate() {
        match octet {
            b'\r' => assert_eq!(whole.get(at + 1), Some(&b'\n')),
            b'\n' => assert!(at > 0 && whole[at - 1] == b'\r'),
            _ => assert_ne!(*octet, 0),
        }
    }
}

/// What becomes 7-bit is 7-bit.
pub(crate) fn downgrade(octets: &[u8]) {
    let Ok(message) = take(octets, Path::new(NOWHERE)) else { return };
    if let Ok(converted) = to_seven_bit(&message, Limits::default(), Path::new(NOWHERE)) {
        assert!(sent(&converted).is_ascii());
    }
}

fn sent(message: &Message) -> Vec<u8> {
    let (mut source, mut chunk, mut octets) = (message.octets(), Vec::new(), Vec::new());
    while source.next_chunk(&mut chunk, 1000).expect("a message in memory") {
        octets.extend_from_slice(&chunk);
    }
    octets
}
