//! Line ends: whatever comes in, CRLF goes out, and neither CR nor LF stands anywhere else.
//!
//! | in | out | why |
//! |---|---|---|
//! | LF | CRLF | pipe(8) and Unix write it |
//! | one or more CR, then LF | CRLF | a file that was converted twice |
//! | one or more CR, then something else | one space | a new line here could begin a field or end the data |
//! | CR at the end of the message | CRLF | |
//! | NUL | a space | no server must take it (RFC 5321 section 4.5.2, RFC 6152) |

use memchr::{memchr, memchr_iter, memchr3};

/// The state between one piece of the message and the next.
#[derive(Debug, Default)]
pub(crate) struct LineEnds {
    /// The last piece ended in CR, of which nothing was written yet.
    carriage_return: bool,
}

impl LineEnds {
    /// `piece` with its line ends put right: itself where they were, else what was written to `scratch`.
    pub(crate) fn normalise<'a>(&mut self, piece: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if self.carriage_return || memchr(b'\0', piece).is_some() {
            return self.rewrite(piece, scratch);
        }
        match memchr(b'\r', piece) {
            None => with_carriage_returns(piece, scratch),
            Some(_) if has_crlf_only(piece) => piece,
            Some(_) => self.rewrite(piece, scratch),
        }
    }

    /// What is still owed at the end of the message.
    pub(crate) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.carriage_return) { b"\r\n" } else { b"" }
    }

    fn rewrite<'a>(&mut self, piece: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        scratch.clear();
        let mut rest = piece;
        if self.carriage_return {
            rest = self.after_carriage_return(rest, scratch);
        }
        while let Some(at) = memchr3(b'\r', b'\n', b'\0', rest) {
            scratch.extend_from_slice(&rest[..at]);
            let after = &rest[at + 1..];
            rest = match rest[at] {
                b'\n' => push_and(scratch, b"\r\n", after),
                b'\r' => self.after_carriage_return(after, scratch),
                _ => push_and(scratch, b" ", after),
            };
        }
        scratch.extend_from_slice(rest);
        scratch
    }

    /// Decides what a run of CR was, once something follows it.
    fn after_carriage_return<'a>(&mut self, rest: &'a [u8], scratch: &mut Vec<u8>) -> &'a [u8] {
        let run = rest.iter().take_while(|octet| **octet == b'\r').count();
        let rest = &rest[run..];
        self.carriage_return = rest.is_empty();
        match rest.first() {
            None => rest,
            Some(b'\n') => push_and(scratch, b"\r\n", &rest[1..]),
            Some(_) => push_and(scratch, b" ", rest),
        }
    }
}

fn push_and<'a>(scratch: &mut Vec<u8>, octets: &[u8], rest: &'a [u8]) -> &'a [u8] {
    scratch.extend_from_slice(octets);
    rest
}

/// A piece without any CR.
fn with_carriage_returns<'a>(piece: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    scratch.clear();
    scratch.reserve(piece.len() + piece.len() / 32);
    let mut from = 0;
    for at in memchr_iter(b'\n', piece) {
        scratch.extend_from_slice(&piece[from..at]);
        scratch.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    scratch.extend_from_slice(&piece[from..]);
    scratch
}

fn has_crlf_only(piece: &[u8]) -> bool {
    let mut line_ends = 0;
    for at in memchr_iter(b'\n', piece) {
        if at == 0 || piece[at - 1] != b'\r' {
            return false;
        }
        line_ends += 1;
    }
    memchr_iter(b'\r', piece).count() == line_ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut line_ends, mut scratch, mut out) = (LineEnds::default(), Vec::new(), Vec::new());
        for piece in pieces {
            out.extend_from_slice(line_ends.normalise(piece, &mut scratch));
        }
        out.extend_from_slice(line_ends.finish());
        out
    }

    #[test]
    fn every_line_end_has_its_result_however_the_octets_are_cut() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"a\r\nb\r\n", b"a\r\nb\r\n"),
            (b"a\r\nb\nc", b"a\r\nb\r\nc"),
            (b"a\r\r\nb", b"a\r\nb"),
            (b"a\rb", b"a b"),
            (b"a\r\rb\r", b"a b\r\n"),
            (b"a\n\n\nb", b"a\r\n\r\n\r\nb"),
            (b"\n.\n", b"\r\n.\r\n"),
            (b"\r.\r", b" .\r\n"),
            (b"a\0b\r\0\n", b"a b  \r\n"),
            (b"\n\r\n\r", b"\r\n\r\n\r\n"),
        ];
        for (input, expected) in rows {
            assert_eq!(normalised(&[input]), *expected, "{input:?} in one piece");
            let octets: Vec<&[u8]> = input.chunks(1).collect();
            assert_eq!(normalised(&octets), *expected, "{input:?} octet by octet");
            for border in 0..input.len() {
                let (a, b) = input.split_at(border);
                assert_eq!(normalised(&[a, b]), *expected, "{input:?} cut at {border}");
            }
        }
    }
}
