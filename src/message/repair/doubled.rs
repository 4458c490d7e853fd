//! Fields that may stand once (RFC 5322 section 3.6), reduced to one.

use super::super::Header;
use super::super::date;
use super::Repair;
use crate::wire::header::Field;
use crate::wire::header::address::AddressList;
use std::collections::HashSet;

/// Fields that may stand once.
const SINGLE: [&str; 11] =
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject"];

/// Those of them that list addresses: their lists are joined, so that nobody is lost.
const LISTS: [&str; 4] = ["Reply-To", "To", "Cc", "Bcc"];

/// Leaves one field of each name, where the first one stood: lists joined, the first valid Date, else the first.
pub(super) fn reduce(header: &mut Header) -> Vec<Repair> {
    let is_doubled = |name: &&'static str| header.find_all(name).nth(1).is_some();
    let names: Vec<&'static str> = SINGLE.into_iter().filter(is_doubled).collect();
    for name in &names {
        reduce_one(header, name);
    }
    names.into_iter().map(Repair::Reduced).collect()
}

fn reduce_one(header: &mut Header, name: &'static str) {
    let fields: Vec<Field> = header.find_all(name).cloned().collect();
    let Some((position, first)) = header.position(name).zip(fields.first()) else { return };
    let kept = match name {
        "Date" => fields.iter().find(|field| date::valid(&field.unfolded()).is_some()).unwrap_or(first).clone(),
        _ if LISTS.contains(&name) => joined(&fields).unwrap_or_else(|| first.clone()),
        _ => first.clone(),
    };
    header.remove(name);
    header.insert(position, kept);
}

/// One list of several, each element once as a field; `None` where one of them would swallow the next.
fn joined(fields: &[Field]) -> Option<Field> {
    if fields.iter().any(|field| AddressList::parse(field.body()).malformed) {
        return None;
    }
    let mut seen = HashSet::new();
    let lists =
        fields.iter().map(|field| field.body().trim_ascii()).map(|list| list.strip_suffix(b",").unwrap_or(list));
    let lists: Vec<&[u8]> = lists.filter(|list| seen.insert(*list)).collect();
    let body = [b" ", lists.join(&b",\r\n "[..]).as_slice()].concat();
    fields.first().map(|field| field.with_body(&body))
}
