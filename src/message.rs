//! The message: header fields byte for byte, the body as a stream, and the few changes that are ever made to them.
//!
//! [`Intake`] takes octets as an MTA's protocol decodes them and ends in a [`Message`], whose [`Octets`] can be read
//! from the start as often as there are tries. What goes out is what came in, except for line ends, and for what
//! its modules say that they change.

pub mod body;
mod date;
pub mod dkim;
pub mod dot;
pub mod downgrade;
mod encoded_word;
pub mod header;
pub mod identity;
pub mod intake;
mod line_ends;
pub mod mime;
#[cfg(test)]
mod property;
pub mod received;
pub mod recipients;
pub mod repair;
pub mod rewrite;
pub mod smtputf8;
mod spool;
pub mod trace;

pub use body::Body;
pub use header::Header;
pub use intake::{Intake, IntakeError, Limits};

use std::io;

/// The separator between header section and body.
const SEPARATOR: &[u8] = b"\r\n";

/// A whole message, its line ends CRLF. Cloning is cheap: the body is shared.
#[derive(Clone, Debug)]
pub struct Message {
    /// The header section.
    pub header: Header,
    /// The body.
    pub body: Body,
    /// SHA-256 of the octets as they came in, before any change; an mbox `From ` line in front, which bears the time
    /// of a try, is left out. The same message tried again has the same digest.
    pub digest: [u8; 32],
}

impl Message {
    /// Octets on the wire, before dot-stuffing and without the end of data.
    pub fn len(&self) -> u64 {
        (self.header.len() + SEPARATOR.len()) as u64 + self.body.len()
    }

    /// Never: the separator is always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether an octet outside ASCII stands in the header section or in the body: BODY=8BITMIME (RFC 6152).
    pub fn is_eight_bit(&self) -> bool {
        self.header.is_eight_bit() || self.body.is_eight_bit()
    }

    /// Octets of the longest line without its CRLF; RFC 5322 section 2.1.1 allows 998.
    pub fn longest_line(&self) -> usize {
        self.header.longest_line().max(self.body.longest_line())
    }

    /// A reader from the first octet; every try takes a new one, and several may be under way.
    pub fn octets(&self) -> Octets {
        let mut head = self.header.to_octets();
        head.extend_from_slice(SEPARATOR);
        Octets { head, body: self.body.clone(), at: 0 }
    }
}

/// Reads a message from its first octet to its last.
#[derive(Debug)]
pub struct Octets {
    head: Vec<u8>,
    body: Body,
    at: u64,
}

impl Octets {
    /// Replaces what is in `chunk` by the next octets, at most `max` and at least one; false at the end, with `chunk`
    /// empty.
    ///
    /// # Errors
    /// What reading the spooled body fails with, and `UnexpectedEof` should it have become shorter.
    pub fn next_chunk(&mut self, chunk: &mut Vec<u8>, max: usize) -> io::Result<bool> {
        chunk.clear();
        let from_head = self.head.get(self.at as usize..).unwrap_or_default();
        let from_head = &from_head[..from_head.len().min(max)];
        chunk.extend_from_slice(from_head);
        self.at += chunk.len() as u64;
        if chunk.len() < max {
            let read = self.body.read_at(self.at - self.head.len() as u64, chunk, max - chunk.len())?;
            self.at += read as u64;
        }
        Ok(!chunk.is_empty())
    }

    /// Octets not read yet.
    pub fn remaining(&self) -> u64 {
        self.head.len() as u64 + self.body.len() - self.at
    }
}
