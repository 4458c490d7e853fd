//! The lexical tokens of structured field bodies (RFC 5322 section 3.2), as spans that cover every octet.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::one_of;
use nom::combinator::recognize;
use nom::{IResult, Parser};
use std::ops::Range;

/// A run of octets of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its first octet.
    pub start: usize,
    /// Behind its last octet.
    pub end: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space and folds.
    Space,
    /// `(…)`, nested ones included.
    Comment,
    /// `"…"`
    Quoted,
    /// `[…]`
    Literal,
    /// One of `< > , ; : @`.
    Special(u8),
    /// `=?charset?encoding?text?=` (RFC 2047), in which no octet is special.
    EncodedWord,
    /// Anything else, dots and octets outside ASCII included.
    Word,
}

impl Token {
    /// Where it stands.
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether it is a comment or white space, which mean nothing in an address.
    pub fn is_cfws(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// The tokens of `body`, from its first octet to its last, and whether something was opened and not closed: the
/// opening octet counts as a word then.
pub fn tokens(body: &[u8]) -> (Vec<Token>, bool) {
    let (mut tokens, mut unclosed) = (Vec::new(), Unclosed::default());
    let mut at = 0;
    while at < body.len() {
        let (kind, length) = token(&body[at..], &mut unclosed);
        tokens.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    (tokens, unclosed.any())
}

/// What was found to have no end: it is not looked for again, or a body of opening octets would take its square.
#[derive(Default)]
struct Unclosed {
    comment: bool,
    quoted: bool,
    literal: bool,
}

impl Unclosed {
    fn any(&self) -> bool {
        self.comment || self.quoted || self.literal
    }
}

fn token(input: &[u8], unclosed: &mut Unclosed) -> (Kind, usize) {
    let (kind, flag, end) = match input[0] {
        b'(' => (Kind::Comment, &mut unclosed.comment, comment_end as fn(&[u8]) -> Option<usize>),
        b'"' => (Kind::Quoted, &mut unclosed.quoted, quoted_end as fn(&[u8]) -> Option<usize>),
        b'[' => (Kind::Literal, &mut unclosed.literal, literal_end as fn(&[u8]) -> Option<usize>),
        _ => return simple_token(input),
    };
    match if *flag { None } else { end(input) } {
        Some(end) => (kind, end),
        None => {
            *flag = true;
            (Kind::Word, 1)
        }
    }
}

fn simple_token(input: &[u8]) -> (Kind, usize) {
    let mut parser = alt((
        take_while1(is_space).map(|octets: &[u8]| (Kind::Space, octets.len())),
        one_of("<>,;:@").map(|special| (Kind::Special(special as u8), 1)),
        encoded_word.map(|octets: &[u8]| (Kind::EncodedWord, octets.len())),
        take_while1(is_word).map(|octets: &[u8]| (Kind::Word, octets.len())),
    ));
    let result: IResult<&[u8], (Kind, usize)> = parser.parse(input);
    // What no rule takes is a stray octet.
    result.map_or((Kind::Word, 1), |(_, token)| token)
}

/// ```abnf
/// encoded-word = "=?" charset "?" ( "B" / "Q" ) "?" encoded-text "?="   ; no space, no "?" in the text
/// ```
pub(crate) fn encoded_word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let charset = take_while1(|octet: u8| octet.is_ascii_graphic() && !b"?()<>@,;:\"/[]=".contains(&octet));
    let text = take_while(|octet: u8| octet.is_ascii_graphic() && octet != b'?');
    recognize((tag(&b"=?"[..]), charset, tag(&b"?"[..]), one_of("BbQq"), tag(&b"?"[..]), text, tag(&b"?="[..])))
        .parse(input)
}

fn comment_end(input: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, octet) in input.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn quoted_end(input: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, octet) in input.iter().enumerate().skip(1) {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn literal_end(input: &[u8]) -> Option<usize> {
    let end = input.iter().position(|octet| *octet == b']')?;
    Some(end + 1)
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_word(octet: u8) -> bool {
    !is_space(octet) && !b"()<>[]:;@,\"".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_belongs_to_one_token() {
        let rows = [
            ("Anna M. <a@b>", "W W <W@W>"),
            ("\"q\\\"\" (c (d) \\)) [l] x", "Q C L W"),
            ("=?utf-8?Q?a,b?= =?bad?X?y?=", "E W"),
            ("\"open (too [x", "WW WW WW"),
            ("a\r\n b)", "W WW"),
        ];
        for (body, expected) in rows {
            let shown: String = tokens(body.as_bytes()).0.iter().map(|token| shown(token.kind)).collect();
            assert_eq!(shown, expected, "{body}");
        }
    }

    fn shown(kind: Kind) -> char {
        match kind {
            Kind::Space => ' ',
            Kind::Comment => 'C',
            Kind::Quoted => 'Q',
            Kind::Literal => 'L',
            Kind::Special(octet) => octet as char,
            Kind::EncodedWord => 'E',
            Kind::Word => 'W',
        }
    }
}
