//! Postfix's policy delegation protocol (SMTPD_POLICY_README): attributes in, one action out.

use nom::bytes::streaming::{tag, take_till, take_while1};
use nom::multi::many_till;
use nom::sequence::{separated_pair, terminated};
use nom::{Err, IResult, Parser};
use std::borrow::Cow;
use thiserror::Error;

/// The longest request read, in octets. Postfix's own are around 700; a certificate's subject can be long.
pub const MAX_REQUEST: usize = 65_536;

/// A request's attributes, in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyRequest<'a> {
    attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// The octets are no request, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A line without `=`, or without a name before it.
    #[error("expected name=value")]
    Line,
    /// Longer than [`MAX_REQUEST`].
    #[error("the request is longer than {MAX_REQUEST} octets")]
    TooLong,
}

impl<'a> PolicyRequest<'a> {
    /// Reads one request from the start of `buffer`: the request, and how many octets it takes; `None` while octets are
    /// missing. What is not UTF-8 becomes U+FFFD, so it matches no address and no login.
    ///
    /// ```abnf
    /// request = 1*( name "=" value LF ) LF
    /// name = 1*( ALPHA / DIGIT / "_" )
    /// value = *( %x01-09 / %x0B-FF )
    /// ```
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(buffer: &'a [u8]) -> Result<Option<(PolicyRequest<'a>, usize)>, PolicyError> {
        match many_till(attribute, line_end).parse(buffer) {
            Ok((rest, (attributes, _))) => {
                let lossy = |(name, value)| (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
                let attributes = attributes.into_iter().map(lossy).collect();
                Ok(Some((PolicyRequest { attributes }, buffer.len() - rest.len())))
            }
            Err(Err::Incomplete(_)) if buffer.len() > MAX_REQUEST => Err(PolicyError::TooLong),
            Err(Err::Incomplete(_)) => Ok(None),
            Err(Err::Error(_) | Err::Failure(_)) => Err(PolicyError::Line),
        }
    }

    /// An attribute's value; `None` when it is absent or empty, which Postfix uses alike. The last one counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().rev().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_ref())
    }
}

/// The answer: `action=...` and an empty line. A line end inside the action becomes a space.
pub fn encode_action(action: &str) -> Vec<u8> {
    format!("action={}\n\n", action.replace(['\r', '\n', '\0'], " ")).into_bytes()
}

fn line_end(input: &[u8]) -> IResult<&[u8], &[u8]> {
    tag("\n").parse(input)
}

fn attribute(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let name = take_while1(|octet: u8| octet.is_ascii_alphanumeric() || octet == b'_');
    terminated(separated_pair(name, tag("="), take_till(|octet| octet == b'\n')), line_end).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username=anna=b\nsender=\nqueue_id=\n\nrequest=";

    #[test]
    fn attributes_are_read_up_to_the_empty_line() {
        let (request, consumed) = PolicyRequest::parse(REQUEST).unwrap().unwrap();
        assert_eq!(consumed, REQUEST.len() - b"request=".len());
        let rows = [
            ("request", Some("smtpd_access_policy")),
            ("sasl_username", Some("anna=b")),
            ("sender", None),
            ("absent", None),
        ];
        for (name, value) in rows {
            assert_eq!(request.value(name), value, "{name}");
        }
    }

    #[test]
    fn an_octet_at_a_time_is_enough() {
        let end = REQUEST.len() - b"request=".len();
        for end in 0..end {
            assert_eq!(PolicyRequest::parse(&REQUEST[..end]), Ok(None), "{end}");
        }
        assert!(PolicyRequest::parse(&REQUEST[..end]).unwrap().is_some());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let long = [b"name=".as_slice(), &[b'x'; MAX_REQUEST]].concat();
        let rows: &[(&[u8], PolicyError)] =
            &[(b"no equals\n\n", PolicyError::Line), (b"=value\n\n", PolicyError::Line), (&long, PolicyError::TooLong)];
        for (octets, expected) in rows {
            assert_eq!(PolicyRequest::parse(octets), Err(*expected));
        }
    }

    #[test]
    fn an_action_stays_one_line() {
        assert_eq!(encode_action("REJECT a\nb"), b"action=REJECT a b\n\n");
    }
}
