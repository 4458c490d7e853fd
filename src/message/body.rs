//! The body: in memory while it is small, in an unlinked file beyond that, read by position from either.

use super::intake::IntakeError;
use super::spool;
use memchr::memchr_iter;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// What is written to the spool file at once.
const WRITE: usize = 64 * 1024;

/// A message's body, its line ends CRLF. Cloning shares the octets.
#[derive(Clone, Debug)]
pub struct Body {
    store: Store,
    facts: Facts,
}

#[derive(Clone, Debug)]
enum Store {
    Memory(Arc<Vec<u8>>),
    File(Arc<File>),
}

/// What is known of a body without reading it again.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    len: u64,
    eight_bit: bool,
    longest_line: usize,
    /// Octets of the line that has not ended yet.
    open_line: usize,
}

impl Body {
    /// Octets, before dot-stuffing.
    pub fn len(&self) -> u64 {
        self.facts.len
    }

    /// Whether there is no body.
    pub fn is_empty(&self) -> bool {
        self.facts.len == 0
    }

    /// Whether any octet is outside ASCII.
    pub fn is_eight_bit(&self) -> bool {
        self.facts.eight_bit
    }

    /// Octets of the longest line without its CRLF.
    pub fn longest_line(&self) -> usize {
        self.facts.longest_line
    }

    /// Whether the body went to the spool.
    pub fn is_spooled(&self) -> bool {
        matches!(self.store, Store::File(_))
    }

    /// Appends up to `max` octets from `offset` on to `chunk`; how many they were, 0 at the end only.
    ///
    /// # Errors
    /// The system's, and `UnexpectedEof` should the spool file have become shorter.
    pub fn read_at(&self, offset: u64, chunk: &mut Vec<u8>, max: usize) -> io::Result<usize> {
        let left = self.facts.len.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(max);
        match &self.store {
            Store::Memory(octets) => {
                // In memory, so every offset below the length fits.
                chunk.extend_from_slice(octets.get(offset as usize..).map_or(&[], |rest| &rest[..wanted]));
            }
            Store::File(file) => {
                let start = chunk.len();
                chunk.resize(start + wanted, 0);
                file.read_exact_at(&mut chunk[start..], offset)?;
            }
        }
        Ok(wanted)
    }
}

/// Takes a body in, piece by piece.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    directory: PathBuf,
    memory_limit: usize,
    buffer: Vec<u8>,
    file: Option<File>,
    facts: Facts,
}

impl BodyWriter {
    /// A body that goes to `directory` once it is over `memory_limit` octets.
    pub(crate) fn new(memory_limit: usize, directory: PathBuf) -> BodyWriter {
        BodyWriter { directory, memory_limit, buffer: Vec::new(), file: None, facts: Facts::default() }
    }

    /// Takes octets whose line ends are CRLF.
    pub(crate) fn push(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        self.facts.take(octets);
        match self.file {
            // Large pieces go by without being copied.
            Some(_) if octets.len() >= WRITE => {
                self.flush()?;
                self.write(octets)
            }
            Some(_) => {
                self.buffer.extend_from_slice(octets);
                if self.buffer.len() >= WRITE { self.flush() } else { Ok(()) }
            }
            None => {
                self.buffer.extend_from_slice(octets);
                if self.buffer.len() > self.memory_limit { self.spool() } else { Ok(()) }
            }
        }
    }

    /// Ends the body, with a line end where its last line has none.
    pub(crate) fn finish(mut self) -> Result<Body, IntakeError> {
        if self.facts.open_line > 0 {
            self.push(b"\r\n")?;
        }
        if self.file.is_some() {
            self.flush()?;
        }
        let store = match self.file {
            Some(file) => Store::File(Arc::new(file)),
            None => Store::Memory(Arc::new(self.buffer)),
        };
        Ok(Body { store, facts: self.facts })
    }

    fn spool(&mut self) -> Result<(), IntakeError> {
        self.file = Some(spool::open(&self.directory).map_err(|source| IntakeError::spool(&self.directory, source))?);
        self.flush()?;
        self.buffer = Vec::with_capacity(WRITE + WRITE / 2);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IntakeError> {
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        match &mut self.file {
            Some(file) => file.write_all(octets).map_err(|source| IntakeError::spool(&self.directory, source)),
            None => Ok(()),
        }
    }
}

impl Facts {
    fn take(&mut self, octets: &[u8]) {
        self.len += octets.len() as u64;
        self.eight_bit |= !octets.is_ascii();
        let mut from = 0;
        for at in memchr_iter(b'\n', octets) {
            // The CR in front is not the line's; it may have come with the piece before.
            let line = (self.open_line + at - from).saturating_sub(1);
            self.longest_line = self.longest_line.max(line);
            self.open_line = 0;
            from = at + 1;
        }
        self.open_line += octets.len() - from;
        self.longest_line = self.longest_line.max(self.open_line.saturating_sub(1));
    }
}
