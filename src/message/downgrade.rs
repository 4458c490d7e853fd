//! A message for a server without 8BITMIME (RFC 6152): each MIME part that is not 7-bit becomes quoted-printable or
//! base64, and field bodies become encoded words, so that readers see the same.
//!
//! | what | becomes |
//! |---|---|
//! | a text part with octets outside ASCII, or lines over 998 octets | quoted-printable; base64 if mostly outside ASCII |
//! | any other part with such | base64 |
//! | a text part that declares no charset | the same, declared as UTF-8 or as what it must be |
//! | a multipart, a message in a message | its parts, each by itself |
//! | raw octets in a header field | encoded words (RFC 2047); in a parameter, its extended form (RFC 2231) |
//! | raw octets in a preamble or epilogue, which nobody reads | `?` |
//! | anything signed or encrypted that is not 7-bit | refused (5.6.3): its signature covers the octets |
//!
//! The body is read twice and written once, at constant memory: first to find out which parts need it, then to convert
//! them. Everything else stays byte for byte.

mod fields;
mod rewriter;
mod survey;
mod transfer;
mod walk;

use super::body::{Body, BodyWriter};
use super::intake::{IntakeError, Limits};
use super::{Header, Message};
use rewriter::Rewriter;
use std::io;
use std::path::Path;
use survey::Survey;
use thiserror::Error;
use walk::{Visitor, Walker};

/// Octets of the longest line that RFC 5322 section 2.1.1 allows, without its CRLF.
pub(super) const MAX_LINE: usize = 998;

/// Octets read at once.
const CHUNK: usize = 64 * 1024;

/// Why a message can't be converted.
#[derive(Debug, Error)]
pub enum DowngradeError {
    /// For good: the message would not be the same.
    #[error("the message is not 7-bit and can't be converted: {0}")]
    Impossible(Obstacle),
    /// The body can't be read again.
    #[error("can't read the spooled message")]
    Read(#[source] io::Error),
    /// What was converted can't be kept.
    #[error(transparent)]
    Spool(#[from] IntakeError),
}

/// What stands in the way of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// A signature or encryption covers the octets (RFC 1847).
    #[error("a signed or encrypted part covers its octets")]
    Sealed,
    /// RFC 2045 section 6.4 forbids an encoding for this part.
    #[error("a part of this type may not be encoded")]
    NotEncodable,
    /// More parts, a deeper nesting or a longer part header than anyone writes.
    #[error("its MIME structure is beyond all bounds")]
    Structure,
}

/// The same message in 7 bits; its digest stays. What is 7-bit already comes back as it is, long lines included.
///
/// # Errors
/// [`DowngradeError`].
pub fn to_seven_bit(message: &Message, limits: Limits, spool_dir: &Path) -> Result<Message, DowngradeError> {
    if !message.is_eight_bit() {
        return Ok(message.clone());
    }
    let survey = walk(Survey::default(), &message.header, &message.body)?;
    let writer = BodyWriter::new(limits.memory, spool_dir.to_owned());
    let (header, writer) = walk(Rewriter::new(survey.parts, writer), &message.header, &message.body)?.finish();
    Ok(Message { header, body: writer.finish()?, digest: message.digest })
}

fn walk<V: Visitor>(visitor: V, header: &Header, body: &Body) -> Result<V, DowngradeError> {
    let mut walker = Walker::new(visitor);
    walker.message(header.clone())?;
    let (mut buffer, mut offset) = (Vec::with_capacity(2 * CHUNK), 0);
    loop {
        let read = body.read_at(offset, &mut buffer, CHUNK).map_err(DowngradeError::Read)?;
        offset += read as u64;
        let taken = walker.push(&buffer, read == 0)?;
        buffer.drain(..taken);
        if read == 0 {
            return walker.finish();
        }
    }
}

#[cfg(test)]
mod tests;
