//! Replies out of a stream of octets, cut anywhere (RFC 5321 section 4.2).
//!
//! Read as servers write them, not as they should: bare LF ends a line too, the text may be missing, may follow the code
//! at once, and may be any octets. What is no reply at all ends the session, because from there on nobody could tell
//! which command a reply answers.

use super::reply::Reply;
use memchr::memchr;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n};
use nom::combinator::{map, map_opt, opt, verify};
use nom::{IResult, Parser};
use thiserror::Error;

/// The longest line in octets; RFC 5321 section 4.5.3.1.5 allows 512.
const MAX_LINE: usize = 16 * 1024;

/// The longest reply in octets, over all its lines.
const MAX_REPLY: usize = 4 * 1024 * 1024;

/// Why octets are no reply.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// A line that does not begin with a reply code; as it may be shown.
    #[error("expected a reply, but found {0:?}")]
    NoCode(String),
    /// A line without an end.
    #[error("a reply line of over {MAX_LINE} octets")]
    LineTooLong,
    /// Lines without an end.
    #[error("a reply of over {MAX_REPLY} octets")]
    TooLong,
}

/// Collects octets into replies.
#[derive(Debug, Default)]
pub struct ReplyReader {
    octets: Vec<u8>,
    /// Where the line begins that is not complete yet.
    line: usize,
    lines: Vec<Vec<u8>>,
    length: usize,
}

impl ReplyReader {
    /// Takes what the server sent.
    pub fn feed(&mut self, octets: &[u8]) {
        self.octets.drain(..self.line);
        self.line = 0;
        self.octets.extend_from_slice(octets);
    }

    /// The next reply, once all its lines are there.
    ///
    /// # Errors
    /// [`ReplyError`]; nothing that follows can be understood then.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(length) = memchr(b'\n', &self.octets[self.line..]) {
            let line = &self.octets[self.line..self.line + length];
            if line.len() > MAX_LINE {
                return Err(ReplyError::LineTooLong);
            }
            let (code, goes_on, text) = read_line(line.strip_suffix(b"\r").unwrap_or(line))?;
            self.length += length;
            if self.length > MAX_REPLY {
                return Err(ReplyError::TooLong);
            }
            self.lines.push(text);
            self.line += length + 1;
            if !goes_on {
                self.length = 0;
                return Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }));
            }
        }
        if self.octets.len() - self.line > MAX_LINE { Err(ReplyError::LineTooLong) } else { Ok(None) }
    }

    /// Whether no octet waits to become part of a reply.
    pub fn is_empty(&self) -> bool {
        self.line == self.octets.len() && self.lines.is_empty()
    }
}

fn read_line(line: &[u8]) -> Result<(u16, bool, Vec<u8>), ReplyError> {
    match reply_line(line) {
        Ok((text, (code, goes_on))) => Ok((code, goes_on, text.to_vec())),
        Err(_) => Err(ReplyError::NoCode(super::text::one_line(line, 80))),
    }
}

/// A line up to its text; whether the reply goes on.
///
/// ```abnf
/// Reply-line = Reply-code ( "-" / SP / "" ) textstring   ; the separator as in the field
/// Reply-code = %x32-35 2DIGIT
/// ```
fn reply_line(input: &[u8]) -> IResult<&[u8], (u16, bool)> {
    let digits = take_while_m_n(3, 3, |octet: u8| octet.is_ascii_digit());
    let number = map_opt(digits, |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let code = verify(number, |code| (200..600).contains(code));
    let separator = alt((map(tag(&b"-"[..]), |_| true), map(opt(tag(&b" "[..])), |_| false)));
    (code, separator).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8], size: usize) -> Result<Vec<Reply>, ReplyError> {
        let (mut reader, mut replies) = (ReplyReader::default(), Vec::new());
        for piece in octets.chunks(size) {
            reader.feed(piece);
            while let Some(reply) = reader.next_reply()? {
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    fn reply(code: u16, lines: &[&[u8]]) -> Reply {
        Reply { code, lines: lines.iter().map(|line| line.to_vec()).collect() }
    }

    #[test]
    fn replies_are_read_as_servers_write_them_however_they_are_cut() {
        let rows: &[(&[u8], Vec<Reply>)] = &[
            (b"250 ok\r\n", vec![reply(250, &[b"ok"])]),
            (b"250-a\r\n250 b\r\n", vec![reply(250, &[b"a", b"b"])]),
            (b"250-a\n250 b\n", vec![reply(250, &[b"a", b"b"])]),
            (b"250\r\n", vec![reply(250, &[b""])]),
            (b"250 \r\n", vec![reply(250, &[b""])]),
            (b"250-\r\n250\r\n", vec![reply(250, &[b"", b""])]),
            (b"250OK\r\n", vec![reply(250, &[b"OK"])]),
            (b"550 caf\xe9 \x00\r\n", vec![reply(550, &[b"caf\xe9 \x00"])]),
            (b"354  go\r\n", vec![reply(354, &[b" go"])]),
            (b"297 middle\r\n", vec![reply(297, &[b"middle"])]),
            (b"550-first\r\n451 last decides\r\n", vec![reply(451, &[b"first", b"last decides"])]),
            (b"250 a\r\n250 b\r\n", vec![reply(250, &[b"a"]), reply(250, &[b"b"])]),
            (b"250 a\r\n25", vec![reply(250, &[b"a"])]),
        ];
        for (octets, expected) in rows {
            for size in 1..=octets.len() {
                assert_eq!(read(octets, size).as_ref(), Ok(expected), "{octets:?} by {size}");
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_an_error_and_never_a_reply() {
        let rows: &[&[u8]] =
            &[b"\r\n", b"25\r\n", b"hello\r\n", b"150 x\r\n", b"650 x\r\n", b" 250 x\r\n", b"250-a\r\nx\r\n"];
        for octets in rows {
            for size in 1..=octets.len() {
                assert!(matches!(read(octets, size), Err(ReplyError::NoCode(_))), "{octets:?} by {size}");
            }
        }
    }

    #[test]
    fn ten_thousand_lines_are_read_and_endless_ones_refused() {
        let mut octets = b"250-a line of a reply that goes on\r\n".repeat(10_000);
        octets.extend_from_slice(b"250 end\r\n");
        assert_eq!(read(&octets, 1).map(|replies| replies[0].lines.len()), Ok(10_001));
        assert_eq!(read(&b"250-x\r\n".repeat(MAX_REPLY / 5), 4096), Err(ReplyError::TooLong));
        assert_eq!(read(&vec![b'2'; MAX_LINE + 2], 4096), Err(ReplyError::LineTooLong));
    }
}
