//! The MIME structure of a body (RFC 2046 section 5.1), line by line, without holding more than one part's header.

use super::super::Header;
use super::super::mime::ContentType;
use super::{CHUNK, DowngradeError, Obstacle};
use crate::wire::header::begins_field;
use memchr::memchr;

/// Multiparts within multiparts.
const MAX_DEPTH: usize = 64;

/// Parts of all kinds.
const MAX_PARTS: usize = 10_000;

/// Octets of one part's header.
const MAX_PART_HEADER: usize = 256 * 1024;

/// What a part is, as far as its conversion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// Any other content.
    Opaque,
    /// It holds parts or another message, each with a header of its own.
    Container,
    /// Content that may have no encoding: a multipart without boundary, message types.
    NotEncodable,
    /// Anything within a signed or encrypted multipart: not an octet of it may change, and all are 7-bit.
    Sealed,
}

/// Hears of a body's structure, in the order of its octets; together the octets are the body.
pub(super) trait Visitor {
    /// A part begins, or the message itself. `separator` is the empty line after its header, if there is one.
    fn part(&mut self, header: Header, kind: Kind, separator: &[u8]) -> Result<(), DowngradeError>;
    /// Octets of the part that began last, never of a [`Kind::Container`].
    fn content(&mut self, octets: &[u8]) -> Result<(), DowngradeError>;
    /// The part's content ends; the line end before a boundary belongs to that (RFC 2046 section 5.1.1).
    fn end(&mut self, at_boundary: bool) -> Result<(), DowngradeError>;
    /// A boundary line, or a line of a preamble or an epilogue.
    fn between(&mut self, octets: &[u8]) -> Result<(), DowngradeError>;
}

/// Reads the structure and tells a visitor.
pub(super) struct Walker<V> {
    visitor: V,
    multiparts: Vec<Multipart>,
    state: State,
    header: Vec<u8>,
    parts: usize,
    at_line_start: bool,
    /// The header that comes is that of a message in a message.
    is_in_message: bool,
}

struct Multipart {
    boundary: Vec<u8>,
    /// Its parts are messages unless they say otherwise (RFC 2046 section 5.1.5).
    is_digest: bool,
    /// Its octets, or those of one around it, are signed or encrypted.
    is_sealed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Content,
    Between,
}

impl<V: Visitor> Walker<V> {
    pub(super) fn new(visitor: V) -> Walker<V> {
        Walker {
            visitor,
            multiparts: Vec::new(),
            state: State::Header,
            header: Vec::new(),
            parts: 0,
            at_line_start: true,
            is_in_message: false,
        }
    }

    /// The message itself, whose header section is not in the body.
    pub(super) fn message(&mut self, header: Header) -> Result<(), DowngradeError> {
        self.begin(header, b"")
    }

    /// Takes whole lines, and pieces of lines that are longer than [`CHUNK`]; how many octets were taken.
    pub(super) fn push(&mut self, octets: &[u8], is_last: bool) -> Result<usize, DowngradeError> {
        let mut from = 0;
        while let Some(length) = memchr(b'\n', &octets[from..]) {
            self.line(&octets[from..=from + length])?;
            self.at_line_start = true;
            from += length + 1;
        }
        let left = &octets[from..];
        if left.is_empty() || left.len() < CHUNK && !is_last {
            return Ok(from);
        }
        self.line(left)?;
        self.at_line_start = false;
        Ok(octets.len())
    }

    pub(super) fn finish(mut self) -> Result<V, DowngradeError> {
        self.end(false)?;
        Ok(self.visitor)
    }

    fn is_sealed(&self) -> bool {
        self.multiparts.last().is_some_and(|multipart| multipart.is_sealed)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), DowngradeError> {
        if self.is_sealed() && !line.is_ascii() {
            return Err(DowngradeError::Impossible(Obstacle::Sealed));
        }
        if let Some((depth, closes)) = self.boundary(line) {
            self.end(true)?;
            self.multiparts.truncate(if closes { depth } else { depth + 1 });
            self.state = if closes { State::Between } else { State::Header };
            self.is_in_message = false;
            return self.visitor.between(line);
        }
        match self.state {
            State::Header => self.header_line(line),
            State::Content => self.visitor.content(line),
            State::Between => self.visitor.between(line),
        }
    }

    /// Which multipart's boundary `line` is, and whether it closes it. One around it ends those inside.
    fn boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.strip_prefix(b"--").filter(|_| self.at_line_start)?;
        let rest = rest.trim_ascii_end();
        self.multiparts.iter().enumerate().rev().find_map(|(depth, multipart)| {
            match rest.strip_prefix(multipart.boundary.as_slice())? {
                b"" => Some((depth, false)),
                b"--" => Some((depth, true)),
                _ => None,
            }
        })
    }

    fn header_line(&mut self, line: &[u8]) -> Result<(), DowngradeError> {
        if line == b"\r\n" {
            return self.header_ends(line);
        }
        let continues = !self.header.is_empty() && matches!(line.first(), Some(b' ' | b'\t'));
        if !self.at_line_start || !(continues || begins_field(line)) {
            self.header_ends(b"")?;
            return self.line(line);
        }
        self.header.extend_from_slice(line);
        match self.header.len() > MAX_PART_HEADER || !line.ends_with(b"\r\n") {
            true => Err(DowngradeError::Impossible(Obstacle::Structure)),
            false => Ok(()),
        }
    }

    fn header_ends(&mut self, separator: &[u8]) -> Result<(), DowngradeError> {
        let octets = std::mem::take(&mut self.header);
        let (header, _) = Header::parse(&octets);
        self.begin(header, separator)
    }

    fn begin(&mut self, header: Header, separator: &[u8]) -> Result<(), DowngradeError> {
        self.parts += 1;
        if self.parts > MAX_PARTS || self.multiparts.len() > MAX_DEPTH {
            return Err(DowngradeError::Impossible(Obstacle::Structure));
        }
        let is_sealed = self.is_sealed();
        let content_type = self.content_type(&header);
        let is_plain = matches!(encoding(&header).as_str(), "" | "7bit" | "8bit" | "binary");
        let (kind, state) = match content_type.media_type() {
            _ if !is_plain => (Kind::Opaque, State::Content),
            "message/rfc822" | "message/global" | "message/news" => (Kind::Container, State::Header),
            media_type if media_type.starts_with("multipart/") => self.multipart(&content_type),
            media_type if media_type.starts_with("message/") => (Kind::NotEncodable, State::Content),
            media_type if media_type.starts_with("text/") => (Kind::Text, State::Content),
            _ => (Kind::Opaque, State::Content),
        };
        self.state = state;
        self.is_in_message = state == State::Header;
        self.visitor.part(header, if is_sealed { Kind::Sealed } else { kind }, separator)
    }

    fn content_type(&self, header: &Header) -> ContentType {
        let is_in_digest = !self.is_in_message && self.multiparts.last().is_some_and(|multipart| multipart.is_digest);
        match header.find("Content-Type") {
            Some(field) => ContentType::parse(&field.unfolded()),
            None if is_in_digest => ContentType::parse(b"message/rfc822"),
            None => ContentType::parse(b"text/plain"),
        }
    }

    fn multipart(&mut self, content_type: &ContentType) -> (Kind, State) {
        let Some(boundary) = content_type.parameter("boundary").filter(|boundary| !boundary.is_empty()) else {
            return (Kind::NotEncodable, State::Content);
        };
        let is_inside = self.is_sealed();
        self.multiparts.push(Multipart {
            boundary: boundary.as_bytes().to_vec(),
            is_digest: content_type.media_type() == "multipart/digest",
            is_sealed: is_inside || matches!(content_type.media_type(), "multipart/signed" | "multipart/encrypted"),
        });
        (Kind::Container, State::Between)
    }

    /// Ends what is open: a header without its empty line, or content.
    fn end(&mut self, at_boundary: bool) -> Result<(), DowngradeError> {
        if self.state == State::Header {
            self.header_ends(b"")?;
        }
        if self.state == State::Content { self.visitor.end(at_boundary) } else { Ok(()) }
    }
}

/// The Content-Transfer-Encoding, in lower case; empty if none is declared.
pub(super) fn encoding(header: &Header) -> String {
    let field = header.find("Content-Transfer-Encoding").map(|field| field.unfolded());
    let text = String::from_utf8_lossy(field.as_deref().unwrap_or_default()).to_ascii_lowercase();
    text.split(['(', ';', ' ']).next().unwrap_or_default().trim_matches('"').to_owned()
}
