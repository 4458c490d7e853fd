//! Who a message says it is from: the address in its header From.
//!
//! Providers compare it with the login, so it must be exactly one. Display names, comments, folds and encoded words
//! are no part of it; neither is Sender.

use super::Header;
use crate::wire::header::Field;
use crate::wire::header::address::{Address, AddressList, Element};
use crate::wire::mailbox::Mailbox;
use crate::wire::text::one_line;
use std::fmt;
use std::ops::Range;

/// Characters of a malformed field that are shown.
const MAX_SHOWN: usize = 80;

/// What the header From says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderFrom {
    /// Exactly one address, in one field or in several that agree.
    Address(Mailbox),
    /// No field, or only empty ones.
    None,
    /// Several addresses, in one field or in several.
    Several(Vec<Mailbox>),
    /// A group (RFC 6854), whatever is in it.
    Group,
    /// Something that is no address; as it may be shown.
    Malformed(String),
}

/// Reads the header From.
///
/// | the field | result |
/// |---|---|
/// | missing, or empty | `None` |
/// | one address, with whatever display name | `Address` |
/// | several fields with the same address | `Address` |
/// | several addresses, in one field or more | `Several` |
/// | `Müller, Anna <anna@gmx.de>` | `Address`: a bare word before the comma is a piece of the name |
/// | a group, also an empty one | `Group` |
/// | an address that is none, or one with something left open or behind it | `Malformed` |
pub fn header_from(header: &Header) -> HeaderFrom {
    let mut found = HeaderFrom::None;
    for field in header.find_all("From").filter(|field| !field.is_empty()) {
        found = both(found, from_of(field));
    }
    found
}

/// What two fields say together: any trouble in one is the result, and different addresses are several.
fn both(a: HeaderFrom, b: HeaderFrom) -> HeaderFrom {
    use HeaderFrom::{Address, Group, Malformed, None, Several};
    match (a, b) {
        (None, other) | (other, None) => other,
        (trouble @ (Malformed(_) | Group), _) | (_, trouble @ (Malformed(_) | Group)) => trouble,
        (Address(a), Address(b)) if a.folded() == b.folded() => Address(a),
        (Address(a), Address(b)) => Several(vec![a, b]),
        (Several(mut several), Address(one)) | (Address(one), Several(mut several)) => {
            several.push(one);
            Several(several)
        }
        (Several(mut a), Several(b)) => {
            a.extend(b);
            Several(a)
        }
    }
}

fn from_of(field: &Field) -> HeaderFrom {
    let list = AddressList::parse(field.body());
    if list.elements.iter().any(|element| matches!(element, Element::Group { .. })) {
        return HeaderFrom::Group;
    }
    let mailboxes: Result<Vec<Mailbox>, _> = authors(&list).into_iter().map(Address::mailbox).collect();
    match mailboxes {
        Ok(mut mailboxes) if mailboxes.len() == 1 && !list.malformed => HeaderFrom::Address(mailboxes.remove(0)),
        Ok(mailboxes) if mailboxes.is_empty() => HeaderFrom::None,
        Ok(mailboxes) if mailboxes.len() > 1 => HeaderFrom::Several(mailboxes),
        Ok(_) | Err(_) => HeaderFrom::Malformed(one_line(field.body(), MAX_SHOWN)),
    }
}

/// The addresses of a From list: bare words beside the only real address are torn off its display name.
fn authors(list: &AddressList) -> Vec<&Address> {
    match torn_display(list) {
        Some((_, address)) => vec![address],
        None => list.addresses().collect(),
    }
}

/// Where a display name stands that unquoted commas tore apart (`Müller, Anna <anna@gmx.de>`), and the address it
/// belongs to.
pub(super) fn torn_display(list: &AddressList) -> Option<(Range<usize>, &Address)> {
    let addresses: Vec<&Address> = list.elements.iter().filter_map(Element::address).collect();
    let (last, words) = addresses.split_last().filter(|_| !list.malformed && addresses.len() == list.elements.len())?;
    let is_torn = last.angle && !words.is_empty() && words.iter().all(|address| address.is_word());
    is_torn.then(|| {
        let end = if last.display.is_empty() { last.span.start } else { last.display.end };
        (words[0].span.start..end, *last)
    })
}

/// As it stands in a refusal: `header From is …`.
impl fmt::Display for HeaderFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderFrom::Address(mailbox) => write!(f, "<{mailbox}>"),
            HeaderFrom::None => f.write_str("missing"),
            HeaderFrom::Several(mailboxes) => {
                let shown: Vec<String> = mailboxes.iter().take(3).map(|mailbox| format!("<{mailbox}>")).collect();
                write!(f, "several addresses ({}{})", shown.join(", "), if mailboxes.len() > 3 { ", …" } else { "" })
            }
            HeaderFrom::Group => f.write_str("a group"),
            HeaderFrom::Malformed(text) => write!(f, "malformed ({text})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(section: &[u8]) -> String {
        header_from(&Header::parse(section).0).to_string()
    }

    #[test]
    fn every_header_from_has_its_result() {
        let rows: &[(&[u8], &str)] = &[
            (b"From: anna@gmx.de\r\n", "<anna@gmx.de>"),
            (b"FROM :Anna@GMX.de\r\n", "<Anna@GMX.de>"),
            (b"From:anna@gmx.de (Anna)\r\n", "<anna@gmx.de>"),
            (b"From: \"M\xc3\xbcller, Anna\" <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: \"M\xfcller, Anna\" <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: M\xfcller, Anna <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: M\xfcller, <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: Anna M. <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: =?utf-8?Q?M=C3=BCller=2C?=\r\n =?utf-8?Q?_Anna?= <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: Anna\r\n\t(die <x@y.example>)\r\n <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: victim@x.example <anna@gmx.de>\r\n", "<anna@gmx.de>"),
            (b"From: \"victim@x.example\" <anna@gmx.de>\r\nSender: b@x.example\r\n", "<anna@gmx.de>"),
            (b"Sender: anna@gmx.de\r\n", "missing"),
            (b"From:\r\n", "missing"),
            (b"From: (nobody)\r\n", "missing"),
            (b"From: a@gmx.de\r\nFrom: A@GMX.DE\r\n", "<a@gmx.de>"),
            (b"From: a@gmx.de\r\nFrom:\r\n", "<a@gmx.de>"),
            (b"From: a@gmx.de\r\nFrom: b@gmx.de\r\n", "several addresses (<a@gmx.de>, <b@gmx.de>)"),
            (b"From: a@gmx.de, a@gmx.de\r\n", "several addresses (<a@gmx.de>, <a@gmx.de>)"),
            (b"From: a@x, b@x\r\nFrom: c@x, d@x\r\n", "several addresses (<a@x>, <b@x>, <c@x>, …)"),
            (b"From: Team: a@gmx.de;\r\n", "a group"),
            (b"From: a@gmx.de\r\nFrom: Team:;\r\n", "a group"),
            (b"From: <>\r\n", "malformed (<>)"),
            (b"From: Anna\r\n", "<Anna>"),
            (b"From: Anna anna@gmx.de\r\n", "malformed (Anna anna@gmx.de)"),
            (b"From: \"Anna <anna@gmx.de>\r\n", "malformed (\"Anna <anna@gmx.de>)"),
            (b"From: Anna <anna@gmx.de\r\n", "malformed (Anna <anna@gmx.de)"),
            (b"From: a@gmx.de\r\nFrom: <b\r\n", "malformed (<b)"),
            (b"From: <a@gmx.de> <b@x>\r\n", "malformed (<a@gmx.de> <b@x>)"),
            (b"From: <a@gmx.de> b@x\r\n", "malformed (<a@gmx.de> b@x)"),
            (b"From: <an\xfca@gmx.de>\r\n", "malformed (<an\u{fffd}a@gmx.de>)"),
        ];
        for (section, expected) in rows {
            assert_eq!(shown(section), *expected, "{}", String::from_utf8_lossy(section));
        }
    }
}
