//! Writing YAML: values as text, and a file's top-level keys changed one at a time, so that what an administrator wrote
//! around them (comments, order, blank lines) stays.

use super::tree::{self, Node, Step};
use std::fmt::{self, Write as _};
use thiserror::Error;
use zeroize::Zeroizing;

/// A value to write.
#[derive(Clone)]
pub enum Item {
    /// `true` or `false`
    Bool(bool),
    /// A whole number
    Number(u64),
    /// Text, which may be secret: it is wiped when dropped
    Text(Zeroizing<String>),
    /// `[a, b]`
    List(Vec<Item>),
    /// `{a: b}`
    Map(Vec<(&'static str, Item)>),
}

impl Item {
    /// Text.
    pub fn text(text: impl AsRef<str>) -> Item {
        Item::Text(Zeroizing::new(text.as_ref().to_owned()))
    }

    /// A list of texts.
    pub fn texts(texts: impl IntoIterator<Item = impl ToString>) -> Item {
        Item::List(texts.into_iter().map(|text| Item::text(text.to_string())).collect())
    }
}

/// On one line, in flow style.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Bool(value) => value.fmt(f),
            Item::Number(value) => value.fmt(f),
            Item::Text(text) => scalar(f, text),
            Item::List(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Item::Map(entries) => {
                f.write_char('{')?;
                for (index, (key, item)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_char('}')
            }
        }
    }
}

/// Text bare where nothing could take it for anything else, else in double quotes.
fn scalar(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '/' | '+'));
    if starts_well && is_plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            c if is_printable(c) => f.write_char(c)?,
            c => write!(f, "\\U{:08X}", u32::from(c))?,
        }
    }
    f.write_char('"')
}

/// YAML's c-printable, less what looks like a line end or like nothing.
fn is_printable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Why a file's key can't be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// It is not YAML, or not a mapping.
    #[error("the file is no mapping of keys to values")]
    NotAMapping,
    /// Keys don't stand each on its own line.
    #[error("the file is written in braces, so that a key can't be changed by itself")]
    NotInLines,
}

/// `text` with the top-level `key` set to `item`, or without it.
///
/// # Errors
/// [`EditError`], when keys do not stand each on its own line; then nothing was changed.
pub fn set(text: &str, key: &str, item: Option<&Item>) -> Result<Zeroizing<String>, EditError> {
    let keys = key_lines(text)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = keys.iter().position(|(name, _)| name.as_str() == key);
    let (start, end) = match place {
        None => (lines.len(), lines.len()),
        Some(index) => {
            let next = keys.get(index + 1).map_or(lines.len(), |(_, line)| line - 1);
            let start = keys[index].1 - 1;
            (start, start + block_length(&lines[start..next]))
        }
    };
    // Room for all at once: a buffer that grows leaves copies of a secret behind.
    let new_line = Zeroizing::new(item.map(|item| format!("{key}: {item}\n")).unwrap_or_default());
    let mut edited = Zeroizing::new(String::with_capacity(text.len() + new_line.len() + 1));
    lines[..start].iter().for_each(|line| edited.push_str(line));
    if !edited.is_empty() && !edited.ends_with('\n') {
        edited.push('\n');
    }
    edited.push_str(&new_line);
    lines[end..].iter().for_each(|line| edited.push_str(line));
    Ok(edited)
}

/// The top-level keys with their lines, counted from 1; each must begin its line.
fn key_lines(text: &str) -> Result<Vec<(Zeroizing<String>, usize)>, EditError> {
    let entries = match tree::parse(text) {
        Ok(Node::Map(entries)) => entries,
        Ok(Node::Null) => return Ok(Vec::new()),
        _ => return Err(EditError::NotAMapping),
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut keys: Vec<(Zeroizing<String>, usize)> = Vec::new();
    for (index, (key, _)) in entries.into_iter().enumerate() {
        let line = tree::line(text, &[Step::Key(index)]).ok_or(EditError::NotInLines)?;
        let Node::Text(name) = key else { return Err(EditError::NotAMapping) };
        let begins =
            lines.get(line - 1).is_some_and(|line| line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"'));
        if !begins || keys.last().is_some_and(|(_, before)| *before >= line) {
            return Err(EditError::NotInLines);
        }
        keys.push((name, line));
    }
    Ok(keys)
}

/// How many of `lines` belong to the key that the first of them begins: comments and blank lines in front of the next
/// key belong to that one.
fn block_length(lines: &[&str]) -> usize {
    let is_of_next = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    lines.len() - lines.iter().skip(1).rev().take_while(|line| is_of_next(line)).count()
}

/// A file of these keys, each on its line, below a comment.
pub fn compose(comment: &str, entries: &[(&str, Item)]) -> Zeroizing<String> {
    let lines = entries.iter().map(|(key, item)| Zeroizing::new(format!("{key}: {item}\n"))).collect::<Vec<_>>();
    let length = lines.iter().map(|line| line.len()).sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(comment.len() + 3 + length));
    if !comment.is_empty() {
        text.push_str("# ");
        text.push_str(comment);
        text.push('\n');
    }
    lines.iter().for_each(|line| text.push_str(line));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_and_everything_else_stays() {
        let text = "# head\nprovider: gmx  # the provider\n\n# who\nusers:\n  - anna\n  - berta\n\n# how\nsecret:\n  plain: x\n";
        let sealed = Item::Map(vec![("sealed", Item::text("v1:0:x"))]);
        let edited = set(text, "secret", Some(&sealed)).expect("in lines");
        assert_eq!(*edited, text.replace("secret:\n  plain: x\n", "secret: {sealed: \"v1:0:x\"}\n"));
        let edited = set(text, "users", Some(&Item::texts(["carla", "*"]))).expect("in lines");
        assert_eq!(*edited, text.replace("users:\n  - anna\n  - berta\n", "users: [carla, \"*\"]\n"));
        let edited = set(text, "disabled", Some(&Item::Bool(true))).expect("in lines");
        assert_eq!(*edited, format!("{text}disabled: true\n"));
        assert_eq!(*set(&edited, "disabled", None).expect("in lines"), text);
        assert_eq!(*set("a: 1", "b", Some(&Item::Number(2))).expect("in lines"), "a: 1\nb: 2\n");
        assert_eq!(*set("", "b", Some(&Item::Number(2))).expect("in lines"), "b: 2\n");
    }

    #[test]
    fn what_is_not_written_in_lines_is_left_alone() {
        assert_eq!(set("{a: 1, b: 2}\n", "a", None).err(), Some(EditError::NotInLines));
        assert_eq!(set("  a: 1\n  b: 2\n", "a", None).err(), Some(EditError::NotInLines));
        assert_eq!(set("- a\n", "a", None).err(), Some(EditError::NotAMapping));
        assert_eq!(set("a: [\n", "a", None).err(), Some(EditError::NotAMapping));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was_written(text in ".{1,60}") {
            let file = compose("head", &[("secret", Item::Map(vec![("plain", Item::text(&text))]))]);
            let Ok(Node::Map(entries)) = tree::parse(&file) else { panic!("{}", *file) };
            let Node::Map(inner) = &entries[0].1 else { panic!("{}", *file) };
            let Node::Text(read) = &inner[0].1 else { panic!("{}", *file) };
            proptest::prop_assert_eq!(read.as_str(), text);
        }
    }
}
