//! Header fields (RFC 5322 section 2.2), byte for byte.
//!
//! A [`Field`] keeps the octets it was read from, folding and spelling included, and knows where its name ends and
//! its body begins. Nothing is ever written back through a model of the field: who changes one replaces octets.

pub mod address;
pub mod token;

use memchr::memchr;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::consumed;
use nom::sequence::preceded;
use nom::{IResult, Parser};
use std::fmt;

/// One header field with its line ends, always ending in CRLF.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    octets: Box<[u8]>,
    name: usize,
    body: usize,
}

impl Field {
    /// Makes `Name: body`. A CRLF in `body` stands only where white space follows (a fold); any other CR, LF or NUL
    /// becomes a space, so that no value can begin a field of its own.
    pub fn new(name: &'static str, body: &[u8]) -> Field {
        let mut octets = Vec::with_capacity(name.len() + body.len() + 4);
        octets.extend_from_slice(name.as_bytes());
        octets.extend_from_slice(b": ");
        let start = octets.len();
        octets.extend_from_slice(body);
        replace_stray_line_ends(&mut octets[start..]);
        octets.extend_from_slice(b"\r\n");
        Field { octets: octets.into(), name: name.len(), body: name.len() + 1 }
    }

    /// The same field with another body, everything up to and including the colon as it was. `body` brings its own
    /// leading white space; stray line ends become spaces as in [`Field::new`].
    pub fn with_body(&self, body: &[u8]) -> Field {
        let mut octets = self.octets[..self.body].to_vec();
        octets.extend_from_slice(body);
        replace_stray_line_ends(&mut octets[self.body..]);
        octets.extend_from_slice(b"\r\n");
        Field { octets: octets.into(), name: self.name, body: self.body }
    }

    /// Every octet, the last CRLF included.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The name as written.
    pub fn name(&self) -> &str {
        // The parser lets only printable ASCII into a name.
        std::str::from_utf8(&self.octets[..self.name]).unwrap_or_default()
    }

    /// Whether the field has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.octets[..self.name].eq_ignore_ascii_case(name.as_bytes())
    }

    /// What follows the colon, folding included, without the last CRLF.
    pub fn body(&self) -> &[u8] {
        &self.octets[self.body..self.octets.len() - 2]
    }

    /// The body with folds undone (RFC 5322 section 2.2.3) and without white space at either end.
    pub fn unfolded(&self) -> Vec<u8> {
        let unfolded: Vec<u8> = self.body().iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
        unfolded.trim_ascii().to_vec()
    }

    /// Whether nothing but white space stands in the body.
    pub fn is_empty(&self) -> bool {
        self.body().trim_ascii().is_empty()
    }

    /// Whether any octet is outside ASCII.
    pub fn is_eight_bit(&self) -> bool {
        !self.octets.is_ascii()
    }
}

/// The octets as text, for test failures and debug output.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({:?})", String::from_utf8_lossy(&self.octets))
    }
}

/// Reads one field and its continuation lines; the input's line ends are CRLF.
///
/// ```abnf
/// field      = field-name *WSP ":" body CRLF     ; white space before the colon is obsolete, but written
/// field-name = 1*ftext                           ; %d33-57 / %d59-126
/// body       = *( octet / CRLF WSP )
/// ```
///
/// # Errors
/// nom's, where no field begins or its last line has no end.
pub fn field(input: &[u8]) -> IResult<&[u8], Field> {
    let (after_colon, (head, name)) = consumed(field_start).parse(input)?;
    let end = logical_line_end(after_colon)
        .ok_or_else(|| nom::Err::Error(nom::error::Error::new(after_colon, nom::error::ErrorKind::CrLf)))?;
    let total = head.len() + end;
    let field = Field { octets: input[..total].into(), name: name.len(), body: head.len() };
    Ok((&input[total..], field))
}

/// Whether a header field begins with `line`. A line that does not, and is no continuation, ends the header section.
pub fn begins_field(line: &[u8]) -> bool {
    field_start(line).is_ok()
}

fn field_start(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let name = take_while1(is_ftext);
    let colon = preceded(take_while(is_white_space), char(':'));
    let (rest, (name, _)) = (name, colon).parse(input)?;
    Ok((rest, name))
}

/// Where the first CRLF that no white space follows ends; nowhere, if a bare LF comes before it.
fn logical_line_end(input: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + memchr(b'\n', &input[from..])? + 1;
        if !input[..end].ends_with(b"\r\n") {
            return None;
        }
        match input.get(end) {
            Some(b' ' | b'\t') => from = end,
            Some(_) | None => return Some(end),
        }
    }
}

fn replace_stray_line_ends(body: &mut [u8]) {
    for at in 0..body.len() {
        let is_fold = match body[at] {
            b'\r' => body.get(at + 1) == Some(&b'\n') && matches!(body.get(at + 2), Some(b' ' | b'\t')),
            b'\n' => at > 0 && body[at - 1] == b'\r',
            b'\0' => false,
            _ => true,
        };
        if !is_fold {
            body[at] = b' ';
        }
    }
}

/// RFC 5322 section 3.6.8.
fn is_ftext(octet: u8) -> bool {
    matches!(octet, 33..=57 | 59..=126)
}

fn is_white_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_keeps_its_octets_and_knows_its_parts() {
        let rows: &[(&[u8], &str, &[u8])] = &[
            (b"From: anna@gmx.de\r\n", "From", b"anna@gmx.de"),
            (b"FROM :anna@gmx.de\r\n", "FROM", b"anna@gmx.de"),
            (b"Subject:\r\n", "Subject", b""),
            (b"Subject:\r\n folded\r\n\t twice \r\n", "Subject", b"folded\t twice"),
            (b"X-8: caf\xe9\r\n", "X-8", b"caf\xe9"),
            (b"a::\r\n", "a", b":"),
        ];
        for (octets, name, unfolded) in rows {
            let (rest, field) = field(octets).unwrap_or_else(|error| panic!("{octets:?}: {error}"));
            assert!(rest.is_empty(), "{octets:?}");
            assert_eq!(field.octets(), *octets);
            assert_eq!((field.name(), field.unfolded().as_slice()), (*name, *unfolded), "{octets:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_field_is_not_read_as_one() {
        for octets in [&b"no colon here\r\n"[..], b": no name\r\n", b" continuation: x\r\n", b"caf\xe9: x\r\n", b"\r\n"]
        {
            assert!(field(octets).is_err() && !begins_field(octets), "{octets:?}");
        }
        for cut in [&b"From: cut"[..], b"From:\n", b"From: bare\n", b"From: a\r\n b\n"] {
            assert!(field(cut).is_err(), "a field without its CRLF is not whole: {cut:?}");
        }
    }

    #[test]
    fn a_value_cannot_begin_a_field_of_its_own() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"a\r\nBcc: b", b"X: a  Bcc: b\r\n"),
            (b"a\nBcc: b", b"X: a Bcc: b\r\n"),
            (b"a\r\n b\r\n", b"X: a\r\n b  \r\n"),
            (b"a\rb\0c\r\n\r\n d", b"X: a b c  \r\n d\r\n"),
        ];
        for (body, expected) in rows {
            assert_eq!(Field::new("X", body).octets(), *expected, "{body:?}");
            assert_eq!(Field::new("X", b"").with_body(&[b" ", *body].concat()).octets(), *expected, "{body:?}");
        }
    }
}
