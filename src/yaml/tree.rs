//! A YAML document as a tree that keeps what serde would drop: the order of keys, and keys that stand there twice.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use zeroize::Zeroizing;

/// More values than any sane file has; YAML's aliases can make a small file grow beyond memory.
const MAX_NODES: usize = 200_000;

/// A value. Text is wiped when dropped: some of it is secret.
pub(super) enum Node {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float,
    /// Text, quoted or not.
    Text(Zeroizing<String>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: b}`; keys that are not text are kept as such, because they are wrong and have a place.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What a person calls this kind of value.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Null => "nothing",
            Node::Bool(_) => "true or false",
            Node::Integer(_) | Node::Float => "a number",
            Node::Text(_) => "text",
            Node::List(_) => "a list",
            Node::Map(_) => "a mapping",
        }
    }
}

/// Reads a tree from `text`.
pub(super) fn parse(text: &str) -> Result<Node, serde_yaml::Error> {
    let left = Cell::new(MAX_NODES);
    Grow { left: &left }.deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Builds a node; counts what is still allowed.
#[derive(Clone, Copy)]
struct Grow<'c> {
    left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Grow<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.left.get().checked_sub(1) {
            None => Err(D::Error::custom("more values than any such file has")),
            Some(left) => {
                self.left.set(left);
                deserializer.deserialize_any(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Float)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Float)
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(self)? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(A::Error::custom("YAML tags (`!name`) mean nothing here"))
    }
}

/// One step down the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the key of a map's entry.
    Key(usize),
    /// To the value of a map's entry, or to a list's element.
    Value(usize),
}

/// The line, counted from 1, of what `path` leads to in `text`.
pub(super) fn line(text: &str, path: &[Step]) -> Option<usize> {
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let error = Locate { path }.deserialize(deserializer).err()?;
    error.location().map(|location| location.line())
}

/// Walks down `path` and fails at its end, because an error is where serde_yaml tells a position.
struct Locate<'p> {
    path: &'p [Step],
}

impl<'de> DeserializeSeed<'de> for Locate<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The visits of a scalar: whatever it is, this is the place.
macro_rules! fail_here {
    ($($visit:ident($kind:ty)),*) => {
        $(fn $visit<E: Error>(self, _: $kind) -> Result<(), E> { Err(E::custom("here")) })*
    };
}

impl<'de> Visitor<'de> for Locate<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fail_here!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_f64(f64));
    fail_here!(visit_str(&str));

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Value(wanted), rest)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*wanted {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Locate { path: rest })?;
        Err(A::Error::custom("here"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        let (Step::Key(wanted) | Step::Value(wanted)) = *step;
        for _ in 0..wanted {
            map.next_entry::<IgnoredAny, IgnoredAny>()?;
        }
        match step {
            Step::Key(_) => map.next_key_seed(Locate { path: &[] }).map(|_| ())?,
            Step::Value(_) => {
                map.next_key::<IgnoredAny>()?;
                map.next_value_seed(Locate { path: rest })?;
            }
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_has_its_line() {
        let text = "# head\na: 1\nb:\n  c: [x,\n      y]\n  c: 2\nd: &anchor\n  - e: text\n  - null\nf: *anchor\n";
        let rows: &[(&[Step], usize)] = &[
            (&[Step::Key(0)], 2),
            (&[Step::Value(0)], 2),
            (&[Step::Key(1)], 3),
            (&[Step::Value(1), Step::Value(0), Step::Value(1)], 5),
            (&[Step::Value(1), Step::Key(1)], 6),
            (&[Step::Value(2), Step::Value(0), Step::Value(0)], 8),
            (&[Step::Value(2), Step::Value(1)], 9),
            (&[Step::Key(3)], 10),
        ];
        for (path, expected) in rows {
            assert_eq!(line(text, path), Some(*expected), "{path:?}");
        }
    }

    #[test]
    fn a_tree_keeps_doubled_keys_and_kinds() {
        let Ok(Node::Map(entries)) = parse("a: 1\na: [true, 1.5, ~, 'x']\n2: {}\n") else { panic!("a map") };
        let kinds: Vec<_> = entries.iter().map(|(key, value)| (key.kind(), value.kind())).collect();
        assert_eq!(kinds, [("text", "a number"), ("text", "a list"), ("a number", "a mapping")]);
    }

    #[test]
    fn a_small_file_that_aliases_itself_into_a_giant_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 9].join(", ")));
        }
        assert!(parse(&text).is_err());
    }

    #[test]
    fn tags_and_a_second_document_are_refused() {
        assert!(parse("a: !secret x\n").is_err());
        assert!(parse("a: 1\n---\nb: 2\n").is_err());
    }
}
