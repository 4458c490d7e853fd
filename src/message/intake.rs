//! Taking a message in: octets are pushed as a protocol decodes them, and a [`Message`] comes out.
//!
//! Line ends are put right (see `line_ends`), the header section is held in memory, bounded, and told apart from the
//! body, and the body is held in memory or spooled. The header section ends at its first empty line, or before the
//! first line that is neither a field nor a continuation: that line is the body's first, and nothing is lost. An mbox
//! `From ` line in front of everything (pipe(8) with `flags=F`, Exim's `message_prefix`) is dropped.

use super::body::BodyWriter;
use super::line_ends::LineEnds;
use super::{Header, Message};
use crate::wire::header::begins_field;
use memchr::memchr;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Octets looked at in one go: they stay in the processor's cache while they are hashed, scanned and written.
const PIECE: usize = 64 * 1024;

/// How mbox `From ` lines begin, quoted or not.
const MBOX: [&[u8]; 2] = [b"From ", b">From "];

/// What is held in memory, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The header section; a longer one is refused.
    pub header: usize,
    /// The body; a longer one is spooled.
    pub memory: usize,
}

impl Default for Limits {
    /// 1 MiB each.
    fn default() -> Limits {
        Limits { header: 1024 * 1024, memory: 1024 * 1024 }
    }
}

/// Why a message can't be taken in.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// The header section is over its limit.
    #[error("the header section is over {limit} octets")]
    HeaderTooLarge {
        /// The limit in octets.
        limit: usize,
    },
    /// The spool has no room.
    #[error("no space left for the message in {}", directory.display())]
    NoSpace {
        /// The spool.
        directory: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The spool can't be written.
    #[error("can't spool the message in {}", directory.display())]
    Spool {
        /// The spool.
        directory: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl IntakeError {
    pub(super) fn spool(directory: &Path, source: io::Error) -> IntakeError {
        let directory = directory.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                IntakeError::NoSpace { directory, source }
            }
            _ => IntakeError::Spool { directory, source },
        }
    }
}

/// A message on its way in.
#[derive(Debug)]
pub struct Intake {
    limits: Limits,
    octets: u64,
    digest: Sha256,
    mbox: MboxLine,
    line_ends: LineEnds,
    scratch: Vec<u8>,
    section: Section,
    header: Option<Header>,
    body: BodyWriter,
}

/// The header section while it is not complete.
#[derive(Debug, Default)]
struct Section {
    octets: Vec<u8>,
    /// Where the line begins that has not been judged yet.
    line: usize,
}

/// Where we are with an mbox `From ` line in front.
#[derive(Debug)]
enum MboxLine {
    /// It may still be one: what came so far.
    Undecided(Vec<u8>),
    /// It is one, and has not ended.
    Inside,
    /// The message has begun.
    Past,
}

/// What the next line of a header section is.
enum Line {
    Header,
    Separator,
    Body,
}

impl Intake {
    /// A message that is spooled in `spool_dir` when it is long.
    pub fn new(limits: Limits, spool_dir: &Path) -> Intake {
        Intake {
            limits,
            octets: 0,
            digest: Sha256::new(),
            mbox: MboxLine::Undecided(Vec::new()),
            line_ends: LineEnds::default(),
            scratch: Vec::new(),
            section: Section::default(),
            header: None,
            body: BodyWriter::new(limits.memory, spool_dir.to_owned()),
        }
    }

    /// Takes the next octets, cut anywhere.
    ///
    /// # Errors
    /// [`IntakeError`]; nothing more can be pushed then.
    pub fn push(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        self.octets += octets.len() as u64;
        match std::mem::replace(&mut self.mbox, MboxLine::Past) {
            MboxLine::Past => self.push_message(octets),
            MboxLine::Inside => self.skip_mbox_line(octets),
            MboxLine::Undecided(mut start) => {
                start.extend_from_slice(octets);
                self.decide_mbox_line(start)
            }
        }
    }

    /// The header section, as soon as it is complete.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Octets pushed so far.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub fn finish(mut self) -> Result<Message, IntakeError> {
        if let MboxLine::Undecided(start) = std::mem::replace(&mut self.mbox, MboxLine::Past) {
            self.push_message(&start)?;
        }
        let owed = self.line_ends.finish();
        self.push_normalised(owed)?;
        let header = match self.header.take() {
            Some(header) => header,
            None => self.last_line_of_header()?,
        };
        Ok(Message { header, body: self.body.finish()?, digest: self.digest.finalize().into() })
    }

    fn decide_mbox_line(&mut self, start: Vec<u8>) -> Result<(), IntakeError> {
        if MBOX.iter().any(|prefix| start.starts_with(prefix)) {
            return self.skip_mbox_line(&start);
        }
        if MBOX.iter().any(|prefix| prefix.starts_with(&start)) {
            self.mbox = MboxLine::Undecided(start);
            return Ok(());
        }
        self.push_message(&start)
    }

    fn skip_mbox_line(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        match memchr(b'\n', octets) {
            Some(end) => self.push_message(&octets[end + 1..]),
            None => {
                self.mbox = MboxLine::Inside;
                Ok(())
            }
        }
    }

    fn push_message(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        for piece in octets.chunks(PIECE) {
            self.digest.update(piece);
            let mut scratch = std::mem::take(&mut self.scratch);
            let pushed = self.line_ends.normalise(piece, &mut scratch);
            let result = self.push_normalised(pushed);
            self.scratch = scratch;
            result?;
        }
        Ok(())
    }

    fn push_normalised(&mut self, octets: &[u8]) -> Result<(), IntakeError> {
        if self.header.is_some() {
            return self.body.push(octets);
        }
        self.section.octets.extend_from_slice(octets);
        while let Some(length) = memchr(b'\n', &self.section.octets[self.section.line..]) {
            let end = self.section.line + length + 1;
            match self.section.judge(end) {
                Line::Header => self.section.line = end,
                Line::Separator => return self.end_header(self.section.line, end),
                Line::Body => return self.end_header(self.section.line, self.section.line),
            }
        }
        if self.section.octets.len() > self.limits.header { self.header_limit_reached() } else { Ok(()) }
    }

    /// A last line without an end may be no field at all, but the body's first.
    fn header_limit_reached(&mut self) -> Result<(), IntakeError> {
        match self.section.judge(self.section.octets.len()) {
            Line::Body if self.section.line <= self.limits.header => {
                self.end_header(self.section.line, self.section.line)
            }
            _ => Err(IntakeError::HeaderTooLarge { limit: self.limits.header }),
        }
    }

    fn end_header(&mut self, section_end: usize, body_start: usize) -> Result<(), IntakeError> {
        if section_end > self.limits.header {
            return Err(IntakeError::HeaderTooLarge { limit: self.limits.header });
        }
        let octets = std::mem::take(&mut self.section.octets);
        let (header, _) = Header::parse(&octets[..section_end]);
        self.header = Some(header);
        self.body.push(&octets[body_start..])
    }

    /// The message ended inside its header section.
    fn last_line_of_header(&mut self) -> Result<Header, IntakeError> {
        if self.section.line < self.section.octets.len() {
            self.push_normalised(b"\r\n")?;
        }
        if self.header.is_none() {
            self.end_header(self.section.octets.len(), self.section.octets.len())?;
        }
        Ok(self.header.take().unwrap_or_default())
    }
}

impl Section {
    /// What the line is that ends (with CRLF, or not yet) at `end`.
    fn judge(&self, end: usize) -> Line {
        match &self.octets[self.line..end] {
            b"\r\n" => Line::Separator,
            [b' ' | b'\t', ..] if self.line > 0 => Line::Header,
            line if begins_field(line) => Line::Header,
            _ => Line::Body,
        }
    }
}

/// Makes a message of octets that are all there: what the program composes itself, and tests.
///
/// # Errors
/// [`IntakeError`].
pub fn take(octets: &[u8], spool_dir: &Path) -> Result<Message, IntakeError> {
    let mut intake = Intake::new(Limits::default(), spool_dir);
    intake.push(octets)?;
    intake.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header section and body of `input`, pushed in pieces of `size` octets.
    fn taken(input: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let mut intake = Intake::new(Limits { header: 64, memory: 8 }, directory.path());
        input.chunks(size).for_each(|piece| intake.push(piece).unwrap());
        assert_eq!(intake.octets(), input.len() as u64);
        let message = intake.finish().unwrap();
        assert_eq!(message.body.is_spooled(), message.body.len() > 8, "{input:?}");
        let (mut octets, mut whole, mut chunk) = (message.octets(), Vec::new(), Vec::new());
        while octets.next_chunk(&mut chunk, 3).unwrap() {
            whole.extend_from_slice(&chunk);
        }
        assert_eq!((whole.len() as u64, octets.remaining()), (message.len(), 0));
        let header = message.header.to_octets();
        assert!(whole[header.len()..].starts_with(b"\r\n"));
        let body = whole.split_off(header.len() + 2);
        (header, body)
    }

    #[test]
    fn header_section_and_body_are_told_apart_however_the_octets_come() {
        let rows: &[(&[u8], &[u8], &[u8])] = &[
            (b"A: 1\n\nbody\n", b"A: 1\r\n", b"body\r\n"),
            (b"A: 1\r\nB: 2\r\n 3\r\n\r\nbody", b"A: 1\r\nB: 2\r\n 3\r\n", b"body\r\n"),
            (b"", b"", b""),
            (b"\nbody\n", b"", b"body\r\n"),
            (b"\n\n", b"", b"\r\n"),
            (b"A: 1\n", b"A: 1\r\n", b""),
            (b"A: 1", b"A: 1\r\n", b""),
            (b"A: 1\n\n", b"A: 1\r\n", b""),
            (b"no header, a long body\nA: 1\n", b"", b"no header, a long body\r\nA: 1\r\n"),
            (b"no header", b"", b"no header\r\n"),
            (b" A: 1\n\nb\n", b"", b" A: 1\r\n\r\nb\r\n"),
            (b"A: 1\nbody at once\n\nx\n", b"A: 1\r\n", b"body at once\r\n\r\nx\r\n"),
            (b"From anna Tue Nov 24\nA: 1\n\nb\n", b"A: 1\r\n", b"b\r\n"),
            (b">From anna Tue Nov 24\r\nA: 1\n\nb\n", b"A: 1\r\n", b"b\r\n"),
            (b"From: a\n\nFrom b\n", b"From: a\r\n", b"From b\r\n"),
            (b"From", b"", b"From\r\n"),
            (b"From anna", b"", b""),
            (b"A: x\rBcc: y\n\nb\n", b"A: x Bcc: y\r\n", b"b\r\n"),
            (b"A: 1\r\r\n\r\r\nb", b"A: 1\r\n", b"b\r\n"),
        ];
        for (input, header, body) in rows {
            for size in 1..=input.len().max(1) {
                let (header_out, body_out) = taken(input, size);
                assert_eq!((header_out.as_slice(), body_out.as_slice()), (*header, *body), "{input:?} by {size}");
            }
        }
    }

    #[test]
    fn the_header_section_is_there_as_soon_as_it_is_complete() {
        let mut intake = Intake::new(Limits::default(), Path::new("/nonexistent"));
        intake.push(b"From: a@x.example\r\n").unwrap();
        assert!(intake.header().is_none());
        intake.push(b"\r\n").unwrap();
        assert_eq!(intake.header().map(Header::count), Some(1));
    }

    #[test]
    fn a_header_section_over_the_limit_is_an_error_and_a_long_first_line_of_a_body_is_none() {
        let limits = Limits { header: 10, memory: 1000 };
        let rows: &[(&[u8], bool)] = &[
            (b"A: 1234\n\n", true),
            (b"A: 12345\n\n", true),
            (b"A: 12345678\n", false),
            (b"A: 1\n 2345678", false),
            (b"no field in this long line", true),
            (b"no field in this long line\n", true),
            (b"A: 1\nno field in this long line", true),
        ];
        for (input, fits) in rows {
            for size in 1..=input.len() {
                let mut intake = Intake::new(limits, Path::new("/nonexistent"));
                let pushed = input.chunks(size).try_for_each(|piece| intake.push(piece));
                let result = pushed.and_then(|()| intake.finish());
                assert_eq!(result.is_ok(), *fits, "{input:?} by {size}: {result:?}");
                if let Err(error) = result {
                    assert!(matches!(error, IntakeError::HeaderTooLarge { limit: 10 }));
                }
            }
        }
    }

    #[test]
    fn the_digest_is_of_the_octets_as_they_came_without_an_mbox_line() {
        let digest = |input: &[u8]| take(input, Path::new("/nonexistent")).unwrap().digest;
        let expected: [u8; 32] = Sha256::digest(b"A: 1\n\nb").into();
        assert_eq!(digest(b"A: 1\n\nb"), expected);
        assert_eq!(digest(b"From anna Tue Nov 24 19:00:00 2026\nA: 1\n\nb"), expected);
        assert_ne!(digest(b"A: 1\r\n\r\nb"), expected);
    }

    #[test]
    fn facts_hold_for_header_section_and_body() {
        let rows: &[(&[u8], bool, usize)] = &[
            (b"A: 1\n\nbody\n", false, 4),
            (b"A: 1\n\nbodies\r\n", false, 6),
            (b"A: caf\xe9\n\nb", true, 7),
            (b"A: 1\n\n\xff", true, 4),
        ];
        for (input, eight_bit, longest) in rows {
            let message = take(input, Path::new("/nonexistent")).unwrap();
            assert_eq!((message.is_eight_bit(), message.longest_line()), (*eight_bit, *longest), "{input:?}");
        }
    }

    #[test]
    fn a_spool_that_cannot_be_written_is_told_with_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let mut intake = Intake::new(Limits { header: 64, memory: 8 }, &missing);
        let error = intake.push(b"A: 1\n\nlong enough to be spooled").unwrap_err();
        assert!(matches!(error, IntakeError::Spool { directory, .. } if directory == missing));
    }

    #[test]
    fn a_full_spool_is_told_as_such() {
        // Every write to it fails with ENOSPC.
        let error = std::fs::write("/dev/full", b"x").unwrap_err();
        assert!(matches!(IntakeError::spool(Path::new("/s"), error), IntakeError::NoSpace { .. }));
    }
}
