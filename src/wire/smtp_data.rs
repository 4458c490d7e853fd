//! The message behind DATA: where it ends, with dot-stuffing undone (RFC 5321 section 4.5.2).
//!
//! What ends a message is the one question on which SMTP smuggling turns. From SMTP and LMTP only `CRLF.CRLF` does:
//! `LF.LF`, `LF.CRLF`, `CR.CR` and their mixtures are content. Batch SMTP on a pipe has the MTA's own line ends, which
//! are LF, so there a line is what ends with LF, and a line that is a lone dot (with or without a CR behind it) is the end.

/// Which line ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// CRLF alone: SMTP and LMTP.
    Crlf,
    /// LF, with or without a CR before it: batch SMTP.
    Lf,
}

/// Undoes dot-stuffing over any chunk borders and finds the end of data.
#[derive(Clone, Debug)]
pub struct Unstuffer {
    line_ends: LineEnds,
    state: State,
}

/// What of a line has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineStart,
    /// A dot at the start of a line, held back.
    Dot,
    /// Dot and CR, both held back.
    DotCr,
    Inside,
    /// Inside a line, a CR was the last octet.
    Cr,
}

/// What [`Unstuffer::push`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All octets were content; more must come.
    More,
    /// The end of data: so many octets belong to it, the terminator included.
    End {
        /// Octets consumed.
        consumed: usize,
    },
}

impl Unstuffer {
    /// Stands at the start of a message.
    pub fn new(line_ends: LineEnds) -> Unstuffer {
        Unstuffer { line_ends, state: State::LineStart }
    }

    /// Takes `input`, appends its content to `content`.
    pub fn push(&mut self, input: &[u8], content: &mut Vec<u8>) -> Progress {
        let mut index = 0;
        while index < input.len() {
            if self.state == State::Inside {
                // The body of lines is copied in one piece.
                let run = input[index..].iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                let end = run.map_or(input.len(), |run| index + run);
                content.extend_from_slice(&input[index..end]);
                index = end;
                if index == input.len() {
                    break;
                }
            }
            if self.take(input[index], content) {
                return Progress::End { consumed: index + 1 };
            }
            index += 1;
        }
        Progress::More
    }

    /// One octet; whether it completed the end of data.
    fn take(&mut self, octet: u8, content: &mut Vec<u8>) -> bool {
        let lf_ends = self.line_ends == LineEnds::Lf;
        match (self.state, octet) {
            (State::LineStart, b'.') => {
                self.state = State::Dot;
                return false;
            }
            (State::Dot, b'\r') => {
                self.state = State::DotCr;
                return false;
            }
            (State::Dot, b'\n') if lf_ends => return true,
            (State::DotCr, b'\n') => return true,
            // The first dot of a longer line is the stuffed one and falls away; a CR held back was content.
            (State::DotCr, _) => content.push(b'\r'),
            (State::LineStart | State::Dot | State::Inside | State::Cr, _) => {}
        }
        let after_cr = matches!(self.state, State::Cr | State::DotCr);
        content.push(octet);
        self.state = match octet {
            b'\n' if lf_ends || after_cr => State::LineStart,
            b'\r' => State::Cr,
            _ => State::Inside,
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content up to the end of data, and what is left behind it; `None` without an end.
    fn decoded(line_ends: LineEnds, input: &[u8], chunk: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut unstuffer = Unstuffer::new(line_ends);
        let mut content = Vec::new();
        for (index, part) in input.chunks(chunk).enumerate() {
            if let Progress::End { consumed } = unstuffer.push(part, &mut content) {
                return Some((content, input[index * chunk + consumed..].to_vec()));
            }
        }
        None
    }

    #[test]
    fn dots_are_undone_and_only_the_protocols_own_terminator_ends_a_message() {
        use LineEnds::{Crlf, Lf};
        type Row<'a> = (LineEnds, &'a [u8], Option<(&'a [u8], &'a [u8])>);
        let rows: &[Row<'_>] = &[
            (Crlf, b"a\r\n.\r\nQUIT", Some((b"a\r\n", b"QUIT"))),
            (Crlf, b".\r\n", Some((b"", b""))),
            (Crlf, b"..\r\n.\r\n", Some((b".\r\n", b""))),
            (Crlf, b".a\r\n.\r\n", Some((b"a\r\n", b""))),
            (Crlf, b"a\n.\nMAIL\r\n.\r\n", Some((b"a\n.\nMAIL\r\n", b""))),
            (Crlf, b"a\n.\r\nMAIL\r\n.\r\n", Some((b"a\n.\r\nMAIL\r\n", b""))),
            (Crlf, b"a\r.\r\nb\r\n.\r\n", Some((b"a\r.\r\nb\r\n", b""))),
            (Crlf, b"a\r\n.\rb\r\n.\r\n", Some((b"a\r\n\rb\r\n", b""))),
            (Crlf, b"a\r\n.\nb\r\n.\r\n", Some((b"a\r\n\nb\r\n", b""))),
            (Crlf, b"a\r\n.\r\r\n.\r\n", Some((b"a\r\n\r\r\n", b""))),
            (Crlf, b"a\r\r\n.\r\n", Some((b"a\r\r\n", b""))),
            (Crlf, b"a\r\n.", None),
            (Crlf, b"a\n.\n", None),
            (Lf, b"a\n.\nQUIT\n", Some((b"a\n", b"QUIT\n"))),
            (Lf, b"a\r\n.\r\nQUIT", Some((b"a\r\n", b"QUIT"))),
            (Lf, b"..a\n.\n", Some((b".a\n", b""))),
            (Lf, b"a\r.\rb\n.\n", Some((b"a\r.\rb\n", b""))),
            (Lf, b"a\n.", None),
        ];
        for (line_ends, input, expected) in rows {
            let expected = expected.map(|(content, rest)| (content.to_vec(), rest.to_vec()));
            for chunk in 1..=input.len() {
                assert_eq!(decoded(*line_ends, input, chunk), expected, "{:?}", String::from_utf8_lossy(input));
            }
        }
    }
}
