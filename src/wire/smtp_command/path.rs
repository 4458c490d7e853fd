//! The path of MAIL and RCPT: where it ends, quoted-strings and all.

use super::{remainder, space};
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, tag_no_case, take_till1};
use nom::combinator::{opt, recognize};
use nom::multi::many0;
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

/// Reads `keyword`, a path, and the parameters behind it: answers (parameters, path). The path comes without its angle
/// brackets.
pub(super) fn after<'a>(keyword: &str, input: &'a [u8]) -> IResult<&'a [u8], &'a [u8]> {
    let (input, _) = (tag_no_case(keyword.as_bytes()), opt(space)).parse(input)?;
    let (input, path) = alt((bracketed, bare)).parse(input)?;
    let (_, parameters) = remainder(input)?;
    Ok((parameters, path))
}

/// ```abnf
/// Path = "<" [ A-d-l ":" ] Mailbox ">"
/// ```
fn bracketed(input: &[u8]) -> IResult<&[u8], &[u8]> {
    delimited(tag("<"), recognize(many0(alt((quoted_string, is_not("\">"))))), tag(">")).parse(input)
}

/// ```abnf
/// Quoted-string = DQUOTE *QcontentSMTP DQUOTE
/// quoted-pairSMTP = %d92 %d32-126
/// ```
fn quoted_string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let quoted_pair = recognize(pair(tag("\\"), nom::bytes::complete::take(1usize)));
    recognize(delimited(tag("\""), many0(alt((quoted_pair, is_not("\\\"")))), tag("\""))).parse(input)
}

/// A path without brackets: up to the first space.
fn bare(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let quoted = recognize(pair(quoted_string, take_till1(|octet| octet == b' ')));
    preceded(nom::combinator::not(tag("<")), alt((quoted, take_till1(|octet| octet == b' ')))).parse(input)
}
