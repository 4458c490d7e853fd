//! Raw octets outside ASCII as encoded words (RFC 2047).

use crate::wire::header::token::{Kind, Token, encoded_word, tokens};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets of one encoded word, at most (RFC 2047 section 2).
const MAX_WORD: usize = 75;

/// Charsets with one octet a character, of which ASCII is a part: what a message may declare and mean.
const SINGLE_OCTET: [&str; 3] = ["iso-8859-", "windows-125", "koi8-"];

/// Octets outside ASCII with the name of their charset.
pub(super) struct Encoder {
    /// What the message's Content-Type declares.
    declared: Option<String>,
}

impl Encoder {
    /// For a message that declares `charset`.
    pub(super) fn new(charset: Option<&str>) -> Encoder {
        let declared = charset.map(str::to_ascii_lowercase);
        let is_usable = |name: &String| SINGLE_OCTET.iter().any(|prefix| name.starts_with(prefix)) && name.len() < 20;
        let is_token = |name: &String| name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        Encoder { declared: declared.filter(is_usable).filter(is_token) }
    }

    /// UTF-8 where it is valid: no other charset is so by accident. Else what the message declares, if that is a
    /// charset of single octets, else what mail programs of the West wrote: never `unknown-8bit`, which readers show
    /// as it stands.
    pub(super) fn charset(&self, text: &[u8]) -> &str {
        let is_c1 = |octet: &u8| (0x80..0xa0).contains(octet);
        match (std::str::from_utf8(text), &self.declared) {
            (Ok(_), _) => "utf-8",
            (Err(_), Some(declared)) => declared,
            (Err(_), None) if text.iter().any(is_c1) => "windows-1252",
            (Err(_), None) => "iso-8859-1",
        }
    }

    /// `text` as one or more encoded words, on lines of their own after the first.
    pub(super) fn words(&self, text: &[u8]) -> Vec<u8> {
        let charset = self.charset(text);
        // Q stays readable in a raw header; mostly foreign text is shorter in B.
        let foreign = text.iter().filter(|octet| !octet.is_ascii()).count();
        let is_q = foreign <= 6 || foreign * 2 <= text.len();
        let room = MAX_WORD - charset.len() - "=??Q??=".len();
        let mut words = Vec::new();
        for piece in pieces(
            text,
            charset == "utf-8",
            |octet| if is_q { q(octet).len() } else { 1 },
            match is_q {
                true => room,
                false => room / 4 * 3,
            },
        ) {
            let encoded = match is_q {
                true => piece.iter().map(|octet| q(*octet)).collect(),
                false => STANDARD.encode(piece),
            };
            words.push(format!("=?{charset}?{}?{encoded}?=", if is_q { 'Q' } else { 'B' }));
        }
        words.join("\r\n ").into_bytes()
    }

    /// A phrase whose words outside ASCII are encoded, with the words around them: display name or group name.
    pub(super) fn phrase(&self, phrase: &[u8]) -> Vec<u8> {
        self.encoded(phrase, &tokens(phrase).0)
    }

    /// A phrase with commas and the like in it, encoded as a whole.
    pub(super) fn whole(&self, phrase: &[u8]) -> Vec<u8> {
        let text: Vec<u8> = tokens(phrase).0.iter().flat_map(|token| plain(phrase, token)).collect();
        let (text, space) = text.split_at(text.trim_ascii_end().len());
        [&self.words(text), space].concat()
    }

    /// Unstructured text, as a Subject has it, encoded from its first word to its last.
    pub(super) fn text(&self, text: &[u8]) -> Vec<u8> {
        self.encoded(text, &words(text))
    }

    /// `text` with each stretch of `tokens` between comments and encoded words encoded, if need be.
    fn encoded(&self, text: &[u8], tokens: &[Token]) -> Vec<u8> {
        let is_border = |token: &Token| matches!(token.kind, Kind::Comment | Kind::EncodedWord);
        let mut out = Vec::new();
        let mut rest = tokens;
        let mut after_word = false;
        while !rest.is_empty() {
            let length = rest.iter().position(is_border).unwrap_or(rest.len());
            let (segment, border) = rest.split_at(length);
            let before_word = border.first().is_some_and(|token| token.kind == Kind::EncodedWord);
            out.extend(self.segment(text, segment, after_word, before_word));
            let (border, after) = border.split_at(border.len().min(1));
            for token in border {
                out.extend(self.token(text, token));
                after_word = token.kind == Kind::EncodedWord;
            }
            rest = after;
        }
        out
    }

    /// A comment, or an encoded word as it is.
    fn token(&self, phrase: &[u8], token: &Token) -> Vec<u8> {
        let octets = &phrase[token.span()];
        if token.kind == Kind::Comment { self.comment(octets) } else { octets.to_vec() }
    }

    /// Words between comments and encoded words. The space between two encoded words is shown to nobody, so it is
    /// encoded where one stands at either side.
    fn segment(&self, phrase: &[u8], tokens: &[Token], after_word: bool, before_word: bool) -> Vec<u8> {
        let is_space = |token: &Token| token.kind == Kind::Space;
        let (Some(first), Some(last)) =
            (tokens.iter().position(|token| !is_space(token)), tokens.iter().rposition(|token| !is_space(token)))
        else {
            return tokens.iter().flat_map(|token| phrase[token.span()].to_vec()).collect();
        };
        let whole = tokens[0].start..tokens[tokens.len() - 1].end;
        let inside = tokens[first].start..tokens[last].end;
        if phrase[inside.clone()].is_ascii() {
            return phrase[whole].to_vec();
        }
        let mut text = if after_word { b" ".to_vec() } else { Vec::new() };
        tokens[first..=last].iter().for_each(|token| text.extend(plain(phrase, token)));
        text.extend_from_slice(if before_word { b" " } else { b"" });
        let before = separator(&phrase[whole.start..inside.start], after_word);
        let after = separator(&phrase[inside.end..whole.end], before_word);
        [before, &self.words(&text), after].concat()
    }

    /// A comment with what is in it encoded.
    pub(super) fn comment(&self, comment: &[u8]) -> Vec<u8> {
        if comment.is_ascii() {
            return comment.to_vec();
        }
        let inside = unescaped(&comment[1..comment.len() - 1]);
        [b"(", self.words(&inside).as_slice(), b")"].concat()
    }
}

/// White space and words, encoded ones apart: the tokens of unstructured text.
fn words(text: &[u8]) -> Vec<Token> {
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let (mut words, mut start) = (Vec::new(), 0);
    for run in text.chunk_by(|a, b| is_space(a) == is_space(b)) {
        let kind = match encoded_word(run) {
            _ if is_space(&run[0]) => Kind::Space,
            Ok((b"", _)) => Kind::EncodedWord,
            Ok(_) | Err(_) => Kind::Word,
        };
        words.push(Token { kind, start, end: start + run.len() });
        start += run.len();
    }
    words
}

/// Two encoded words must be parted by white space.
fn separator(space: &[u8], beside_word: bool) -> &[u8] {
    if space.is_empty() && beside_word { b" " } else { space }
}

/// What a token of a phrase says.
fn plain(phrase: &[u8], token: &Token) -> Vec<u8> {
    let octets = &phrase[token.span()];
    match token.kind {
        Kind::Quoted => unescaped(&octets[1..octets.len() - 1]),
        Kind::Space => b" ".to_vec(),
        Kind::Comment | Kind::Literal | Kind::Special(_) | Kind::EncodedWord | Kind::Word => octets.to_vec(),
    }
}

/// Without backslashes and folds.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = false;
    let keeps = |octet: &u8| {
        let drops = !escaped && *octet == b'\\' || matches!(octet, b'\r' | b'\n');
        escaped = drops && *octet == b'\\';
        !drops
    };
    text.iter().copied().filter(keeps).collect()
}

/// Pieces of at most `room` by `cost`, cut between characters where the text is UTF-8.
fn pieces(text: &[u8], utf8: bool, cost: impl Fn(u8) -> usize, room: usize) -> Vec<&[u8]> {
    let (mut pieces, mut start, mut used, mut at) = (Vec::new(), 0, 0, 0);
    while at < text.len() {
        let is_continued = |octet: &u8| utf8 && (0x80..0xc0).contains(octet);
        let length = 1 + text[at + 1..].iter().take_while(|octet| is_continued(octet)).count();
        let needed: usize = text[at..at + length].iter().map(|octet| cost(*octet)).sum();
        if used + needed > room && at > start {
            pieces.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += needed;
        at += length;
    }
    pieces.push(&text[start..]);
    pieces
}

/// One octet of Q encoding, by the strictest rule (RFC 2047 section 5, in a phrase).
fn q(octet: u8) -> String {
    match octet {
        b' ' => "_".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'*' | b'+' | b'-' | b'/' => char::from(octet).to_string(),
        _ => format!("={octet:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(text: &[u8], declared: Option<&str>) -> String {
        String::from_utf8(Encoder::new(declared).phrase(text)).unwrap()
    }

    #[test]
    fn phrases_are_encoded_with_what_they_say() {
        let rows: &[(&[u8], &str)] = &[
            ("Müller".as_bytes(), "=?utf-8?Q?M=C3=BCller?="),
            ("\"Müller, Anna\"".as_bytes(), "=?utf-8?Q?M=C3=BCller=2C_Anna?="),
            ("\"M\\\"ü\\\\\"".as_bytes(), "=?utf-8?Q?M=22=C3=BC=5C?="),
            ("Anna M. Müller".as_bytes(), "=?utf-8?Q?Anna_M=2E_M=C3=BCller?="),
            (b"M\xfcller", "=?iso-8859-1?Q?M=FCller?="),
            (b"\x84M\xfcller\x93", "=?windows-1252?Q?=84M=FCller=93?="),
            (
                "Müller (die Ältere) =?utf-8?Q?x?= ß".as_bytes(),
                "=?utf-8?Q?M=C3=BCller?= (=?utf-8?Q?die_=C3=84ltere?=) =?utf-8?Q?x?= =?utf-8?Q?_=C3=9F?=",
            ),
            ("ß =?utf-8?Q?x?=".as_bytes(), "=?utf-8?Q?=C3=9F_?= =?utf-8?Q?x?="),
            ("日本語の名前".as_bytes(), "=?utf-8?B?5pel5pys6Kqe44Gu5ZCN5YmN?="),
            (b"Anna \"M.\" (c)", "Anna \"M.\" (c)"),
        ];
        for (text, expected) in rows {
            assert_eq!(phrase(text, None), *expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_declared_charset_of_single_octets_is_believed_where_the_text_is_not_utf8() {
        assert_eq!(phrase(b"\xb1", Some("ISO-8859-2")), "=?iso-8859-2?Q?=B1?=");
        assert_eq!(phrase("ü".as_bytes(), Some("ISO-8859-2")), "=?utf-8?Q?=C3=BC?=");
        for unusable in ["utf-8", "iso-8859-1?=\r\nBcc:", "gb2312", "iso-8859-1-and-much-more-of-it"] {
            assert_eq!(phrase(b"\xb1", Some(unusable)), "=?iso-8859-1?Q?=B1?=", "{unusable}");
        }
    }

    #[test]
    fn long_texts_become_several_words_cut_between_characters() {
        for text in ["ü".repeat(100), "日本語".repeat(40), format!("{}ü", "a".repeat(200))] {
            let words = phrase(text.as_bytes(), None);
            assert!(words.split("\r\n ").all(|word| word.len() <= MAX_WORD), "{words}");
            let decoded = mail_parser::MessageParser::new()
                .parse(format!("Subject: {words}\r\n\r\n").as_bytes())
                .unwrap()
                .subject()
                .unwrap()
                .to_owned();
            assert_eq!(decoded, text);
        }
    }
}
