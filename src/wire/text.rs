//! Making octets that a peer chose safe to show: in a log line, in a reply, on a terminal.

use std::fmt::Display;

/// `octets` as one printable line: controls and line ends become spaces, runs of spaces one, what is not UTF-8
/// becomes U+FFFD; at most `limit` characters, an ellipsis marking what was left off.
pub fn one_line(octets: &[u8], limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for character in String::from_utf8_lossy(octets).chars() {
        let printable = if is_unprintable(character) { ' ' } else { character };
        if printable == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if length == limit {
            line.push('…');
            return line;
        }
        line.push(printable);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// A problem with its remedy on the same line, where there is one.
pub fn with_hint(problem: impl Display, hint: Option<impl Display>) -> String {
    match hint {
        Some(hint) => format!("{problem}; {hint}"),
        None => problem.to_string(),
    }
}

/// Controls, and the characters that reorder or hide text on a terminal.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_octets_become_one_printable_line() {
        let rows: &[(&[u8], usize, &str)] = &[
            (b"plain", 80, "plain"),
            (b"two\r\nlines\tand\x00nul \x1b[31m", 80, "two lines and nul [31m"),
            (b"  edges  ", 80, "edges"),
            (b"caf\xe9", 80, "caf\u{fffd}"),
            ("bidi\u{202e}txt".as_bytes(), 80, "bidi txt"),
            (b"abcdef", 3, "abc…"),
            (b"", 3, ""),
        ];
        for (octets, limit, expected) in rows {
            assert_eq!(one_line(octets, *limit), *expected, "{octets:?}");
        }
    }
}
