//! Repairing what providers refuse in a header section, as long as its meaning stays.
//!
//! GMX, web.de and IONOS refuse a message after all of it was sent (`c=hi`, `c=hd`) when Date, From or To is missing,
//! or when one of Date, From, Sender, To, Cc and Subject is empty, malformed, doubled, or holds octets outside ASCII.
//! What is in order is not touched, and every change is told.

mod doubled;
mod encode;

pub use encode::ADDRESS_FIELDS;
pub(super) use encode::{encode as encode_addresses, encoder};

use super::Header;
use super::date;
use super::identity::{HeaderFrom, header_from};
use crate::wire::header::Field;
use crate::wire::mailbox::Mailbox;
use jiff::Timestamp;
use std::fmt;
use std::time::SystemTime;
use thiserror::Error;

/// Fields that mean nothing when they are empty, and are refused then.
const NOT_EMPTY: [&str; 10] =
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "Subject", "In-Reply-To"];

/// What repairs are made from.
#[derive(Clone, Copy, Debug)]
pub struct RepairContext<'a> {
    /// A Message-ID is made of it: a retry brings the same.
    pub seed: &'a [u8; 32],
    /// The domain of a new Message-ID: the account's.
    pub domain: &'a str,
    /// The date of a message that has none, and no Received field with one either.
    pub now: SystemTime,
    /// Put into header From where there is none; `None` refuses such a message.
    pub from: Option<&'a Mailbox>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A field that was missing, or an empty one filled.
    Added(&'static str),
    /// A Date that no server reads, by the instant it means, or by that of the message.
    DateReplaced,
    /// Several fields of this name became one.
    Reduced(&'static str),
    /// An empty field was taken off.
    Removed(&'static str),
    /// Octets outside ASCII became encoded words, or an IDN its A-labels, in a field of this name.
    Encoded(&'static str),
    /// A display name that needs quotes got them.
    Quoted(&'static str),
}

/// Why a header section can't be repaired.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderProblem {
    /// There is no header From, and nobody says who the author is.
    #[error("there is no From field: a message needs one, with the sender's address")]
    NoFrom,
    /// Several From fields that differ.
    #[error("there are several From fields: only one may stay")]
    SeveralFrom,
    /// A header From that can't be read.
    #[error("the From field is malformed: {0}")]
    MalformedFrom(String),
}

/// Repairs the header section in place, and says what was changed.
///
/// # Errors
/// [`HeaderProblem`], where a repair would change who the author is; the section may be half repaired then.
pub fn repair(header: &mut Header, context: &RepairContext<'_>) -> Result<Vec<Repair>, HeaderProblem> {
    let mut repairs = remove_empty(header);
    repairs.extend(repair_from(header, context)?);
    repairs.extend(doubled::reduce(header));
    repairs.extend(repair_date(header, context));
    repairs.extend(add_message_id(header, context));
    repairs.extend(add_to(header));
    repairs.extend(encode::encode(header));
    // An empty field that was taken off and one that was added are one change.
    let added: Vec<Repair> = repairs.iter().filter(|repair| matches!(repair, Repair::Added(_))).cloned().collect();
    repairs.retain(|repair| !matches!(repair, Repair::Removed(name) if added.contains(&Repair::Added(name))));
    Ok(repairs)
}

fn remove_empty(header: &mut Header) -> Vec<Repair> {
    let is_empty = |name: &str, header: &Header| header.find_all(name).any(Field::is_empty);
    let empty: Vec<&'static str> = NOT_EMPTY.into_iter().filter(|name| is_empty(name, header)).collect();
    header.retain(|field| !(field.is_empty() && NOT_EMPTY.iter().any(|name| field.is(name))));
    empty.into_iter().map(Repair::Removed).collect()
}

fn repair_from(header: &mut Header, context: &RepairContext<'_>) -> Result<Option<Repair>, HeaderProblem> {
    match (header_from(header), context.from) {
        (HeaderFrom::None, Some(from)) => {
            header.remove("From");
            header.append(Field::new("From", format!("<{from}>").as_bytes()));
            Ok(Some(Repair::Added("From")))
        }
        (HeaderFrom::None, None) => Err(HeaderProblem::NoFrom),
        (HeaderFrom::Malformed(text), _) => Err(HeaderProblem::MalformedFrom(text)),
        (HeaderFrom::Several(_) | HeaderFrom::Group, _) if header.find_all("From").count() > 1 => {
            Err(HeaderProblem::SeveralFrom)
        }
        // One field with several authors, or a group, is for the provider to judge.
        (HeaderFrom::Address(_) | HeaderFrom::Several(_) | HeaderFrom::Group, _) => Ok(None),
    }
}

/// A missing Date is when the last hop took the message, so that a retry has the same; else now. One that no server
/// reads is kept under another name.
fn repair_date(header: &mut Header, context: &RepairContext<'_>) -> Option<Repair> {
    let field = header.find("Date").cloned();
    let text = field.as_ref().map(Field::unfolded);
    if text.as_deref().is_some_and(|text| date::valid(text).is_some()) {
        return None;
    }
    let meant = text.as_deref().and_then(date::meant);
    let received = header.find("Received").and_then(|field| date::of_received(&field.unfolded()));
    let instant = meant.or(received).unwrap_or_else(|| Timestamp::try_from(context.now).unwrap_or_default());
    header.set(Field::new("Date", date::rfc5322(instant).as_bytes()));
    let Some(old) = field else { return Some(Repair::Added("Date")) };
    if meant.is_none() {
        header.append(Field::new("X-Original-Date", old.body().trim_ascii()));
    }
    Some(Repair::DateReplaced)
}

fn add_message_id(header: &mut Header, context: &RepairContext<'_>) -> Option<Repair> {
    if header.contains("Message-ID") {
        return None;
    }
    let local_part: String = context.seed.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    let domain = idna::domain_to_ascii(context.domain).unwrap_or_default();
    let is_domain =
        !domain.is_empty() && domain.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-".contains(&octet));
    let domain = if is_domain { &domain } else { "sendvia.invalid" };
    header.append(Field::new("Message-ID", format!("<{local_part}.sendvia@{domain}>").as_bytes()));
    Some(Repair::Added("Message-ID"))
}

fn add_to(header: &mut Header) -> Option<Repair> {
    if header.contains("To") || header.contains("Cc") {
        return None;
    }
    header.append(Field::new("To", b"undisclosed-recipients:;"));
    Some(Repair::Added("To"))
}

/// For the log: `Date added`.
impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Added(name) => write!(f, "{name} added"),
            Repair::DateReplaced => f.write_str("Date replaced"),
            Repair::Reduced(name) => write!(f, "{name} reduced to one"),
            Repair::Removed(name) => write!(f, "empty {name} removed"),
            Repair::Encoded(name) => write!(f, "{name} encoded"),
            Repair::Quoted(name) => write!(f, "{name} quoted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "Date: Tue, 24 Nov 2026 19:00:00 +0000\r\nMessage-ID: <1@x.example>\r\n";

    /// The section after its repair, without what is in [`WHOLE`], and the repairs.
    fn repaired(section: &str) -> (String, String) {
        let (mut header, _) = Header::parse(section.as_bytes());
        let context = RepairContext { seed: &[0xab; 32], domain: "gmx.de", now: SystemTime::UNIX_EPOCH, from: None };
        let repairs = match repair(&mut header, &context) {
            Ok(repairs) => repairs.iter().map(Repair::to_string).collect::<Vec<_>>().join(", "),
            Err(problem) => problem.to_string(),
        };
        (String::from_utf8(header.to_octets()).unwrap().replacen(WHOLE, "", 1), repairs)
    }

    #[test]
    fn what_providers_refuse_is_repaired_and_told() {
        let rows = [
            ("To: b@x\r\nFrom: a@x\r\n", "To: b@x\r\nFrom: a@x\r\n", ""),
            ("Cc: b@x\r\nFrom: a@x\r\n", "Cc: b@x\r\nFrom: a@x\r\n", ""),
            ("From: a@x\r\n", "From: a@x\r\nTo: undisclosed-recipients:;\r\n", "To added"),
            (
                "From: a@x\r\nTo: \r\nCc:\r\n",
                "From: a@x\r\nTo: undisclosed-recipients:;\r\n",
                "empty Cc removed, To added",
            ),
            ("From: a@x\r\nTo: b@x\r\nSubject:\r\nX:\r\n", "From: a@x\r\nTo: b@x\r\nX:\r\n", "empty Subject removed"),
            (
                "From: a@x\r\nTo: b@x\r\nTO: c@x,\r\nTo: b@x\r\n",
                "From: a@x\r\nTo: b@x,\r\n c@x\r\n",
                "To reduced to one",
            ),
            ("From: a@x\r\nFrom: A@X\r\nTo: b@x\r\n", "From: a@x\r\nTo: b@x\r\n", "From reduced to one"),
            (
                "From: a@x\r\nTo: b@x\r\nSubject: 1\r\nSubject: 2\r\n",
                "From: a@x\r\nTo: b@x\r\nSubject: 1\r\n",
                "Subject reduced to one",
            ),
            (
                "From: \"Müller, Anna\" <a@x>\r\nTo: b@bücher.example (ß)\r\nSubject: ß\r\n",
                "From: =?utf-8?Q?M=C3=BCller=2C_Anna?= <a@x>\r\nTo: b@xn--bcher-kva.example (=?utf-8?Q?=C3=9F?=)\r\nSubject: ß\r\n",
                "From encoded, To encoded",
            ),
            ("From: Mueller, Anna <a@x>\r\nTo: b@x\r\n", "From: \"Mueller, Anna\" <a@x>\r\nTo: b@x\r\n", "From quoted"),
            (
                "From: Müller, <a@x>\r\nTo: b@x\r\n",
                "From: =?utf-8?Q?M=C3=BCller=2C?= <a@x>\r\nTo: b@x\r\n",
                "From encoded",
            ),
            ("From: Anna, \"Müller <a@x>\r\nTo: b@x\r\n", "From: Anna, \"Müller <a@x>\r\nTo: b@x\r\n", ""),
            ("From: Mueller, <a@x>\r\nTo: b@x\r\n", "From: \"Mueller,\" <a@x>\r\nTo: b@x\r\n", "From quoted"),
            ("From: a@x <a@x>\r\nTo: b@x <b@x>\r\n", "From: \"a@x\" <a@x>\r\nTo: b@x <b@x>\r\n", "From quoted"),
            ("To: b@x\r\n", "To: b@x\r\n", "there is no From field: a message needs one, with the sender's address"),
            (
                "From: a@x\r\nFrom: b@x\r\n",
                "From: a@x\r\nFrom: b@x\r\n",
                "there are several From fields: only one may stay",
            ),
            ("From: <a@x\r\n", "From: <a@x\r\n", "the From field is malformed: <a@x"),
            ("From: a@x, b@x\r\nTo: b@x\r\n", "From: a@x, b@x\r\nTo: b@x\r\n", ""),
        ];
        for (before, after, repairs) in rows {
            let (section, found) = repaired(&format!("{WHOLE}{before}"));
            assert_eq!((section.as_str(), found.as_str()), (after, repairs), "{before}");
        }
    }

    #[test]
    fn a_date_is_added_or_replaced() {
        let rows = [
            ("", "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n", "Date added"),
            ("Date:\r\n", "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n", "Date added"),
            (
                "Received: x; Tue, 24 Nov 2026 20:00:00 +0100\r\n",
                "Received: x; Tue, 24 Nov 2026 20:00:00 +0100\r\nDate: Tue, 24 Nov 2026 19:00:00 +0000\r\n",
                "Date added",
            ),
            ("Date: 2026-11-24T20:00:00+01:00\r\n", "Date: Tue, 24 Nov 2026 19:00:00 +0000\r\n", "Date replaced"),
            ("Date: soon\r\n", "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nX-Original-Date: soon\r\n", "Date replaced"),
            (
                "Date: soon\r\nDate: Tue, 24 Nov 2026 19:00:00 +0000\r\n",
                "Date: Tue, 24 Nov 2026 19:00:00 +0000\r\n",
                "Date reduced to one",
            ),
        ];
        for (before, after, repairs) in rows {
            let rest = "From: a@x\r\nTo: b@x\r\nMessage-ID: <1@x>\r\n";
            let (section, found) = repaired(&format!("{rest}{before}"));
            assert_eq!((section.strip_prefix(rest), found.as_str()), (Some(after), repairs), "{before}");
        }
    }

    #[test]
    fn a_message_id_is_the_same_at_each_try_and_never_leaves_its_place() {
        let section = "From: a@x\r\nTo: b@x\r\nDate: Tue, 24 Nov 2026 19:00:00 +0000\r\n";
        let added = format!("{section}Message-ID: <{}.sendvia@gmx.de>\r\n", "ab".repeat(16));
        assert_eq!(repaired(section), (added, "Message-ID added".to_owned()));
        let (mut header, _) = Header::parse(section.as_bytes());
        let domain = "x>\r\nBcc: c@x";
        let context = RepairContext { seed: &[0; 32], domain, now: SystemTime::UNIX_EPOCH, from: None };
        repair(&mut header, &context).unwrap();
        assert!(header.to_octets().ends_with(b".sendvia@sendvia.invalid>\r\n"));
    }

    #[test]
    fn a_missing_from_is_filled_where_the_author_is_known() {
        let from = Mailbox::parse("a@x").unwrap();
        let (mut header, _) = Header::parse(format!("{WHOLE}To: b@x\r\nFrom: \r\n").as_bytes());
        let context = RepairContext { seed: &[0; 32], domain: "x", now: SystemTime::UNIX_EPOCH, from: Some(&from) };
        assert_eq!(repair(&mut header, &context), Ok(vec![Repair::Added("From")]));
        assert_eq!(header_from(&header), HeaderFrom::Address(from));
    }

    #[test]
    fn a_second_repair_finds_nothing_to_do() {
        let (once, _) =
            repaired("From: Mü, A <a@x>\r\nFrom: a@x\r\nTo:\r\nSubject:\r\nDate: x\r\nReply-To: ß <r@x>\r\n");
        assert_eq!(repaired(&once), (once.clone(), String::new()));
    }
}
