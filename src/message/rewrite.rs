//! Putting the account's own address into header From (`header_from: rewrite`).
//!
//! Only the address is replaced: display name, comments, folds and spelling stay. The old address becomes Reply-To if
//! the message has none, so that answers go where the sender wanted them.

use super::Header;
use super::identity::torn_display;
use crate::wire::header::Field;
use crate::wire::header::address::{AddressList, Element};
use crate::wire::mailbox::Mailbox;
use std::ops::Range;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The addresses that stood there, in their order; a bare local user's name is none.
    pub old: Vec<Mailbox>,
    /// Whether they became Reply-To.
    pub reply_to_added: bool,
}

/// Makes `new` the only address in header From.
///
/// | header From was | it becomes | Reply-To, if there is none |
/// |---|---|---|
/// | one address | the same with `new` in its place | what it was |
/// | several addresses or fields | the first field's first display name with `new` | all of them |
/// | a group | `new` | its members |
/// | missing, or without any address | `new` | none |
pub fn rewrite_header_from(header: &mut Header, new: &Mailbox) -> Rewritten {
    let bodies: Vec<Vec<u8>> =
        header.find_all("From").filter(|field| !field.is_empty()).map(|field| field.body().to_vec()).collect();
    let old: Vec<Mailbox> = bodies.iter().flat_map(|body| mailboxes(body)).collect();
    put_in_place(header, new, bodies.first());
    let has_reply_to = header.find_all("Reply-To").any(|field| !field.is_empty());
    let is_own = old.iter().all(|mailbox| mailbox.folded() == new.folded());
    let reply_to_added = !has_reply_to && !is_own;
    if reply_to_added {
        header.remove("Reply-To");
        header.append(Field::new("Reply-To", &reply_to(&bodies, &old)));
    }
    Rewritten { old, reply_to_added }
}

fn mailboxes(body: &[u8]) -> Vec<Mailbox> {
    let list = AddressList::parse(body);
    let words_are_display = torn_display(&list).is_some();
    let addresses = list.addresses().filter(|address| !(words_are_display && address.is_word()));
    // Nobody outside could answer to a local user's bare name.
    addresses.filter_map(|address| address.mailbox().ok()).filter(|mailbox| !mailbox.domain().is_empty()).collect()
}

/// One From field stays, where the first one stood.
fn put_in_place(header: &mut Header, new: &Mailbox, body: Option<&Vec<u8>>) {
    let named_field = header.find_all("From").find(|field| !field.is_empty()).or_else(|| header.find("From"));
    let position = header.position("From").unwrap_or(header.count());
    let bare = || format!(" <{new}>").into_bytes();
    let field = match named_field {
        Some(field) => field.with_body(&body.and_then(|body| with_address(body, new)).unwrap_or_else(bare)),
        None => Field::new("From", format!("<{new}>").as_bytes()),
    };
    header.remove("From");
    header.insert(position, field);
}

/// `body` with its only address replaced; of several, the first with its display name is all that stays. `None` where
/// nothing can be kept.
fn with_address(body: &[u8], new: &Mailbox) -> Option<Vec<u8>> {
    let list = AddressList::parse(body);
    if let Some((_, address)) = torn_display(&list) {
        return Some(replaced(body, &address.addr_spec, new));
    }
    match list.elements.as_slice() {
        _ if list.malformed => None,
        // A bare word is more a name than an address.
        [Element::Address(first), ..] if first.is_word() => Some(named(&body[first.span.clone()], new)),
        [Element::Address(only)] => Some(replaced(body, &only.addr_spec, new)),
        [Element::Address(first), ..] => Some(named(&body[first.display.clone()], new)),
        [Element::Group { .. }, ..] | [] => None,
    }
}

fn replaced(body: &[u8], place: &Range<usize>, new: &Mailbox) -> Vec<u8> {
    [&body[..place.start], new.to_string().as_bytes(), &body[place.end..]].concat()
}

fn named(display: &[u8], new: &Mailbox) -> Vec<u8> {
    match display.is_empty() {
        true => format!(" <{new}>").into_bytes(),
        false => [b" ", display, b" <", new.to_string().as_bytes(), b">"].concat(),
    }
}

/// The old body where it is one that Reply-To may have; else the addresses alone.
fn reply_to(bodies: &[Vec<u8>], old: &[Mailbox]) -> Vec<u8> {
    match bodies {
        [body] if !AddressList::parse(body).malformed && torn_display(&AddressList::parse(body)).is_none() => {
            body.trim_ascii().to_vec()
        }
        _ => old.iter().map(|mailbox| format!("<{mailbox}>")).collect::<Vec<_>>().join(",\r\n ").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_is_replaced_and_the_old_one_becomes_reply_to() {
        let rows: &[(&str, &str)] = &[
            ("From: a@old.example\r\n", "From: new@gmx.de\r\nReply-To: a@old.example\r\n"),
            (
                "From: \"Müller, Anna\"\r\n\t<a@old.example> (c)\r\nX: 1\r\n",
                "From: \"Müller, Anna\"\r\n\t<new@gmx.de> (c)\r\nX: 1\r\n\
                 Reply-To: \"Müller, Anna\"\r\n\t<a@old.example> (c)\r\n",
            ),
            (
                "FROM :=?utf-8?Q?a=2Cb?= <a@old.example>\r\nReply-To: r@x.example\r\n",
                "FROM :=?utf-8?Q?a=2Cb?= <new@gmx.de>\r\nReply-To: r@x.example\r\n",
            ),
            (
                "From: a@old.example (Anna)\r\nReply-To:\r\n",
                "From: new@gmx.de (Anna)\r\nReply-To: a@old.example (Anna)\r\n",
            ),
            (
                "From: A <a@x.example>, b@x.example\r\n",
                "From: A <new@gmx.de>\r\nReply-To: A <a@x.example>, b@x.example\r\n",
            ),
            (
                "From: a@x.example\r\nY: 1\r\nFrom: B <b@x.example>\r\n",
                "From: new@gmx.de\r\nY: 1\r\nReply-To: <a@x.example>,\r\n <b@x.example>\r\n",
            ),
            ("From: T: a@x.example;\r\n", "From: <new@gmx.de>\r\nReply-To: T: a@x.example;\r\n"),
            ("From: T:;\r\n", "From: <new@gmx.de>\r\n"),
            ("From: Müller, A <a@x.example>\r\n", "From: Müller, A <new@gmx.de>\r\nReply-To: <a@x.example>\r\n"),
            ("From: A <>\r\n", "From: A <new@gmx.de>\r\n"),
            ("From: A <a@x.example\r\n", "From: <new@gmx.de>\r\nReply-To: <a@x.example>\r\n"),
            ("From: <a@x.example> b\r\n", "From: <new@gmx.de>\r\nReply-To: <a@x.example>\r\n"),
            ("From: \"(Cron Daemon)\" <root>\r\n", "From: \"(Cron Daemon)\" <new@gmx.de>\r\n"),
            ("From: root\r\n", "From: root <new@gmx.de>\r\n"),
            ("From:\r\nX: 1\r\n", "From: <new@gmx.de>\r\nX: 1\r\n"),
            ("X: 1\r\n", "X: 1\r\nFrom: <new@gmx.de>\r\n"),
            ("From: N <NEW@gmx.de>\r\n", "From: N <new@gmx.de>\r\n"),
        ];
        let new = Mailbox::parse("new@gmx.de").unwrap();
        for (before, after) in rows {
            let (mut header, _) = Header::parse(before.as_bytes());
            rewrite_header_from(&mut header, &new);
            assert_eq!(String::from_utf8_lossy(&header.to_octets()), *after, "{before}");
        }
    }

    #[test]
    fn an_address_can_only_be_one_address_afterwards() {
        use super::super::identity::{HeaderFrom, header_from};
        let new = Mailbox::parse("new@gmx.de").unwrap();
        for from in
            ["a@x, b@x", "\"a <b@x>", "A <a@x> b@x", "A <a@x> <b@x>", "a@x (", "<a@x", "T: a@x, b@x; c@x", "a b"]
        {
            let (mut header, _) = Header::parse(format!("From: {from}\r\nFrom: z@x\r\n").as_bytes());
            rewrite_header_from(&mut header, &new);
            assert_eq!(header_from(&header), HeaderFrom::Address(new.clone()), "{from}");
        }
    }
}
