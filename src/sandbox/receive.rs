//! The octets of a message: DATA's dot-stuffing undone, and a strict look at every octet.

use super::journal::Journal;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How much of a header section is kept for the rules that look at it.
const MAX_HEADER: usize = 1_048_576;
/// RFC 5321 section 4.5.3.1.6, without the CRLF.
const MAX_TEXT_LINE: usize = 998;

/// Undoes dot-stuffing (RFC 5321 section 4.5.2) and finds the end, which is CRLF, dot, CRLF and nothing else.
pub(super) struct Undot {
    state: State,
    /// A line began with a dot that nobody had doubled.
    pub(super) unstuffed: bool,
}

#[derive(Clone, Copy)]
enum State {
    LineStart,
    Dot,
    DotCr,
    Text,
    Cr,
}

impl Undot {
    pub(super) fn new() -> Undot {
        Undot { state: State::LineStart, unstuffed: false }
    }

    /// Appends to `message` what `octets` hold of it; `Some(n)` when it ended with the `n`-th octet.
    pub(super) fn decode(&mut self, octets: &[u8], message: &mut Vec<u8>) -> Option<usize> {
        for (index, octet) in octets.iter().enumerate() {
            self.state = match (self.state, octet) {
                (State::LineStart, b'.') => State::Dot,
                (State::Dot, b'\r') => State::DotCr,
                (State::DotCr, b'\n') => return Some(index + 1),
                (before, octet) => {
                    self.unstuffed |= matches!(before, State::Dot if *octet != b'.') || matches!(before, State::DotCr);
                    if matches!(before, State::DotCr) {
                        message.push(b'\r');
                    }
                    message.push(*octet);
                    match (before, octet) {
                        (_, b'\r') => State::Cr,
                        (State::Cr, b'\n') => State::LineStart,
                        _ => State::Text,
                    }
                }
            };
        }
        None
    }
}

/// A message under way.
pub(super) struct Receiver {
    header: Vec<u8>,
    in_header: bool,
    file: Option<(PathBuf, BufWriter<File>)>,
    octets: u64,
    previous: u8,
    line: usize,
    seen: BTreeSet<Oddity>,
}

/// What a message should not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    BareCr,
    BareLf,
    Nul,
    EightBit,
    LongLine,
    NoFinalCrlf,
}

impl Receiver {
    pub(super) fn new(journal: &Journal, session: u64) -> io::Result<Receiver> {
        let file = journal.new_file(session)?.map(|(path, file)| (path, BufWriter::with_capacity(65_536, file)));
        Ok(Receiver {
            header: Vec::new(),
            in_header: true,
            file,
            octets: 0,
            previous: b'\n',
            line: 0,
            seen: BTreeSet::new(),
        })
    }

    pub(super) fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        octets.iter().for_each(|octet| self.look_at(*octet));
        self.octets += octets.len() as u64;
        if self.in_header {
            self.collect_header(octets);
        }
        match &mut self.file {
            Some((_, file)) => file.write_all(octets),
            None => Ok(()),
        }
    }

    /// Everything has come.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.previous == b'\r' {
            self.seen.insert(Oddity::BareCr);
        }
        if self.octets > 0 && self.previous != b'\n' {
            self.seen.insert(Oddity::NoFinalCrlf);
        }
        match &mut self.file {
            Some((_, file)) => file.flush(),
            None => Ok(()),
        }
    }

    /// The header section, without the empty line.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    pub(super) fn oddities(&self) -> impl Iterator<Item = Oddity> + '_ {
        self.seen.iter().copied()
    }

    fn look_at(&mut self, octet: u8) {
        let oddity = match octet {
            b'\n' if self.previous != b'\r' => Some(Oddity::BareLf),
            0 => Some(Oddity::Nul),
            128.. => Some(Oddity::EightBit),
            _ => None,
        };
        self.seen.extend(oddity);
        if self.previous == b'\r' && octet != b'\n' {
            self.seen.insert(Oddity::BareCr);
        }
        self.line = match octet {
            b'\n' => 0,
            b'\r' => self.line,
            _ => self.line + 1,
        };
        if self.line > MAX_TEXT_LINE {
            self.seen.insert(Oddity::LongLine);
        }
        self.previous = octet;
    }

    fn collect_header(&mut self, octets: &[u8]) {
        let searched = self.header.len().saturating_sub(3);
        self.header.extend_from_slice(octets);
        let end = self.header[searched..].windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            self.header.truncate(searched + end + 2);
        } else if self.header.starts_with(b"\r\n") {
            self.header.clear();
        }
        self.in_header = end.is_none() && !self.header.is_empty() && self.header.len() < MAX_HEADER;
    }
}

impl Oddity {
    /// Whether a message with it must not be taken: it is read differently by different servers.
    pub(super) fn smuggles(self) -> bool {
        matches!(self, Oddity::BareCr | Oddity::BareLf)
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Oddity::BareCr => "bare CR in the message",
            Oddity::BareLf => "bare LF in the message",
            Oddity::Nul => "NUL in the message",
            Oddity::EightBit => "octets over 127 in the message without BODY=8BITMIME",
            Oddity::LongLine => "a line over 998 octets in the message",
            Oddity::NoFinalCrlf => "no CRLF at the end of the message",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undotted(wire: &[u8], step: usize) -> (Vec<u8>, Option<usize>, bool) {
        let (mut undot, mut message, mut read) = (Undot::new(), Vec::new(), 0);
        for chunk in wire.chunks(step) {
            if let Some(end) = undot.decode(chunk, &mut message) {
                return (message, Some(read + end), undot.unstuffed);
            }
            read += chunk.len();
        }
        (message, None, undot.unstuffed)
    }

    #[test]
    fn only_crlf_dot_crlf_ends_a_message_wherever_the_reads_split_it() {
        type Row = (&'static [u8], &'static [u8], Option<usize>, bool);
        let rows: &[Row] = &[
            (b"a\r\n.\r\n", b"a\r\n", Some(6), false),
            (b".\r\n", b"", Some(3), false),
            (b"a\r\n..b\r\n.\r\nQUIT", b"a\r\n.b\r\n", Some(11), false),
            (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n", Some(10), false),
            (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n", Some(11), false),
            (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", Some(11), true),
            (b"a\r\n.b\r\n.\r\n", b"a\r\nb\r\n", Some(10), true),
            (b"a\r\n.", b"a\r\n", None, false),
        ];
        for (wire, message, end, unstuffed) in rows {
            for step in 1..=wire.len() {
                assert_eq!(undotted(wire, step), (message.to_vec(), *end, *unstuffed), "{wire:?} by {step}");
            }
        }
    }
}
