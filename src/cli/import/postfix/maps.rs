//! Postfix's parameters and maps, read by Postfix's own tools.

use super::super::super::failure::Failure;
use super::Entry;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// Indexed types, whose source is the text file beside the index.
const INDEXED: [&str; 6] = ["hash", "btree", "lmdb", "cdb", "dbm", "sdbm"];

/// The tools, and which configuration they look at.
pub(super) struct Postfix {
    directory: Option<PathBuf>,
}

/// A map, and what stands in it where it can be listed.
pub(super) struct Map {
    /// As the tools take it; an inline map holds its passwords in it.
    spec: String,
    /// `hash:/etc/postfix/sasl_passwd`, fit to be shown.
    pub(super) name: String,
    pub(super) entries: Option<BTreeMap<String, Zeroizing<String>>>,
}

impl Map {
    /// Whether a value of it is this server.
    pub(super) fn names_server(&self, server: &str) -> bool {
        let host = super::netloc::nexthop(server).map(|(host, _)| host);
        let is_it = |value: &Zeroizing<String>| {
            value.as_str() == server || super::netloc::nexthop(value).map(|(host, _)| host) == host
        };
        // What can't be listed may name it.
        self.entries.as_ref().is_none_or(|entries| entries.values().any(is_it))
    }
}

impl Postfix {
    pub(super) fn new(directory: Option<PathBuf>) -> Postfix {
        Postfix { directory }
    }

    /// A parameter's value, what it refers to put in.
    pub(super) fn parameter(&self, name: &str) -> Result<String, Failure> {
        let output = self.run("postconf", &["-hx", name], None)?;
        let value = output.map_err(|why| {
            Failure::new(format_args!("postconf {name}: {why}"))
                .hint("`--config-dir DIR` names the directory of main.cf")
        })?;
        Ok(value.trim().to_owned())
    }

    /// The map called `name`, listed if its type can be.
    pub(super) fn map(&self, name: &str, notes: &mut Vec<String>) -> Map {
        // The proxymap service is for daemons; the map behind it is the same.
        let name = name.strip_prefix("proxy:").unwrap_or(name);
        let listed = self.postmap(&["-s", name], None).or_else(|why| match name.split_once(':') {
            Some((kind, path)) if INDEXED.contains(&kind) => {
                notes.push(format!("{}: {why}; its text is read instead", shown(name)));
                self.postmap(&["-s", &format!("texthash:{path}")], None)
            }
            _ => Err(why),
        });
        Map { spec: name.to_owned(), name: shown(name), entries: listed.ok().map(|text| entries(&text)) }
    }

    /// The values of `keys` in a map that can't be listed.
    fn query(&self, map: &str, keys: &[String]) -> BTreeMap<String, Zeroizing<String>> {
        let asked = keys.iter().map(|key| format!("{key}\n")).collect::<String>();
        // Status 1 is "none of them".
        self.postmap(&["-q", "-", map], Some(&asked)).map(|text| entries(&text)).unwrap_or_default()
    }

    fn postmap(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Zeroizing<String>, String> {
        self.run("postmap", arguments, stdin).map_err(|failure| failure.to_string())?
    }

    /// What the tool prints; the inner error is what it said when it failed.
    fn run(
        &self,
        tool: &str,
        arguments: &[&str],
        stdin: Option<&str>,
    ) -> Result<Result<Zeroizing<String>, String>, Failure> {
        let mut command = Command::new(tool);
        // root's PATH may lack them.
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", [path, OsString::from("/usr/sbin:/usr/local/sbin:/sbin")].join(&OsString::from(":")));
        if let Some(directory) = &self.directory {
            command.arg("-c").arg(directory);
        }
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let missing = |error: std::io::Error| {
            let hint = "run this on the host of Postfix, as a user who may read its files";
            Failure::new(format_args!("{tool}: {error}")).hint(hint)
        };
        let mut child = command.spawn().map_err(missing)?;
        let (pipe, asked) = (child.stdin.take(), stdin.unwrap_or_default().to_owned());
        // It answers while it is asked: who only writes would wait for ever.
        let writing = std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(asked.as_bytes())));
        let output = child.wait_with_output().map_err(missing)?;
        let _ = writing.join();
        let text = Zeroizing::new(String::from_utf8(output.stdout).unwrap_or_else(|error| {
            let octets = Zeroizing::new(error.into_bytes());
            String::from_utf8_lossy(&octets).into_owned()
        }));
        let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("failed").to_owned();
        Ok(if output.status.success() { Ok(text) } else { Err(said) })
    }
}

/// A map's name without what may be a password in it.
fn shown(name: &str) -> String {
    let secret = ["inline:", "static:"].iter().filter_map(|kind| Some(name.find(kind)? + kind.len())).min();
    secret.map_or_else(|| name.to_owned(), |end| format!("{}..", &name[..end]))
}

/// `[a, b {c d}]` as `main.cf` writes lists: at commas and blanks, which braces hold together.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0usize;
    for character in text.chars() {
        match character {
            ',' | ' ' | '\t' | '\n' if depth == 0 => words.push(String::new()),
            other => {
                depth = match other {
                    '{' => depth + 1,
                    '}' => depth.saturating_sub(1),
                    _ => depth,
                };
                if let Some(word) = words.last_mut() {
                    word.push(other);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `key<TAB>value` lines, as `postmap -s` and `postmap -q -` print them.
fn entries(text: &str) -> BTreeMap<String, Zeroizing<String>> {
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    pairs.map(|(key, value)| (key.to_owned(), Zeroizing::new(value.trim().to_owned()))).collect()
}

/// What the maps say of each key, the first that knows it.
pub(super) fn find_all(postfix: &Postfix, maps: &[Map], keys: Vec<String>) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    let mut open = keys;
    for map in maps {
        if open.is_empty() {
            break;
        }
        let asked = map.entries.is_none().then(|| postfix.query(&map.spec, &open));
        let entries = map.entries.as_ref().or(asked.as_ref());
        // Keys are compared in lower case, as Postfix folds them in indexed files.
        let folded: BTreeMap<String, &Zeroizing<String>> =
            entries.into_iter().flatten().map(|(key, value)| (key.to_lowercase(), value)).collect();
        open.retain(|key| match folded.get(&key.to_lowercase()) {
            Some(value) => {
                found.insert(key.clone(), Entry { map: map.name.clone(), value: (*value).clone() });
                false
            }
            None => true,
        });
    }
    found
}

/// What the maps say of the first of `keys` that one of them knows.
pub(super) fn find_first(postfix: &Postfix, maps: &[Map], keys: &[String]) -> Option<Entry> {
    let mut found = find_all(postfix, maps, keys.to_vec());
    keys.iter().find_map(|key| found.remove(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_at_commas_and_blanks_outside_of_braces() {
        let rows: [(&str, &[&str]); 4] = [
            ("hash:/a, hash:/b", &["hash:/a", "hash:/b"]),
            ("hash:/a\n  hash:/b", &["hash:/a", "hash:/b"]),
            ("inline:{ {a = b c}, x=y } hash:/a", &["inline:{ {a = b c}, x=y }", "hash:/a"]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
