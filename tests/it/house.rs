//! The house's one law: imports go down only (`docs/concepts/house.md`). Read from the source text, so that an edge
//! nobody wanted fails here before anybody builds on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and what it may import beside itself. A module that is not named here may import nothing.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main", &["cli", "mta", "verdict"]),
    (
        "cli",
        &[
            "account",
            "config",
            "fence",
            "log",
            "message",
            "mta",
            "process",
            "reception",
            "relay",
            "sandbox",
            "secret",
            "setup",
            "state",
            "stdio",
            "submission",
            "verdict",
            "wire",
            "yaml",
        ],
    ),
    ("setup", &["account", "config", "secret", "verdict", "wire", "yaml"]),
    (
        "mta",
        &[
            "account",
            "config",
            "fence",
            "log",
            "message",
            "metrics",
            "process",
            "reception",
            "relay",
            "secret",
            "state",
            "stdio",
            "verdict",
            "wire",
        ],
    ),
    ("fence", &[]),
    ("metrics", &[]),
    ("reception", &["verdict", "wire"]),
    ("process", &["verdict"]),
    ("stdio", &[]),
    ("log", &["verdict", "wire"]),
    ("relay", &["account", "config", "message", "metrics", "secret", "state", "submission", "verdict", "wire"]),
    ("config", &["account", "secret", "verdict", "wire", "yaml"]),
    ("submission", &["message", "secret", "state", "verdict", "wire"]),
    ("account", &["fence", "secret", "state", "verdict", "wire", "yaml"]),
    ("message", &["secret", "state", "verdict", "wire"]),
    ("secret", &["fence", "metrics", "state", "verdict", "wire", "yaml"]),
    ("state", &["verdict", "wire", "yaml"]),
    ("yaml", &["wire"]),
    ("sandbox", &["verdict", "wire"]),
    ("verdict", &["wire"]),
    ("wire", &[]),
];

/// Crate, and the modules that may name it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("clap", &["main", "cli"]),
    ("landlock", &["fence"]),
    ("seccompiler", &["fence"]),
    ("lettre", &["submission", "message", "relay"]),
    ("serde_yaml", &["yaml"]),
    ("nom", &["wire", "message"]),
    (
        "tokio",
        &[
            "main",
            "cli",
            "mta",
            "relay",
            "submission",
            "secret",
            "state",
            "sandbox",
            "account",
            "process",
            "reception",
            "stdio",
        ],
    ),
];

/// The protocols of `mta/`, which know nothing of each other.
const PROTOCOLS: &[&str] = &["pipe", "sendmail", "bsmtp", "lmtp", "policy", "socketmap"];

struct Source {
    path: PathBuf,
    /// Its place in the crate: `["wire", "reply"]`.
    module: Vec<String>,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    assert!(sources.len() > 20, "the sources were not found below {}", root.display());
    sources
}

fn collect(root: &Path, directory: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let place = path.strip_prefix(root).unwrap().with_extension("");
            let mut module: Vec<String> = place.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            module.pop_if(|last| last == "mod");
            let text = fs::read_to_string(&path).unwrap();
            sources.push(Source { path, module, text });
        }
    }
}

impl Source {
    fn top(&self) -> &str {
        &self.module[0]
    }

    /// Lines of code with their numbers and how deep in modules they stand.
    fn code(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        let mut depth = self.module.len();
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let trimmed = line.trim_start();
            // `mod tests {` and the like: `super` climbs out of it first.
            if line.starts_with("mod ") && line.ends_with('{') {
                depth = self.module.len() + 1;
            }
            (!trimmed.starts_with("//")).then_some((index + 1, depth, line))
        })
    }

    /// Every path of this crate that a line names, from the crate's root.
    fn imports(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for (number, depth, line) in self.code() {
            for path in paths_after(line, "crate::") {
                found.push((number, path));
            }
            for path in paths_after(line, "super::") {
                let up = 1 + path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.iter().take(depth.saturating_sub(up)).cloned();
                found.push((number, kept.chain(path.into_iter().skip(up - 1)).collect()));
            }
        }
        found
    }
}

/// `a`, `b` of each `LEADa::b` in the line; each of `LEAD{a, b::c}`.
fn paths_after(line: &str, lead: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in line.match_indices(lead) {
        let behind_name = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$');
        if behind_name {
            continue;
        }
        let rest = &line[at + lead.len()..];
        let list = rest.strip_prefix('{').map_or(vec![rest], |inside| inside.split(',').collect());
        paths.extend(list.into_iter().map(parts).filter(|path| !path.is_empty()));
    }
    paths
}

fn parts(path: &str) -> Vec<String> {
    let path = path.trim();
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
    path[..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn imports_go_down_only() {
    let may: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let modules: BTreeSet<&str> = may.keys().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.top() != "lib") {
        // A list over several lines would escape this reader.
        assert!(!source.text.lines().any(|line| line.ends_with("crate::{")), "{}", source.path.display());
        for (line, path) in source.imports() {
            let Some(to) = path.first().map(String::as_str).filter(|to| modules.contains(to)) else {
                continue;
            };
            let from = source.top();
            if to != from && !may.get(from).is_some_and(|allowed| allowed.contains(&to)) {
                wrong.push(format!("{}:{line}: {from} may not import {to}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_law_itself_has_no_circle() {
    let may: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    for (module, _) in MAY_IMPORT {
        let (mut reached, mut open) = (BTreeSet::new(), may[module].to_vec());
        while let Some(next) = open.pop() {
            assert_ne!(next, *module, "{module} would import itself by a detour");
            if reached.insert(next) {
                open.extend(may[next]);
            }
        }
    }
}

#[test]
fn every_module_has_its_place_in_the_law() {
    let known: BTreeSet<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    for source in sources().iter().filter(|source| source.top() != "lib") {
        assert!(known.contains(source.top()), "{} has no row in MAY_IMPORT", source.path.display());
    }
}

#[test]
fn the_protocols_of_mta_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.top() == "mta") {
        let Some(own) = source.module.get(1).filter(|own| PROTOCOLS.contains(&own.as_str())) else {
            continue;
        };
        for (line, path) in source.imports() {
            let foreign = path.first().is_some_and(|top| top == "mta")
                && path.get(1).is_some_and(|other| other != own && PROTOCOLS.contains(&other.as_str()));
            if foreign {
                wrong.push(format!("{}:{line}: {own} imports {}", source.path.display(), path[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_library_is_named_only_where_it_belongs() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (line, _, text) in source.code() {
            for (library, places) in MAY_NAME {
                if !paths_after(text, &format!("{library}::")).is_empty() && !places.contains(&source.top()) {
                    wrong.push(format!("{}:{line}: {library} does not belong here", source.path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn paths_are_found_wherever_they_stand_in_a_line() {
    let rows: [(&str, &[&[&str]]); 5] = [
        ("use crate::wire::reply::Reply;", &[&["wire", "reply", "Reply"]]),
        ("use crate::{wire::text, verdict};", &[&["wire", "text"], &["verdict"]]),
        ("    let x = crate::account::open(&crate::config::DEFAULT);", &[&["account", "open"], &["config", "DEFAULT"]]),
        ("pub(in crate::mta) fn x() {}", &[&["mta"]]),
        ("use mycrate::wire;", &[]),
    ];
    for (line, expected) in rows {
        assert_eq!(paths_after(line, "crate::"), expected, "{line}");
    }
}
