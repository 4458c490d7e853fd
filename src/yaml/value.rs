//! Typed reading of one value. Each reader answers `None` after noting what is wrong.

use super::document::Document;
use super::problem::{Severity, nearest};
use super::section::Section;
use super::tree::{Node, Step};
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// A value with its place.
#[derive(Clone)]
pub struct Value<'d> {
    document: &'d Document,
    node: &'d Node,
    path: Vec<Step>,
    field: String,
}

impl<'d> Value<'d> {
    pub(super) fn new(document: &'d Document, root: &'d Node) -> Value<'d> {
        Value { document, node: root, path: Vec::new(), field: String::new() }
    }

    /// What one `step` down leads to, under this value's name.
    pub(super) fn at(&self, node: &'d Node, step: Step) -> Value<'d> {
        let mut path = self.path.clone();
        path.push(step);
        Value { document: self.document, node, path, field: self.field.clone() }
    }

    pub(super) fn below(&self, node: &'d Node, step: Step, name: &str) -> Value<'d> {
        self.at(node, step).named(name)
    }

    /// The same place under the name of something in it.
    pub(super) fn named(&self, name: &str) -> Value<'d> {
        let field = match (self.field.as_str(), name.starts_with('[')) {
            ("", _) => name.to_owned(),
            (field, true) => format!("{field}{name}"),
            (field, false) => format!("{field}.{name}"),
        };
        Value { field, ..self.clone() }
    }

    /// The field's name with those of its sections.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Whether nothing stands here (`users:` and no more).
    pub fn is_null(&self) -> bool {
        matches!(self.node, Node::Null)
    }

    /// Whether text stands here.
    pub fn is_text(&self) -> bool {
        matches!(self.node, Node::Text(_))
    }

    /// Whether a list stands here.
    pub fn is_list(&self) -> bool {
        matches!(self.node, Node::List(_))
    }

    /// Notes an error here.
    pub fn error(&self, problem: impl Into<String>) {
        self.document.note(Severity::Error, &self.path, &self.field, problem.into(), None);
    }

    /// Notes an error here, with what mends it.
    pub fn error_with_hint(&self, problem: impl Into<String>, hint: impl Into<String>) {
        self.document.note(Severity::Error, &self.path, &self.field, problem.into(), Some(hint.into()));
    }

    /// Notes a warning here, with what mends it.
    pub fn warning(&self, problem: impl Into<String>, hint: impl Into<String>) {
        self.document.note(Severity::Warning, &self.path, &self.field, problem.into(), Some(hint.into()));
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        let found = self.node.kind();
        match (what, self.node) {
            ("text", Node::Bool(_) | Node::Integer(_) | Node::Float) => {
                self.error_with_hint(format!("expected text, but found {found}"), "put it in quotes");
            }
            _ => self.error(format!("expected {what}, but found {found}")),
        }
        None
    }

    /// Text that is not empty.
    pub fn text(&self) -> Option<&'d str> {
        match self.node {
            Node::Text(text) if text.is_empty() => {
                self.error("expected text, but found none between the quotes");
                None
            }
            Node::Text(text) => Some(text.as_str()),
            _ => self.expected("text"),
        }
    }

    /// Text without controls, as a host name, a login or a path is.
    pub fn line(&self) -> Option<&'d str> {
        let text = self.text()?;
        if text.chars().any(char::is_control) {
            self.error("expected one line of text, but found a control character in it");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        match self.node {
            Node::Bool(value) => Some(*value),
            Node::Text(text) if matches!(text.to_lowercase().as_str(), "yes" | "no" | "on" | "off") => {
                self.error_with_hint("expected true or false, but found text", "write true or false");
                None
            }
            _ => self.expected("true or false"),
        }
    }

    /// A whole number from `least` to `most`.
    pub fn number(&self, least: u64, most: u64) -> Option<u64> {
        let Node::Integer(number) = self.node else {
            return match self.node {
                Node::Float => self.expected("a whole number"),
                _ => self.expected("a number"),
            };
        };
        let fitting = u64::try_from(*number).ok().filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            self.error(format!("expected a number from {least} to {most}"));
        }
        fitting
    }

    /// A TCP port.
    pub fn port(&self) -> Option<u16> {
        self.number(1, u64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok())
    }

    /// A span of time: a number of seconds, or a number with a unit (`30s`, `5m`, `2h`, `5d`).
    pub fn duration(&self) -> Option<Duration> {
        match self.node {
            Node::Integer(_) => self.number(1, MAX_SECONDS).map(Duration::from_secs),
            Node::Text(text) => match parse_duration(text) {
                Some(duration) => Some(duration),
                None => {
                    self.error_with_hint("expected a span of time", "write seconds, or a unit: 30s, 5m, 2h, 5d");
                    None
                }
            },
            _ => self.expected("a span of time"),
        }
    }

    /// One of a closed list of words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let names = || words.iter().map(|(word, _)| *word);
        let list = names().collect::<Vec<_>>().join(", ");
        match nearest(text, names()) {
            Some(meant) => self.error_with_hint(format!("expected one of {list}"), format!("did you mean `{meant}`?")),
            None => self.error(format!("expected one of {list}")),
        }
        None
    }

    /// Text that something else can read; its error is told as it is, so it must not repeat the text.
    pub fn parsed<T: FromStr>(&self, what: &str) -> Option<T> {
        let text = self.line()?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.error(format!("expected {what}"));
        }
        parsed
    }

    /// A list's elements.
    pub fn list(&self) -> Option<Vec<Value<'d>>> {
        let Node::List(nodes) = self.node else {
            if let Node::Text(_) = self.node {
                self.error_with_hint("expected a list, but found text", "put it in brackets: [a, b]");
                return None;
            }
            return self.expected("a list");
        };
        let element = |(index, node)| self.below(node, Step::Value(index), &format!("[{index}]"));
        Some(nodes.iter().enumerate().map(element).collect())
    }

    /// Each element by `read`; those that are wrong are noted and left out.
    pub fn each<T>(&self, read: impl FnMut(&Value<'d>) -> Option<T>) -> Option<Vec<T>> {
        Some(self.list()?.iter().filter_map(read).collect())
    }

    /// One or several: a list, or a single element in its place.
    pub fn one_or_each<T>(&self, mut read: impl FnMut(&Value<'d>) -> Option<T>) -> Option<Vec<T>> {
        match self.is_list() {
            true => self.each(read),
            false => read(self).map(|one| vec![one]),
        }
    }

    /// A mapping's keys and values.
    pub fn section(&self) -> Option<Section<'d>> {
        match self.node {
            Node::Map(entries) => Some(Section::new(self.clone(), entries)),
            _ => self.expected("a mapping"),
        }
    }

    /// The text as it was typed, copied into memory that is wiped.
    pub fn secret(&self) -> Option<Zeroizing<String>> {
        self.text().map(|text| Zeroizing::new(text.to_owned()))
    }
}

/// A year: nothing here waits longer.
const MAX_SECONDS: u64 = 366 * 24 * 3600;

/// `30s`, `5m`, `2h`, `5d`, or seconds.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = match text[digits.len()..].trim() {
        "" | "s" | "sec" | "seconds" => 1,
        "m" | "min" | "minutes" => 60,
        "h" | "hours" => 3600,
        "d" | "days" => 24 * 3600,
        _ => return None,
    };
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=MAX_SECONDS).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_with_their_unit() {
        let rows = [
            ("30", Some(30)),
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("5 min", Some(300)),
            ("2h", Some(7200)),
            ("5d", Some(432_000)),
            ("0s", None),
            ("-1s", None),
            ("1.5h", None),
            ("5 fortnights", None),
            ("99999999999999999999d", None),
            ("", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(parse_duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
