//! The second reading: writes the body anew, with the parts converted that need it.

use super::super::Header;
use super::super::body::BodyWriter;
use super::DowngradeError;
use super::fields;
use super::survey::{Part, Treatment};
use super::transfer::{Base64, Mend, QuotedPrintable};
use super::walk::{Kind, Visitor, encoding};
use crate::wire::header::Field;

/// Writes what it hears.
pub(super) struct Rewriter {
    parts: std::vec::IntoIter<Part>,
    /// The message's own, once it was heard of.
    message: Option<Header>,
    content: Content,
    writer: BodyWriter,
    out: Vec<u8>,
}

/// How the content of the present part is written.
enum Content {
    Keep,
    QuotedPrintable(QuotedPrintable),
    Base64(Base64),
    Mend(Mend),
}

impl Rewriter {
    pub(super) fn new(parts: Vec<Part>, writer: BodyWriter) -> Rewriter {
        Rewriter { parts: parts.into_iter(), message: None, content: Content::Keep, writer, out: Vec::new() }
    }

    /// The message's header section, and its body.
    pub(super) fn finish(self) -> (Header, BodyWriter) {
        (self.message.unwrap_or_default(), self.writer)
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), DowngradeError> {
        Ok(self.writer.push(octets)?)
    }

    fn flush(&mut self) -> Result<(), DowngradeError> {
        self.writer.push(&self.out)?;
        self.out.clear();
        Ok(())
    }
}

impl Visitor for Rewriter {
    fn part(&mut self, mut header: Header, kind: Kind, separator: &[u8]) -> Result<(), DowngradeError> {
        let was_empty = header.is_empty();
        let part = self.parts.next().unwrap_or(Part { treatment: Treatment::Keep, is_utf8: true });
        self.content = match part.treatment {
            Treatment::Keep => Content::Keep,
            Treatment::QuotedPrintable => Content::QuotedPrintable(QuotedPrintable::default()),
            Treatment::Base64 => Content::Base64(Base64::default()),
            Treatment::Mend => Content::Mend(Mend),
        };
        if kind != Kind::Sealed {
            declare(&mut header, kind, part, self.message.is_none());
            fields::to_ascii(&mut header);
        }
        if self.message.is_none() {
            self.message = Some(header);
            return Ok(());
        }
        // A header that was added needs its empty line, whether there was one or not.
        let separator = if separator.is_empty() && was_empty && !header.is_empty() { b"\r\n" } else { separator };
        self.write(&header.to_octets())?;
        self.write(separator)
    }

    fn content(&mut self, octets: &[u8]) -> Result<(), DowngradeError> {
        match &mut self.content {
            Content::Keep => return Ok(self.writer.push(octets)?),
            Content::QuotedPrintable(encoder) => encoder.push(octets, &mut self.out),
            Content::Base64(encoder) => encoder.push(octets, &mut self.out),
            Content::Mend(encoder) => encoder.push(octets, &mut self.out),
        }
        self.flush()
    }

    fn end(&mut self, at_boundary: bool) -> Result<(), DowngradeError> {
        match std::mem::replace(&mut self.content, Content::Keep) {
            Content::Keep | Content::Mend(_) => {}
            Content::QuotedPrintable(encoder) => encoder.finish(&mut self.out),
            Content::Base64(encoder) => encoder.finish(at_boundary, &mut self.out),
        }
        self.flush()
    }

    fn between(&mut self, octets: &[u8]) -> Result<(), DowngradeError> {
        if octets.is_ascii() {
            return self.write(octets);
        }
        let ascii: Vec<u8> = octets.iter().map(|octet| if octet.is_ascii() { *octet } else { b'?' }).collect();
        self.write(&ascii)
    }
}

/// Says in the header what became of the part.
fn declare(header: &mut Header, kind: Kind, part: Part, is_message: bool) {
    let declared = encoding(header);
    let encoding = match part.treatment {
        Treatment::QuotedPrintable => "quoted-printable",
        Treatment::Base64 => "base64",
        Treatment::Keep if matches!(declared.as_str(), "8bit" | "binary") => "7bit",
        Treatment::Keep | Treatment::Mend => return,
    };
    if kind == Kind::Text && !header.contains("Content-Type") {
        let charset = if part.is_utf8 { "utf-8" } else { "iso-8859-1" };
        header.append(Field::new("Content-Type", format!("text/plain; charset={charset}").as_bytes()));
    }
    header.set(Field::new("Content-Transfer-Encoding", encoding.as_bytes()));
    if is_message && !header.contains("MIME-Version") {
        header.append(Field::new("MIME-Version", b"1.0"));
    }
}
