//! Address lists of a header field (RFC 5322 section 3.4), read with all that is really written, as spans of the
//! field's body: who changes an address or a display name replaces its octets and leaves every other where it was.
//!
//! ```abnf
//! address-list = *( [address / group] "," )         ; empty elements are obsolete, but written
//! address      = [phrase] "<" [route] addr-spec ">" / addr-spec
//! group        = phrase ":" *( [address] "," ) ";"
//! phrase       = 1*( word / encoded-word / "." )    ; and whatever else stands before a "<"
//! ```

use super::token::{Kind, Token, tokens};
use crate::wire::mailbox::{Mailbox, MailboxError};
use std::ops::Range;

/// What one address field holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    /// In their order; empty elements left out.
    pub elements: Vec<Element>,
    /// A quoted-string, comment, angle bracket or group was opened and not closed, or words stand behind an angle
    /// bracket: another reader may see other addresses.
    pub malformed: bool,
}

/// One element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// An address.
    Address(Address),
    /// A named group, with or without members.
    Group {
        /// Its name.
        name: Range<usize>,
        /// Its addresses.
        members: Vec<Address>,
    },
}

/// One address and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// From the first to the last octet of the element, comments included.
    pub span: Range<usize>,
    /// The phrase before the angle bracket; empty without one.
    pub display: Range<usize>,
    /// The addr-spec: what stands between angle brackets, else the address itself. Comments and folds may be inside.
    pub addr_spec: Range<usize>,
    /// Whether the addr-spec stands in angle brackets.
    pub angle: bool,
    /// The addr-spec without comments, white space and route. Words that only white space parts keep one space
    /// between them, which no address has.
    spec: Vec<u8>,
}

impl AddressList {
    /// Reads the body of an address field.
    pub fn parse(body: &[u8]) -> AddressList {
        let (tokens, malformed) = tokens(body);
        let mut reader = Reader { body, tokens: &tokens, at: 0, malformed };
        let elements = reader.list();
        AddressList { elements, malformed: reader.malformed }
    }

    /// Every address, those in groups included.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.elements.iter().flat_map(|element| match element {
            Element::Address(address) => std::slice::from_ref(address),
            Element::Group { members, .. } => members,
        })
    }
}

impl Element {
    /// The address, unless it is a group.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Element::Address(address) => Some(address),
            Element::Group { .. } => None,
        }
    }
}

impl Address {
    /// The address as an envelope has it.
    ///
    /// # Errors
    /// [`MailboxError`], where it can't stand in a command.
    pub fn mailbox(&self) -> Result<Mailbox, MailboxError> {
        let text = String::from_utf8_lossy(&self.spec);
        match (std::str::from_utf8(&self.spec), self.spec.contains(&b' ') && !self.spec.contains(&b'"')) {
            (Ok(text), false) => Mailbox::parse(text),
            (Ok(_), true) | (Err(_), _) => Err(MailboxError::LocalPart(text.into_owned())),
        }
    }

    /// Whether it is one bare word: a local user's name, or a piece of a display name that a comma tore apart.
    pub fn is_word(&self) -> bool {
        !self.angle && !self.spec.contains(&b'@')
    }

    /// Whether nothing stands where the address should be (`<>`).
    pub fn is_empty(&self) -> bool {
        self.spec.is_empty()
    }
}

/// Goes through the tokens once.
struct Reader<'a> {
    body: &'a [u8],
    tokens: &'a [Token],
    at: usize,
    malformed: bool,
}

/// What ended an element.
#[derive(PartialEq, Eq)]
enum End {
    Comma,
    Colon,
    Semicolon,
    List,
}

impl Reader<'_> {
    fn list(&mut self) -> Vec<Element> {
        let mut elements = Vec::new();
        loop {
            let start = self.at;
            let (address, end) = self.element();
            match end {
                End::Colon => elements.push(self.group(start)),
                End::Comma | End::Semicolon | End::List => elements.extend(address.map(Element::Address)),
            }
            if end == End::List {
                return elements;
            }
        }
    }

    /// The rest of a group whose name's tokens begin at `start`.
    fn group(&mut self, start: usize) -> Element {
        let name = self.span(&self.tokens[start..self.at - 1]);
        let mut members = Vec::new();
        loop {
            let (address, end) = self.element();
            members.extend(address);
            match end {
                // A second colon has no meaning here.
                End::Comma | End::Colon => {}
                End::Semicolon => return Element::Group { name, members },
                End::List => {
                    self.malformed = true;
                    return Element::Group { name, members };
                }
            }
        }
    }

    /// The tokens up to the next separator, read as an address.
    fn element(&mut self) -> (Option<Address>, End) {
        let start = self.at;
        let mut angle = None;
        let mut has_at = false;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            let end = match token.kind {
                Kind::Special(b',') => End::Comma,
                Kind::Special(b';') => End::Semicolon,
                // Behind an address a colon begins no group.
                Kind::Special(b':') if !has_at && angle.is_none() => End::Colon,
                Kind::Special(b'@') => {
                    has_at = true;
                    continue;
                }
                Kind::Special(b'<') if angle.is_none() => {
                    angle = Some(self.angle());
                    continue;
                }
                _ => continue,
            };
            return (self.address(start, self.at - 1, angle), end);
        }
        (self.address(start, self.at, angle), End::List)
    }

    /// The tokens after `<`, up to its `>`, as positions.
    fn angle(&mut self) -> Range<usize> {
        let start = self.at;
        let end = self.tokens[start..].iter().position(|token| token.kind == Kind::Special(b'>'));
        match end {
            Some(length) => {
                self.at = start + length + 1;
                start..start + length
            }
            None => {
                self.malformed = true;
                self.at = self.tokens.len();
                start..self.at
            }
        }
    }

    fn address(&mut self, start: usize, end: usize, angle: Option<Range<usize>>) -> Option<Address> {
        let tokens = &self.tokens[start..end];
        if let Some(inside) = &angle {
            self.malformed |= self.tokens[(inside.end + 1).min(end)..end].iter().any(|token| !token.is_cfws());
        }
        if angle.is_none() && tokens.iter().all(|token| token.is_cfws()) {
            return None;
        }
        let (display, spec_tokens) = match &angle {
            Some(inside) => (self.span(&self.tokens[start..inside.start - 1]), self.without_route(inside.clone())),
            None => (self.span(&[]), tokens),
        };
        Some(Address {
            span: self.span(tokens),
            display,
            addr_spec: self.span_without_cfws(spec_tokens, angle.as_ref()),
            angle: angle.is_some(),
            spec: self.spec(spec_tokens),
        })
    }

    /// `@a.example,@b.example:` in front of an addr-spec is obsolete and means nothing (RFC 5321 appendix C).
    fn without_route(&self, inside: Range<usize>) -> &[Token] {
        let tokens = &self.tokens[inside];
        let first = tokens.iter().find(|token| !token.is_cfws());
        let colon = tokens.iter().position(|token| token.kind == Kind::Special(b':'));
        match (first.map(|token| token.kind), colon) {
            (Some(Kind::Special(b'@')), Some(colon)) => &tokens[colon + 1..],
            _ => tokens,
        }
    }

    fn spec(&self, tokens: &[Token]) -> Vec<u8> {
        let mut spec = Vec::new();
        let mut last_was_word = false;
        for token in tokens.iter().filter(|token| !token.is_cfws()) {
            let octets = &self.body[token.span()];
            let is_word = matches!(token.kind, Kind::Word | Kind::EncodedWord | Kind::Quoted);
            let joins = spec.last() == Some(&b'.') || octets.starts_with(b".");
            if is_word && last_was_word && !joins {
                spec.push(b' ');
            }
            spec.extend_from_slice(octets);
            last_was_word = is_word;
        }
        spec
    }

    /// From the first to the last octet that is no white space.
    fn span(&self, tokens: &[Token]) -> Range<usize> {
        self.span_of(tokens.iter().filter(|token| token.kind != Kind::Space))
    }

    fn span_without_cfws(&self, tokens: &[Token], angle: Option<&Range<usize>>) -> Range<usize> {
        let span = self.span_of(tokens.iter().filter(|token| !token.is_cfws()));
        match angle {
            // `<>` has its place for an address, too.
            Some(inside) if span.is_empty() => {
                let after_bracket = self.tokens[inside.start - 1].end;
                after_bracket..after_bracket
            }
            _ => span,
        }
    }

    fn span_of<'t>(&self, mut tokens: impl Iterator<Item = &'t Token>) -> Range<usize> {
        match tokens.next() {
            Some(first) => first.start..tokens.last().unwrap_or(first).end,
            None => 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each address as `display|mailbox`, groups as `name:(…)`.
    fn read(body: &str) -> String {
        let list = AddressList::parse(body.as_bytes());
        let address = |address: &Address| {
            let mailbox = address.mailbox().map_or("!".to_owned(), |mailbox| mailbox.to_string());
            let spec = &body[address.addr_spec.clone()];
            assert!(
                spec.contains('(') || spec.contains('\n') || spec.contains(' ') || mailbox == "!" || mailbox == spec
            );
            format!("{}|{mailbox}", &body[address.display.clone()])
        };
        let elements = list.elements.iter().map(|element| match element {
            Element::Address(one) => address(one),
            Element::Group { name, members } => {
                let members: Vec<String> = members.iter().map(address).collect();
                format!("{}:({})", &body[name.clone()], members.join(", "))
            }
        });
        let text = elements.collect::<Vec<_>>().join(", ");
        if list.malformed { format!("{text} malformed") } else { text }
    }

    #[test]
    fn address_lists_are_read_as_mail_programs_write_them() {
        let rows = [
            ("anna@gmx.de", "|anna@gmx.de"),
            (" <anna@gmx.de>", "|anna@gmx.de"),
            ("Anna <anna@gmx.de>", "Anna|anna@gmx.de"),
            ("\"Müller, Anna\" <anna@gmx.de>", "\"Müller, Anna\"|anna@gmx.de"),
            ("\"a \\\" <x@y>, b\" <anna@gmx.de>", "\"a \\\" <x@y>, b\"|anna@gmx.de"),
            ("Anna M. <anna@gmx.de>", "Anna M.|anna@gmx.de"),
            ("anna@gmx.de (Anna, (die) <x@y>)", "|anna@gmx.de"),
            ("anna@gmx.de <anna@gmx.de>", "anna@gmx.de|anna@gmx.de"),
            ("=?utf-8?Q?M=C3=BCller=2C_Anna?= <anna@gmx.de>", "=?utf-8?Q?M=C3=BCller=2C_Anna?=|anna@gmx.de"),
            ("=?utf-8?Q?M=C3=BCller,_Anna?= <anna@gmx.de>", "=?utf-8?Q?M=C3=BCller,_Anna?=|anna@gmx.de"),
            ("a@x.example, B <b@x.example>,, c@x.example,", "|a@x.example, B|b@x.example, |c@x.example"),
            ("Müller, Anna <anna@gmx.de>", "|Müller, Anna|anna@gmx.de"),
            ("undisclosed-recipients:;", "undisclosed-recipients:()"),
            ("List: a@x.example, B <b@x.example>; , c@x.example", "List:(|a@x.example, B|b@x.example), |c@x.example"),
            ("<@r.example,@s.example:anna@gmx.de>", "|anna@gmx.de"),
            ("anna (c) @ (d) gmx.de", "|anna@gmx.de"),
            ("Anna\r\n <anna@gmx.de>", "Anna|anna@gmx.de"),
            ("\"a b\"@x.example", "|\"a b\"@x.example"),
            ("x@[192.0.2.1]", "|x@[192.0.2.1]"),
            ("<>", "|!"),
            ("Anna <>", "Anna|!"),
            ("root", "|root"),
            ("Anna anna@gmx.de", "|!"),
            ("", ""),
            (" (nobody) ", ""),
            ("\"Anna <anna@gmx.de>", "\"Anna|anna@gmx.de malformed"),
            ("Anna <anna@gmx.de", "Anna|anna@gmx.de malformed"),
            ("anna@gmx.de (Anna", "|! malformed"),
            ("<a@x.example> <b@x.example>", "|a@x.example malformed"),
            ("List: a@x.example", "List:(|a@x.example) malformed"),
        ];
        for (body, expected) in rows {
            assert_eq!(read(body), expected, "{body}");
        }
    }

    #[test]
    fn octets_that_are_no_text_are_read_too() {
        let list = AddressList::parse(b"M\xfcller <anna@gmx.de>, \xff@x.example");
        let mailboxes: Vec<bool> = list.addresses().map(|address| address.mailbox().is_ok()).collect();
        assert_eq!(mailboxes, [true, false]);
    }

    #[test]
    fn deep_nesting_and_long_lists_are_read_in_one_pass() {
        AddressList::parse("(".repeat(1 << 20).as_bytes());
        AddressList::parse("\\(\"<:".repeat(1 << 16).as_bytes());
        AddressList::parse(["a ".repeat(1 << 17), "@".to_owned(), ":".repeat(1 << 17)].concat().as_bytes());
        let long = "a@x.example, ".repeat(1 << 14);
        assert_eq!(AddressList::parse(long.as_bytes()).elements.len(), 1 << 14);
    }
}
