//! Parameters in the text of `main.cf`: where they are defined, and which lines of a piece are wanted.

use std::ops::Range;

/// The last definition of `name`, with its continuation lines: the one that counts.
pub fn definition(text: &str, name: &str) -> Option<Range<usize>> {
    let mut found: Option<Range<usize>> = None;
    let (mut offset, mut inside) = (0, false);
    for line in text.split_inclusive('\n') {
        let end = offset + line.len();
        let continues = line.starts_with([' ', '\t']) && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if inside && continues {
            found = found.map(|range| range.start..end);
        } else if !line.starts_with([' ', '\t', '#', '\n']) {
            inside = defines(line, name);
            if inside {
                found = Some(offset..end);
            }
        }
        offset = end;
    }
    found
}

fn defines(line: &str, name: &str) -> bool {
    line.split_once('=').is_some_and(|(left, _)| left.trim() == name)
}

/// The value that stands in a definition.
pub(super) fn value(definition: &str) -> &str {
    definition.split_once('=').map_or("", |(_, value)| value.trim())
}

/// The names and values of a piece, one line each.
pub(super) fn parameters(piece: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = piece.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim()))
}

/// The piece with the parameters that `wanted` says yes to; nothing at all where it says yes to none.
pub(super) fn only(piece: &str, wanted: impl Fn(&str) -> bool) -> String {
    let kept: Vec<&str> =
        piece.lines().filter(|line| line.starts_with('#') || names(line).is_some_and(&wanted)).collect();
    match kept.iter().all(|line| line.starts_with('#')) {
        true => String::new(),
        false => kept.join("\n") + "\n",
    }
}

fn names(line: &str) -> Option<&str> {
    line.split_once('=').map(|(name, _)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_definition_counts_with_its_continuation_lines() {
        let text = "a = 1\n# a = 0\nb =\n  x,\n# in between\n  y\nab = 3\na=2\n\n";
        let rows = [
            ("a", Some("a=2\n")),
            ("b", Some("b =\n  x,\n# in between\n  y\n")),
            ("ab", Some("ab = 3\n")),
            ("c", None),
        ];
        for (name, expected) in rows {
            assert_eq!(definition(text, name).map(|range| &text[range]), expected, "{name}");
        }
    }

    #[test]
    fn a_piece_is_whole_unless_something_is_not_wanted() {
        let piece = "# why\na = 1\nb = 2\n";
        assert_eq!(only(piece, |_| true), piece);
        assert_eq!(only(piece, |name| name == "b"), "# why\nb = 2\n");
        assert_eq!(only(piece, |_| false), "");
        assert_eq!(parameters(piece).collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    }
}
