//! The header section: its fields in their order, each byte for byte.

use crate::wire::header::{Field, field};
use nom::Parser;
use nom::multi::many0;

/// The fields of a message, from first to last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    fields: Vec<Field>,
}

impl Header {
    /// Reads fields from CRLF-ended lines, up to the first line that is none; also gives what was left.
    pub fn parse(section: &[u8]) -> (Header, &[u8]) {
        match many0(field).parse(section) {
            Ok((rest, fields)) => (Header { fields }, rest),
            // many0 fails only where its parser would consume nothing, and a field is never empty.
            Err(_) => (Header::default(), section),
        }
    }

    /// Every field, from first to last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Field> {
        self.fields.iter()
    }

    /// The first field of all.
    pub fn first(&self) -> Option<&Field> {
        self.fields.first()
    }

    /// The first field of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is(name))
    }

    /// Every field of this name.
    pub fn find_all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Field> + 'a {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// Where the first field of this name stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.is(name))
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The number of fields.
    pub fn count(&self) -> usize {
        self.fields.len()
    }

    /// Puts a field in front of all others.
    pub fn prepend(&mut self, field: Field) {
        self.fields.insert(0, field);
    }

    /// Puts a field behind all others.
    pub fn append(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Puts a field at `position`; past the end it is appended.
    pub fn insert(&mut self, position: usize, field: Field) {
        self.fields.insert(position.min(self.fields.len()), field);
    }

    /// Puts `field` where the first of its name stands, or behind all others where there is none.
    pub fn set(&mut self, field: Field) {
        match self.position(field.name()) {
            Some(position) => self.fields[position] = field,
            None => self.fields.push(field),
        }
    }

    /// Takes every field of this name off; how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.fields.len();
        self.fields.retain(|field| !field.is(name));
        before - self.fields.len()
    }

    /// Takes the first field off.
    pub fn remove_first(&mut self) -> Option<Field> {
        (!self.fields.is_empty()).then(|| self.fields.remove(0))
    }

    /// Keeps the fields for which `keep` says so.
    pub fn retain(&mut self, keep: impl FnMut(&Field) -> bool) {
        self.fields.retain(keep);
    }

    /// Replaces each field for which `change` gives another; how many were.
    pub fn replace(&mut self, mut change: impl FnMut(&Field) -> Option<Field>) -> usize {
        let mut changed = 0;
        for field in &mut self.fields {
            if let Some(other) = change(field) {
                *field = other;
                changed += 1;
            }
        }
        changed
    }

    /// The section's octets, without the empty line that ends it.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.len() + 2);
        self.fields.iter().for_each(|field| octets.extend_from_slice(field.octets()));
        octets
    }

    /// Octets of the section, without the empty line that ends it.
    pub fn len(&self) -> usize {
        self.fields.iter().map(|field| field.octets().len()).sum()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether an octet outside ASCII stands anywhere.
    pub fn is_eight_bit(&self) -> bool {
        self.fields.iter().any(Field::is_eight_bit)
    }

    /// Octets of the longest line without its CRLF.
    pub fn longest_line(&self) -> usize {
        let lines = self.fields.iter().flat_map(|field| field.octets().split(|octet| *octet == b'\n'));
        lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).len()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &[u8] = b"Received: a\r\n\tb\r\nFrom: x@y.example\r\nreceived: c\r\nSubject: caf\xc3\xa9\r\n";

    #[test]
    fn what_was_read_is_what_is_written() {
        let (header, rest) = Header::parse(SECTION);
        assert_eq!((header.to_octets().as_slice(), rest), (SECTION, &b""[..]));
        assert_eq!((header.count(), header.len(), header.longest_line()), (4, SECTION.len(), 17));
        assert!(header.is_eight_bit());
    }

    #[test]
    fn reading_ends_at_the_first_line_that_is_no_field() {
        let (header, rest) = Header::parse(b"A: 1\r\nnot a field\r\nB: 2\r\n");
        assert_eq!((header.count(), rest), (1, &b"not a field\r\nB: 2\r\n"[..]));
    }

    #[test]
    fn an_edit_leaves_the_other_fields_as_they_were() {
        let (mut header, _) = Header::parse(SECTION);
        assert_eq!(header.find_all("RECEIVED").count(), 2);
        header.set(Field::new("From", b"z@y.example"));
        header.set(Field::new("To", b"t@y.example"));
        header.remove("subject");
        header.prepend(Field::new("X", b"1"));
        let expected = b"X: 1\r\nReceived: a\r\n\tb\r\nFrom: z@y.example\r\nreceived: c\r\nTo: t@y.example\r\n";
        assert_eq!(header.to_octets(), expected);
    }
}
