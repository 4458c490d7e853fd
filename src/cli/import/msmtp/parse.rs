//! msmtp's grammar (msmtp(1), CONFIGURATION FILES): a command a line, `defaults`, `account NAME [: ACCOUNT[,..]]`.

use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// An account with what it inherits.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Where `account` stands, counted from 1.
    pub(super) line: usize,
    /// A value may be a password. `None`: a command without an argument, which takes back what was inherited.
    commands: BTreeMap<String, Option<Zeroizing<String>>>,
}

impl Entry {
    /// A command's argument.
    pub(super) fn get(&self, command: &str) -> Option<&str> {
        self.commands.get(command)?.as_ref().map(|value| value.as_str())
    }

    /// A switch; without an argument it is on.
    pub(super) fn is_on(&self, command: &str, default: bool) -> bool {
        match self.commands.get(command) {
            None => default,
            Some(value) => value.as_ref().is_none_or(|value| value.as_str() != "off"),
        }
    }
}

/// The accounts in their order. `wrong` is told lines that are none.
pub(super) fn accounts(text: &str, wrong: &mut dyn FnMut(usize, String)) -> Vec<Entry> {
    let blank = |name: &str, line| Entry { name: name.to_owned(), line, commands: BTreeMap::new() };
    let mut defaults = blank("defaults", 0);
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_defaults = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (command, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        match command {
            "defaults" => {
                is_defaults = true;
                defaults = blank("defaults", line_number);
            }
            "account" => {
                is_defaults = false;
                entries.push(account(argument, line_number, &defaults, &entries, wrong));
            }
            "eval" | "include" => wrong(line_number, format!("`{command}` is not followed")),
            _ => {
                let entry = if is_defaults { Some(&mut defaults) } else { entries.last_mut() };
                match entry {
                    Some(entry) => drop(entry.commands.insert(command.to_owned(), value(argument))),
                    // What stands before the first account is one called `default`.
                    None => {
                        let mut first = blank("default", line_number);
                        first.commands.insert(command.to_owned(), value(argument));
                        entries.push(first);
                    }
                }
            }
        }
    }
    entries
}

/// Starts from the defaults, or from the accounts that it names.
fn account(
    argument: &str,
    line: usize,
    defaults: &Entry,
    known: &[Entry],
    wrong: &mut dyn FnMut(usize, String),
) -> Entry {
    let (name, bases) = argument.split_once(':').unwrap_or((argument, ""));
    let mut commands = defaults.commands.clone();
    for base in bases.split(',').map(str::trim).filter(|base| !base.is_empty()) {
        match known.iter().find(|entry| entry.name == base) {
            Some(entry) => commands.extend(entry.commands.clone()),
            None => wrong(line, format!("there is no account {base} above")),
        }
    }
    Entry { name: name.trim().to_owned(), line, commands }
}

/// Quotes at both ends go.
fn value(argument: &str) -> Option<Zeroizing<String>> {
    let text = argument.trim();
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    (!inside.is_empty()).then(|| Zeroizing::new(inside.to_owned()))
}
