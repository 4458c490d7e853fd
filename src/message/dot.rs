//! Transparency of DATA (RFC 5321 section 4.5.2): a dot that begins a line is doubled.
//!
//! The octets come from a [`super::Message`], so CR and LF stand only as CRLF: a line begins at the start and after
//! each LF, and nowhere else.

use memchr::memmem;

/// Doubles dots over any number of chunks.
#[derive(Debug)]
pub struct Stuffer {
    at_line_start: bool,
}

impl Default for Stuffer {
    fn default() -> Stuffer {
        Stuffer::new()
    }
}

impl Stuffer {
    /// At the start of a message.
    pub fn new() -> Stuffer {
        Stuffer { at_line_start: true }
    }

    /// Appends `chunk` to `out`, dots doubled.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Some(last) = chunk.last() else { return };
        if self.at_line_start && chunk[0] == b'.' {
            out.push(b'.');
        }
        let mut from = 0;
        for line_end in memmem::find_iter(chunk, b"\n.") {
            out.extend_from_slice(&chunk[from..=line_end]);
            out.push(b'.');
            from = line_end + 1;
        }
        out.extend_from_slice(&chunk[from..]);
        self.at_line_start = *last == b'\n';
    }

    /// Appends the end of data, on a line of its own.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.at_line_start { b".\r\n" } else { b"\r\n.\r\n" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(chunks: &[&[u8]]) -> Vec<u8> {
        let (mut stuffer, mut out) = (Stuffer::new(), Vec::new());
        chunks.iter().for_each(|chunk| stuffer.push(chunk, &mut out));
        stuffer.finish(&mut out);
        out
    }

    #[test]
    fn a_dot_is_doubled_at_each_line_start_and_nowhere_else_however_the_chunks_are_cut() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"", b".\r\n"),
            (b".", b"..\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"a.b\r\n", b"a.b\r\n.\r\n"),
            (b"a\r\n.\r\n.\r\n..b", b"a\r\n..\r\n..\r\n...b\r\n.\r\n"),
        ];
        for (message, expected) in rows {
            assert_eq!(stuffed(&[message]), *expected, "{message:?}");
            let octets: Vec<&[u8]> = message.chunks(1).collect();
            assert_eq!(stuffed(&octets), *expected, "{message:?} octet by octet");
            for border in 0..message.len() {
                let (a, b) = message.split_at(border);
                assert_eq!(stuffed(&[a, b]), *expected, "{message:?} cut at {border}");
            }
        }
    }
}
