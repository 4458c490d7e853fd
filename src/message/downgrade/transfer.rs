//! The transfer encodings (RFC 2045 section 6), over content that comes in lines or pieces of lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets of an encoded line, at most.
const MAX_LINE: usize = 76;

/// Octets that make one line of base64.
const BASE64_LINE: usize = MAX_LINE / 4 * 3;

/// Quoted-printable.
#[derive(Default)]
pub(super) struct QuotedPrintable {
    column: usize,
    /// White space at the end of what came: encoded if the line ends behind it.
    held: Option<u8>,
}

impl QuotedPrintable {
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for octet in octets {
            match octet {
                // CR and LF come as CRLF only.
                b'\r' => {}
                b'\n' => self.end_line(out),
                b' ' | b'\t' => {
                    self.release(out);
                    self.held = Some(*octet);
                }
                b'!'..=b'<' | b'>'..=b'~' => {
                    self.release(out);
                    self.put(&[*octet], out);
                }
                _ => {
                    self.release(out);
                    self.put(&escape(*octet), out);
                }
            }
        }
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        if let Some(space) = self.held.take() {
            self.put(&escape(space), out);
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if let Some(space) = self.held.take() {
            self.put(&escape(space), out);
        }
        out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        if let Some(space) = self.held.take() {
            self.put(&[space], out);
        }
    }

    /// Puts octets that may not be parted, after a soft line break if the line has no room for them and another.
    fn put(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        if self.column + octets.len() >= MAX_LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        out.extend_from_slice(octets);
        self.column += octets.len();
    }
}

/// Base64.
#[derive(Default)]
pub(super) struct Base64 {
    /// Less than a line's octets, and the line end that may belong to a boundary.
    held: Vec<u8>,
}

impl Base64 {
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(octets);
        // Two octets stay, in case they are the line end before a boundary.
        let whole = self.held.len().saturating_sub(2) / BASE64_LINE * BASE64_LINE;
        encode(&self.held[..whole], out);
        self.held.drain(..whole);
    }

    pub(super) fn finish(mut self, at_boundary: bool, out: &mut Vec<u8>) {
        if at_boundary && self.held.ends_with(b"\r\n") {
            self.held.truncate(self.held.len() - 2);
        }
        encode(&self.held, out);
    }
}

fn encode(octets: &[u8], out: &mut Vec<u8>) {
    for line in octets.chunks(BASE64_LINE) {
        out.extend_from_slice(STANDARD.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Raw octets in what is quoted-printable already.
pub(super) struct Mend;

impl Mend {
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for octet in octets {
            match octet.is_ascii() {
                true => out.push(*octet),
                false => out.extend_from_slice(&escape(*octet)),
            }
        }
    }
}

fn escape(octet: u8) -> [u8; 3] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [b'=', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]
}
