//! Looking for phrases in what a server said, whatever its spelling, punctuation and line breaks.
//!
//! A text becomes lower-case words without accents; a [phrase](Words::has) is written in the same form:
//!
//! ```text
//! phrase      = token *( SP token )
//! token       = ".." / alternative *( "|" alternative )
//! alternative = part *( "_" part )
//! part        = "#" / [ "*" ] word [ "*" ]
//! ```
//!
//! `..` stands for up to [`GAP`] words, `_` joins words of one alternative, `#` is a number, `*` for any rest of a word.
//! `send*|daily .. limit` is found in "Daily user sending limit", and so is `*limit*` in "QuotaLimitException".

/// How many words `..` may stand for.
const GAP: usize = 8;

/// More words than this are not looked at: a refusal that says more says nothing.
const MOST_WORDS: usize = 400;

/// A text as words to look for.
#[derive(Debug)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// The words of `octets`: UTF-8, else Latin-1, as German servers still write it.
    pub(super) fn of(octets: &[u8]) -> Words {
        match std::str::from_utf8(octets) {
            Ok(text) => Words::split(text),
            Err(_) => Words::split(&octets.iter().map(|octet| char::from(*octet)).collect::<String>()),
        }
    }

    fn split(text: &str) -> Words {
        // A page's "ip=" parameter is there whatever was refused.
        let text = text.replace("?ip=", " ").replace("&ip=", " ").replace("i=ip", " ");
        let plain = without_addresses(&text)
            .to_lowercase()
            .chars()
            .filter(|c| !matches!(c, '\'' | '’' | '`'))
            .map(plain)
            .collect::<String>();
        let mut words = Vec::new();
        for word in plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MOST_WORDS) {
            match words.last_mut() {
                // "e-mail" and "email" are one word.
                Some(last) if last == "e" && word.starts_with("mail") => *last = format!("e{word}"),
                _ => words.push(word.to_owned()),
            }
        }
        Words(words)
    }

    /// Whether `phrase` stands somewhere in the text.
    pub(super) fn has(&self, phrase: &str) -> bool {
        (0..self.0.len()).any(|start| begins(phrase, &self.0[start..]))
    }

    /// The words, for rules that look at numbers.
    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Mail addresses say nothing, and a local-part such as `spam` or `relay` would seem to.
fn without_addresses(text: &str) -> String {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        kept.push_str(rest[..at].trim_end_matches(belongs));
        kept.push(' ');
        rest = rest[at + 1..].trim_start_matches(belongs);
    }
    kept + rest
}

/// Accents go, so that `überschritten`, `ueberschritten` and `uberschritten` end alike.
fn plain(character: char) -> char {
    match character {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// Whether `words` begin with `phrase`.
fn begins(phrase: &str, words: &[String]) -> bool {
    let (token, rest) = phrase.split_once(' ').unwrap_or((phrase, ""));
    match token {
        "" => true,
        ".." => (0..=GAP.min(words.len())).any(|skipped| begins(rest, &words[skipped..])),
        _ => token.split('|').any(|alternative| after(alternative, words).is_some_and(|behind| begins(rest, behind))),
    }
}

/// The words behind `alternative`, if `words` begin with it.
fn after<'a>(alternative: &str, mut words: &'a [String]) -> Option<&'a [String]> {
    for part in alternative.split('_') {
        let (word, behind) = words.split_first()?;
        words = fits(part, word).then_some(behind)?;
    }
    Some(words)
}

/// Whether one part of an alternative is `word`.
fn fits(alternative: &str, word: &str) -> bool {
    if alternative == "#" {
        return word.bytes().all(|octet| octet.is_ascii_digit());
    }
    match (alternative.strip_prefix('*'), alternative.strip_suffix('*')) {
        (Some(_), Some(_)) => word.contains(alternative.trim_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(start)) => word.starts_with(start),
        (None, None) => word == alternative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_whatever_the_spelling_around_it() {
        let rows: &[(&str, &str, bool)] = &[
            ("Daily user sending QUOTA exceeded.", "daily|hourly .. quota|limit exceed*", true),
            ("Daily user sending QUOTA exceeded.", "daily quota", false),
            ("SubmissionQuotaExceededException", "*quotaexceeded*", true),
            ("You've e-mailed", "youve emailed", true),
            ("Das Sendelimit wurde überschritten", "*limit wurde *berschritten", true),
            ("service not available now", "service .. unavailable|not_available now", true),
            ("service not yours", "service .. unavailable|not_available", false),
            ("retry in 300 seconds", "in # second*", true),
            ("retry in three seconds", "in # second*", false),
            ("one two three four five six seven eight nine ten", "one .. ten", true),
            ("one two three four five six seven eight nine ten eleven", "one .. eleven", false),
            ("", "a", false),
            ("<relay@spam.example>: not owned", "relay", false),
            ("<relay@spam.example>: not owned", "not owned", true),
            ("(user@example.com:blocked) @", "blocked", true),
        ];
        for (text, phrase, expected) in rows {
            assert_eq!(Words::of(text.as_bytes()).has(phrase), *expected, "{phrase} in {text}");
        }
    }

    #[test]
    fn latin_1_is_read_where_it_is_not_utf_8() {
        assert!(Words::of(b"Empf\xe4nger unbekannt").has("empfanger unbekannt"));
    }
}
