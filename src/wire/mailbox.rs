//! Mailboxes and reverse-paths of an envelope (RFC 5321 section 4.1.2), as MTAs really pass them.
//!
//! More is accepted than the grammar says, because such addresses exist (`a..b@docomo.example`, `_` in a domain, a
//! local-part over 64 octets, bare `postmaster`), but nothing that could leave its place in a command: no CR, LF, NUL
//! or other control, no unquoted space or angle bracket.

use std::fmt;
use thiserror::Error;

/// The longest path accepted, in octets; RFC 5321 section 4.5.3.1.3 demands 256 of every server.
const MAX_PATH: usize = 1000;

/// Local-part and domain of one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    /// As it stands in a command: a dot-string or a quoted-string.
    local_part: String,
    /// A domain, an address literal, or empty (`<postmaster>`).
    domain: String,
}

/// The reverse-path of an envelope: whom a bounce would go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: the message is itself a notification and must not bounce.
    Null,
    /// A sender's mailbox.
    Mailbox(Mailbox),
}

/// Why something is not a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MailboxError {
    /// Nothing stands there.
    #[error("the address is empty")]
    Empty,
    /// A control character, CR, LF or NUL among them.
    #[error("the address holds a control character")]
    Control,
    /// Longer than any server takes.
    #[error("the address is longer than {MAX_PATH} octets")]
    TooLong,
    /// No local-part before the `@`, or a broken quoted-string.
    #[error("the local-part of {0:?} is malformed")]
    LocalPart(String),
    /// A character that no domain has.
    #[error("the domain of {0:?} is malformed")]
    Domain(String),
}

impl Mailbox {
    /// Reads `local-part@domain`, with or without angle brackets; a source route in front is dropped (RFC 5321
    /// appendix C).
    ///
    /// ```abnf
    /// Mailbox = Local-part "@" ( Domain / address-literal )
    /// Local-part = Dot-string / Quoted-string
    /// ```
    ///
    /// A local-part that is neither is put into quotes, because pipe(8) without `flags=q` passes it bare.
    ///
    /// # Errors
    /// [`MailboxError`], when it could not stand in a command.
    pub fn parse(text: &str) -> Result<Mailbox, MailboxError> {
        let address = without_source_route(without_brackets(text.trim_matches(' ')));
        if address.is_empty() {
            return Err(MailboxError::Empty);
        }
        if address.len() > MAX_PATH {
            return Err(MailboxError::TooLong);
        }
        if address.chars().any(char::is_control) {
            return Err(MailboxError::Control);
        }
        let (local_part, domain) = split_at_last_at(address);
        if local_part.is_empty() {
            return Err(MailboxError::LocalPart(address.to_owned()));
        }
        if !domain.is_none_or(is_domain) {
            return Err(MailboxError::Domain(address.to_owned()));
        }
        let local_part = command_form(local_part).ok_or_else(|| MailboxError::LocalPart(address.to_owned()))?;
        // Quotes may have been added.
        if local_part.len() + 1 + domain.map_or(0, str::len) > MAX_PATH {
            return Err(MailboxError::TooLong);
        }
        Ok(Mailbox { local_part, domain: domain.unwrap_or_default().to_owned() })
    }

    /// The local-part as it stands in a command, quotes included.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// The domain as given; empty for a bare local-part.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The local-part's value: quotes and backslashes undone.
    pub fn unquoted_local_part(&self) -> String {
        match self.local_part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            None => self.local_part.clone(),
            Some(inside) => unescaped(inside),
        }
    }

    /// The form in which addresses are compared and accounts are found: unquoted, lower case, the domain in
    /// A-labels (RFC 5890) where it is an IDN.
    pub fn folded(&self) -> String {
        let domain = idna::domain_to_ascii(&self.domain).unwrap_or_else(|_| self.domain.to_lowercase());
        match domain.is_empty() {
            true => self.unquoted_local_part().to_lowercase(),
            false => format!("{}@{}", self.unquoted_local_part().to_lowercase(), domain),
        }
    }

    /// Whether the address holds anything outside ASCII, so that SMTPUTF8 (RFC 6531) is needed for it as it stands.
    pub fn is_internationalized(&self) -> bool {
        !(self.local_part.is_ascii() && self.domain.is_ascii())
    }

    /// The same mailbox with an IDN domain in A-labels, which needs no SMTPUTF8 if the local-part is ASCII.
    pub fn with_ascii_domain(&self) -> Mailbox {
        let domain = match self.domain.is_ascii() {
            true => self.domain.clone(),
            false => idna::domain_to_ascii(&self.domain).unwrap_or_else(|_| self.domain.clone()),
        };
        Mailbox { local_part: self.local_part.clone(), domain }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local_part)?;
        if self.domain.is_empty() { Ok(()) } else { write!(f, "@{}", self.domain) }
    }
}

impl ReversePath {
    /// Reads a reverse-path; empty and `<>` are the null reverse-path.
    ///
    /// # Errors
    /// [`MailboxError`] of the mailbox.
    pub fn parse(text: &str) -> Result<ReversePath, MailboxError> {
        match text.trim_matches(' ') {
            "" | "<>" => Ok(ReversePath::Null),
            address => Mailbox::parse(address).map(ReversePath::Mailbox),
        }
    }

    /// The mailbox, unless the path is null.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            ReversePath::Null => None,
            ReversePath::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

/// The address without angle brackets, empty for `<>`.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReversePath::Null => Ok(()),
            ReversePath::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text)
}

/// `@a.example,@b.example:user@c.example` without its route.
fn without_source_route(address: &str) -> &str {
    match address.starts_with('@') {
        true => address.split_once(':').map_or(address, |(_, mailbox)| mailbox),
        false => address,
    }
}

/// Splits at the last `@` that no quoted-string holds.
fn split_at_last_at(address: &str) -> (&str, Option<&str>) {
    let after_quotes = match address.starts_with('"') {
        true => closing_quote(address).unwrap_or(0),
        false => 0,
    };
    match address[after_quotes..].rfind('@') {
        Some(at) => (&address[..after_quotes + at], Some(&address[after_quotes + at + 1..])),
        None => (address, None),
    }
}

/// Where the quoted-string that `text` begins with ends.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(index, character)| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes.then_some(index)
    })
}

fn command_form(local_part: &str) -> Option<String> {
    if local_part.starts_with('"') {
        return (closing_quote(local_part) == Some(local_part.len() - 1)).then(|| local_part.to_owned());
    }
    if local_part.chars().all(|c| is_atext(c) || c == '.') {
        return Some(local_part.to_owned());
    }
    Some(format!("\"{}\"", local_part.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn unescaped(quoted: &str) -> String {
    let mut escaped = false;
    quoted
        .chars()
        .filter(|character| {
            let drops = *character == '\\' && !escaped;
            escaped = drops;
            !drops
        })
        .collect()
}

/// RFC 5322 atext, with what RFC 6531 adds.
fn is_atext(character: char) -> bool {
    character.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character) || !character.is_ascii()
}

fn is_domain(domain: &str) -> bool {
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let inside = if is_literal { &domain[1..domain.len() - 1] } else { domain };
    !inside.is_empty()
        && inside.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || (is_literal && c == ':'))
        && (is_literal || inside.split('.').all(|label| !label.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_exist_are_read_and_shown_as_a_command_needs_them() {
        let rows = [
            ("anna@gmx.de", "anna@gmx.de", "anna@gmx.de"),
            ("<Anna@GMX.de>", "Anna@GMX.de", "anna@gmx.de"),
            ("a..b@docomo.example", "a..b@docomo.example", "a..b@docomo.example"),
            ("postmaster", "postmaster", "postmaster"),
            ("\"a b\"@x.example", "\"a b\"@x.example", "a b@x.example"),
            ("a b@x.example", "\"a b\"@x.example", "a b@x.example"),
            ("\"a@b\"@x.example", "\"a@b\"@x.example", "a@b@x.example"),
            ("a@b@x.example", "\"a@b\"@x.example", "a@b@x.example"),
            ("\"a\\\"b\"@x.example", "\"a\\\"b\"@x.example", "a\"b@x.example"),
            ("-f@x.example", "-f@x.example", "-f@x.example"),
            ("u@my_host.example", "u@my_host.example", "u@my_host.example"),
            ("u@[192.0.2.1]", "u@[192.0.2.1]", "u@[192.0.2.1]"),
            ("u@[IPv6:2001:db8::1]", "u@[IPv6:2001:db8::1]", "u@[ipv6:2001:db8::1]"),
            ("@relay.example:u@x.example", "u@x.example", "u@x.example"),
            ("anna@bücher.example", "anna@bücher.example", "anna@xn--bcher-kva.example"),
        ];
        for (text, command, folded) in rows {
            let mailbox = Mailbox::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((mailbox.to_string().as_str(), mailbox.folded().as_str()), (command, folded), "{text}");
        }
    }

    #[test]
    fn nothing_that_could_leave_its_place_in_a_command_is_an_address() {
        let long = format!("{}@x.example", "a".repeat(1200));
        let long_with_quotes = format!("{} a@x.example", "a".repeat(988));
        let rows = [
            "",
            "<>",
            "@x.example",
            "a@",
            "a@x.example\r\nRCPT TO:<b@y.example>",
            "a\0@x.example",
            "a@x.example>",
            "a@x y",
            "a@<x>",
            "\"open@x.example",
            "a@x..example",
            "a@[",
            "\"a\"b\"@x.example",
            &long,
            &long_with_quotes,
            "a\t@x.example",
        ];
        for text in rows {
            assert!(Mailbox::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_null_reverse_path_is_empty_or_a_pair_of_brackets() {
        assert_eq!(ReversePath::parse(""), Ok(ReversePath::Null));
        assert_eq!(ReversePath::parse("<>"), Ok(ReversePath::Null));
        assert_eq!(ReversePath::Null.to_string(), "");
    }
}
