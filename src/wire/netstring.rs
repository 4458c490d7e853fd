//! Netstrings (D. J. Bernstein, 1997), as Postfix's socketmap speaks them: strict, and bounded before anything is kept.

use nom::bytes::streaming::{tag, take, take_while_m_n};
use nom::error::{Error, ErrorKind};
use nom::{Err, IResult, Parser};
use thiserror::Error;

/// A netstring at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netstring<'a> {
    /// What it carries.
    pub payload: &'a [u8],
    /// How many octets of the buffer it takes.
    pub consumed: usize,
}

/// The octets are no netstring, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NetstringError {
    /// No digits, a leading zero, or no colon behind them.
    #[error("expected a netstring's length and a colon")]
    Length,
    /// Longer than the reader takes.
    #[error("the netstring is longer than {limit} octets")]
    TooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// Something else than a comma behind the payload.
    #[error("expected a comma at the netstring's end")]
    Comma,
}

impl<'a> Netstring<'a> {
    /// Reads one from the start of `buffer`; `None` while octets are missing.
    ///
    /// ```abnf
    /// netstring = length ":" *OCTET ","
    /// length = "0" / ( %x31-39 *DIGIT )
    /// ```
    ///
    /// # Errors
    /// [`NetstringError`] as soon as it is certain.
    pub fn parse(buffer: &'a [u8], limit: usize) -> Result<Option<Netstring<'a>>, NetstringError> {
        let (after_length, length) = match length(buffer) {
            Ok(read) => read,
            Err(Err::Incomplete(_)) => return Ok(None),
            Err(Err::Error(_) | Err::Failure(_)) => return Err(NetstringError::Length),
        };
        if length > limit {
            return Err(NetstringError::TooLong { limit });
        }
        match payload(after_length, length) {
            Ok((rest, payload)) => Ok(Some(Netstring { payload, consumed: buffer.len() - rest.len() })),
            Err(Err::Incomplete(_)) => Ok(None),
            Err(Err::Error(_) | Err::Failure(_)) => Err(NetstringError::Comma),
        }
    }
}

/// `payload` as a netstring.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let mut octets = payload.len().to_string().into_bytes();
    octets.push(b':');
    octets.extend_from_slice(payload);
    octets.push(b',');
    octets
}

fn length(input: &[u8]) -> IResult<&[u8], usize> {
    let (rest, digits) = take_while_m_n(1, 9, |octet: u8| octet.is_ascii_digit()).parse(input)?;
    if digits.len() > 1 && digits[0] == b'0' {
        return Err(Err::Error(Error::new(input, ErrorKind::Digit)));
    }
    let (rest, _) = tag(":").parse(rest)?;
    // At most nine digits: no overflow.
    Ok((rest, digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))))
}

fn payload(input: &[u8], length: usize) -> IResult<&[u8], &[u8]> {
    let (rest, payload) = take(length).parse(input)?;
    let (rest, _) = tag(",").parse(rest)?;
    Ok((rest, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_read_strictly() {
        let read = |payload, consumed| Ok(Some(Netstring { payload, consumed }));
        type Row<'a> = (&'a [u8], Result<Option<Netstring<'a>>, NetstringError>);
        let rows: &[Row<'_>] = &[
            (b"5:hello,", read(b"hello", 8)),
            (b"0:,rest", read(b"", 3)),
            (b"3:a,b,x", read(b"a,b", 6)),
            (b"", Ok(None)),
            (b"5", Ok(None)),
            (b"5:hell", Ok(None)),
            (b"5:hello", Ok(None)),
            (b"5:hello;", Err(NetstringError::Comma)),
            (b"05:hello,", Err(NetstringError::Length)),
            (b"00:,", Err(NetstringError::Length)),
            (b"-1:,", Err(NetstringError::Length)),
            (b" 5:hello,", Err(NetstringError::Length)),
            (b":,", Err(NetstringError::Length)),
            (b"5hello,", Err(NetstringError::Length)),
            (b"11:", Err(NetstringError::TooLong { limit: 10 })),
            (b"999999999:", Err(NetstringError::TooLong { limit: 10 })),
            (b"9999999999:", Err(NetstringError::Length)),
        ];
        for (buffer, expected) in rows {
            assert_eq!(Netstring::parse(buffer, 10), *expected, "{}", String::from_utf8_lossy(buffer));
        }
    }

    #[test]
    fn an_octet_at_a_time_is_enough() {
        let wire = encode(b"transport anna@gmx.de");
        for end in 0..wire.len() {
            assert_eq!(Netstring::parse(&wire[..end], 100_000), Ok(None));
        }
        let whole = Netstring::parse(&wire, 100_000).unwrap().unwrap();
        assert_eq!((whole.payload, whole.consumed), (&b"transport anna@gmx.de"[..], wire.len()));
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_read(payload in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let wire = encode(&payload);
            let read = Netstring::parse(&wire, 100).unwrap().unwrap();
            proptest::prop_assert_eq!(read.payload, &payload[..]);
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = Netstring::parse(&octets, 100);
        }
    }
}
