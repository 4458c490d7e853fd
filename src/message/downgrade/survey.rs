//! The first reading: which parts need an encoding, and which.

use super::super::Header;
use super::walk::{Kind, Visitor, encoding};
use super::{DowngradeError, MAX_LINE, Obstacle};
use memchr::memchr_iter;

/// What is done with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Its content stays, and is 7-bit.
    Keep,
    /// Its content becomes quoted-printable.
    QuotedPrintable,
    /// Its content becomes base64.
    Base64,
    /// It is quoted-printable, with raw octets in it: those are encoded.
    Mend,
}

/// One part, in the order of their headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) treatment: Treatment,
    /// Whether its text is UTF-8.
    pub(super) is_utf8: bool,
}

/// Counts what matters in each part.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) parts: Vec<Part>,
    current: Content,
}

struct Content {
    kind: Kind,
    encoding: String,
    len: u64,
    foreign: u64,
    open_line: usize,
    has_long_line: bool,
    is_utf8: bool,
}

impl Default for Content {
    fn default() -> Content {
        Content {
            kind: Kind::Container,
            encoding: String::new(),
            len: 0,
            foreign: 0,
            open_line: 0,
            has_long_line: false,
            is_utf8: true,
        }
    }
}

impl Visitor for Survey {
    fn part(&mut self, header: Header, kind: Kind, _separator: &[u8]) -> Result<(), DowngradeError> {
        self.current = Content { kind, encoding: encoding(&header), ..Content::default() };
        self.parts.push(Part { treatment: Treatment::Keep, is_utf8: true });
        Ok(())
    }

    fn content(&mut self, octets: &[u8]) -> Result<(), DowngradeError> {
        let current = &mut self.current;
        current.len += octets.len() as u64;
        if !octets.is_ascii() {
            current.foreign += octets.iter().filter(|octet| !octet.is_ascii()).count() as u64;
            current.is_utf8 &= is_utf8_so_far(octets);
        }
        let mut from = 0;
        for at in memchr_iter(b'\n', octets) {
            current.has_long_line |= current.open_line + at - from > MAX_LINE + 1;
            (current.open_line, from) = (0, at + 1);
        }
        current.open_line += octets.len() - from;
        Ok(())
    }

    fn end(&mut self, _at_boundary: bool) -> Result<(), DowngradeError> {
        let treatment = self.current.treatment()?;
        if let Some(part) = self.parts.last_mut() {
            *part = Part { treatment, is_utf8: self.current.is_utf8 };
        }
        Ok(())
    }

    fn between(&mut self, _octets: &[u8]) -> Result<(), DowngradeError> {
        Ok(())
    }
}

impl Content {
    fn treatment(&self) -> Result<Treatment, DowngradeError> {
        let needs_encoding = self.foreign > 0 || self.has_long_line;
        let is_mostly_foreign = self.foreign * 3 > self.len;
        match (self.kind, self.encoding.as_str()) {
            _ if !needs_encoding => Ok(Treatment::Keep),
            (Kind::Sealed, _) => Ok(Treatment::Keep),
            (Kind::Opaque, "quoted-printable") => Ok(Treatment::Mend),
            // Raw octets in base64 or in an unknown encoding mean nothing that could be kept.
            (Kind::Opaque, encoding) if !matches!(encoding, "" | "7bit" | "8bit" | "binary") => match self.foreign {
                0 => Ok(Treatment::Keep),
                _ => Err(DowngradeError::Impossible(Obstacle::NotEncodable)),
            },
            (Kind::Text, _) if !is_mostly_foreign => Ok(Treatment::QuotedPrintable),
            (Kind::Text | Kind::Opaque, _) => Ok(Treatment::Base64),
            // A long line alone is not worth a refusal: RFC 5322's bound is enforced by few.
            (Kind::NotEncodable | Kind::Container, _) if self.foreign == 0 => Ok(Treatment::Keep),
            (Kind::NotEncodable | Kind::Container, _) => Err(DowngradeError::Impossible(Obstacle::NotEncodable)),
        }
    }
}

/// Whether `octets` are UTF-8, a character cut at their end let pass: long lines come in pieces.
fn is_utf8_so_far(octets: &[u8]) -> bool {
    let start = octets.iter().take(3).take_while(|octet| (0x80..0xc0).contains(*octet)).count();
    std::str::from_utf8(octets)
        .or_else(|_| std::str::from_utf8(&octets[start..]))
        .map_or_else(|error| error.error_len().is_none(), |_| true)
}
