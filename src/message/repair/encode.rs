//! Octets outside ASCII in address fields, and display names that a comma tears apart.

use super::super::Header;
use super::super::encoded_word::Encoder;
use super::super::identity::torn_display;
use super::super::mime::ContentType;
use super::Repair;
use crate::wire::header::Field;
use crate::wire::header::address::{Address, AddressList, Element};
use crate::wire::header::token::{Kind, Token, tokens};
use std::ops::Range;

/// Every field that holds addresses.
pub const ADDRESS_FIELDS: [&str; 13] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Resent-From",
    "Resent-Sender",
    "Resent-Reply-To",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Disposition-Notification-To",
];

/// A place in a body and what stands there instead.
type Edit = (Range<usize>, Vec<u8>);

/// Encodes what is outside ASCII in address fields: names and comments as encoded words, domains as A-labels. A
/// local-part stays, and needs SMTPUTF8.
pub(in super::super) fn encode(header: &mut Header) -> Vec<Repair> {
    let encoder = encoder(header);
    let mut repairs = Vec::new();
    header.replace(|field| {
        let name = ADDRESS_FIELDS.into_iter().find(|name| field.is(name))?;
        let (encoded, repair) = repaired(field, name, &encoder)?;
        if !repairs.contains(&repair) {
            repairs.push(repair);
        }
        Some(encoded)
    });
    repairs
}

/// An encoder that knows the charset which the message declares.
pub(in super::super) fn encoder(header: &Header) -> Encoder {
    let content_type = header.find("Content-Type").map(|field| ContentType::parse(&field.unfolded()));
    Encoder::new(content_type.as_ref().and_then(|content_type| content_type.parameter("charset")))
}

fn repaired(field: &Field, name: &'static str, encoder: &Encoder) -> Option<(Field, Repair)> {
    let list = AddressList::parse(field.body());
    // Encoded piece by piece it would name other authors than before: as it stands, the provider may judge it.
    if name == "From" && list.malformed {
        return None;
    }
    let unquoted = unquoted_display(field.body(), &list).filter(|_| name == "From");
    if field.body().is_ascii() {
        let (display, _) = unquoted?;
        let quoted = quoted(&field.body()[display.clone()]);
        return Some((field.with_body(&edited(field.body(), vec![(display, quoted)])), Repair::Quoted(name)));
    }
    let edits = match unquoted {
        Some((display, address)) => {
            let phrase = (display.clone(), encoder.whole(&field.body()[display]));
            [vec![phrase], address_edits(field.body(), address)].concat()
        }
        None => list.elements.iter().flat_map(|element| element_edits(field.body(), element, encoder)).collect(),
    };
    let edits = with_comments(field.body(), edits, encoder);
    let body = edited(field.body(), edits);
    (body != field.body()).then(|| (field.with_body(&body), Repair::Encoded(name)))
}

/// A display name that needed quotes and has none: torn apart by commas, or with `@` and the like in it
/// (`anna@gmx.de <anna@gmx.de>`), which readers take for different addresses.
fn unquoted_display<'a>(body: &[u8], list: &'a AddressList) -> Option<(Range<usize>, &'a Address)> {
    let is_special = |token: &Token| matches!(token.kind, Kind::Special(_));
    let sole = || match list.elements.as_slice() {
        [Element::Address(address)] if !list.malformed => Some((address.display.clone(), address)),
        _ => None,
    };
    let has_special = |display: &Range<usize>| tokens(&body[display.clone()]).0.iter().any(is_special);
    torn_display(list).or_else(|| sole().filter(|(display, _)| has_special(display)))
}

fn element_edits(body: &[u8], element: &Element, encoder: &Encoder) -> Vec<Edit> {
    let phrase = |range: &Range<usize>| (range.clone(), encoder.phrase(&body[range.clone()]));
    let address = |address: &Address| match address.is_word() {
        true => vec![phrase(&address.span)],
        false => [vec![phrase(&address.display)], address_edits(body, address)].concat(),
    };
    match element {
        Element::Address(one) => address(one),
        Element::Group { name, members } => [vec![phrase(name)], members.iter().flat_map(address).collect()].concat(),
    }
}

fn address_edits(body: &[u8], address: &Address) -> Vec<Edit> {
    let place = address.addr_spec.clone();
    let mailbox = address.mailbox().ok().filter(|_| !body[place.clone()].is_ascii());
    let ascii = mailbox.map(|mailbox| mailbox.with_ascii_domain()).filter(|mailbox| !mailbox.is_internationalized());
    ascii.map(|mailbox| (place, mailbox.to_string().into_bytes())).into_iter().collect()
}

/// The comments that no edit covers, encoded.
fn with_comments(body: &[u8], mut edits: Vec<Edit>, encoder: &Encoder) -> Vec<Edit> {
    edits.retain(|(place, octets)| !place.is_empty() && body[place.clone()] != octets[..]);
    edits.sort_by_key(|(place, _)| place.start);
    let comments = tokens(body).0.into_iter().filter(|token| token.kind == Kind::Comment);
    let covered = |at: usize| {
        let after = edits.partition_point(|(place, _)| place.start <= at);
        after > 0 && edits[after - 1].0.contains(&at)
    };
    let uncovered: Vec<Edit> = comments
        .filter(|token| !covered(token.start) && !body[token.span()].is_ascii())
        .map(|token| (token.span(), encoder.comment(&body[token.span()])))
        .collect();
    edits.extend(uncovered);
    edits.sort_by_key(|(place, _)| place.start);
    edits
}

/// `body` with each place replaced; the places are in order and apart.
fn edited(body: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let (mut out, mut from) = (Vec::with_capacity(body.len() * 2), 0);
    for (place, octets) in edits {
        out.extend_from_slice(&body[from..place.start]);
        out.extend_from_slice(&octets);
        from = place.end;
    }
    out.extend_from_slice(&body[from..]);
    out
}

/// As one quoted-string, its own quotes and backslashes escaped; white space at its end stays behind it.
fn quoted(phrase: &[u8]) -> Vec<u8> {
    let (words, space) = phrase.split_at(phrase.trim_ascii_end().len());
    let escape = |octet: &u8| match octet {
        b'"' | b'\\' => vec![b'\\', *octet],
        _ => vec![*octet],
    };
    [b"\"", words.iter().flat_map(escape).collect::<Vec<u8>>().as_slice(), b"\"", space].concat()
}
