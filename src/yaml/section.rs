//! Typed reading of a mapping: which keys are known is what was asked for, and all others are told.

use super::problem::nearest;
use super::tree::{Node, Step};
use super::value::Value;
use std::collections::HashSet;

/// A mapping that is being read.
pub struct Section<'d> {
    at: Value<'d>,
    entries: &'d [(Node, Node)],
    known: Vec<&'static str>,
    secretive: bool,
}

impl<'d> Section<'d> {
    pub(super) fn new(at: Value<'d>, entries: &'d [(Node, Node)]) -> Section<'d> {
        Section { at, entries, known: Vec::new(), secretive: false }
    }

    /// From now on an unknown key is only shown if it is nearly a known one: it may be a secret in the wrong place.
    pub fn hide_unknown_keys(&mut self) {
        self.secretive = true;
    }

    /// The mapping itself, as a place.
    pub fn at(&self) -> &Value<'d> {
        &self.at
    }

    /// What stands under `key`; nothing under it counts as the key missing.
    pub fn get(&mut self, key: &'static str) -> Option<Value<'d>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let is_key = |name: &Node| matches!(name, Node::Text(name) if name.as_str() == key);
        let index = self.entries.iter().position(|(name, _)| is_key(name))?;
        let value = self.at.below(&self.entries[index].1, Step::Value(index), key);
        (!value.is_null()).then_some(value)
    }

    /// What `read` makes of the value under `key`, if there is one.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<T> {
        self.get(key).and_then(|value| read(&value))
    }

    /// What `read` makes of the value under `key`; a missing key is noted.
    pub fn required<T>(&mut self, key: &'static str, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<T> {
        match self.get(key) {
            Some(value) => read(&value),
            None => {
                self.field(key).error("missing");
                None
            }
        }
    }

    /// The section's own place under the name of one of its keys: where to tell that it is missing.
    pub fn field(&self, key: &str) -> Value<'d> {
        self.at.named(key)
    }

    /// All entries, where names are the file's own choice, as the providers of a site: the name's place and the value.
    pub fn entries(self) -> Vec<(&'d str, Value<'d>)> {
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for (index, (key, node)) in self.entries.iter().enumerate() {
            let place = self.at.at(key, Step::Key(index));
            match key {
                Node::Text(name) if seen.insert(name.as_str()) => {
                    entries.push((name.as_str(), self.at.below(node, Step::Value(index), name)));
                }
                Node::Text(name) => place.named(name).error_with_hint("stands here twice", "keep one of the two"),
                _ => place.error_with_hint(format!("expected a name, but found {}", key.kind()), "put it in quotes"),
            }
        }
        entries
    }

    /// Ends the reading: notes every key that nobody asked for, and every key that stands twice.
    pub fn finish(self) {
        let mut seen = HashSet::new();
        for (index, (key, _)) in self.entries.iter().enumerate() {
            let place = self.at.at(key, Step::Key(index));
            match key {
                Node::Text(name) if self.known.contains(&name.as_str()) => {
                    if !seen.insert(name.as_str()) {
                        place.named(name).error_with_hint("stands here twice", "keep one of the two");
                    }
                }
                Node::Text(name) => self.unknown(&place, name),
                _ => place.error(format!("expected a key, but found {}", key.kind())),
            }
        }
    }

    fn unknown(&self, place: &Value<'d>, name: &str) {
        if let Some(meant) = nearest(name, self.known.iter().copied()) {
            return place.named(name).error_with_hint("unknown key", format!("did you mean `{meant}`?"));
        }
        let known = format!("known here: {}", self.known.join(", "));
        let shows = !self.secretive && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-'));
        match shows {
            true => place.named(name).error_with_hint("unknown key", known),
            false => place.error_with_hint("unknown key (not shown: it may be a secret)", known),
        }
    }
}
