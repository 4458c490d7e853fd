//! Where the configuration is looked for.

use super::{ACCOUNTS, ConfigErrors};
use crate::yaml::Problem;
use std::env;
use std::path::{Path, PathBuf};

/// The system's directory.
pub(super) const SYSTEM: &str = "/etc/sendvia";

/// The file's name.
const FILE: &str = "sendvia.yaml";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A configuration file.
    File(PathBuf),
    /// A directory with `accounts.d` and no file, which needs none.
    Directory(PathBuf),
}

/// `--config`, `$SENDVIA_CONFIG`, `$XDG_CONFIG_HOME/sendvia/sendvia.yaml`, `/etc/sendvia/sendvia.yaml`. What is named
/// must be there; of the other two the first that is there counts.
pub(super) fn find(given: Option<&Path>) -> Result<Place, ConfigErrors> {
    let named =
        given.map(Path::to_owned).or_else(|| env::var_os("SENDVIA_CONFIG").filter(|v| !v.is_empty()).map(Into::into));
    find_in(named, personal_directory(), Path::new(SYSTEM))
}

fn find_in(named: Option<PathBuf>, personal: Option<PathBuf>, system: &Path) -> Result<Place, ConfigErrors> {
    if let Some(file) = named {
        return standing(&file).unwrap_or_else(|| Err(absent(&file)));
    }
    let system = system.join(FILE);
    let personal = personal.map(|directory| directory.join(FILE));
    let places = personal.iter().chain([&system]);
    for file in places {
        if let Some(place) = standing(file) {
            return place;
        }
    }
    let hint = format!("write {}, or name a file with `--config`", personal.as_ref().unwrap_or(&system).display());
    let looked = personal.map_or(String::new(), |file| format!("{} or ", file.display()));
    let problem = Problem::of_file(&system, format!("no configuration: expected {looked}this file"));
    Err(ConfigErrors { problems: vec![problem.with_hint(hint)] })
}

/// The file, or `accounts.d` where it would be. What can't be looked at is trouble: going on to the next place would
/// silently use another configuration.
fn standing(file: &Path) -> Option<Result<Place, ConfigErrors>> {
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Some(Err(ConfigErrors {
            problems: vec![
                Problem::of_file(file, "expected a file, but found a directory")
                    .with_hint(format!("name the file in it: {}", file.join(FILE).display())),
            ],
        })),
        Ok(_) => Some(Ok(Place::File(file.to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let hint = "run this as the user whose it is: `runuser -u sendvia -- sendvia ...`";
            Some(Err(ConfigErrors { problems: vec![Problem::of_file(file, error.to_string()).with_hint(hint)] }))
        }
        Err(_) => {
            let directory = directory_of(file);
            directory.join(ACCOUNTS).is_dir().then(|| Ok(Place::Directory(directory.to_owned())))
        }
    }
}

fn absent(file: &Path) -> ConfigErrors {
    let problem = Problem::of_file(file, "no such file, and no accounts.d beside where it would be");
    let hint = "name the one that is there with `--config FILE` or $SENDVIA_CONFIG; `sendvia setup` makes one";
    ConfigErrors { problems: vec![problem.with_hint(hint)] }
}

/// The directory that relative paths are relative to.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `$XDG_CONFIG_HOME/sendvia`, by default `~/.config/sendvia`.
pub(super) fn personal_directory() -> Option<PathBuf> {
    personal("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/sendvia`, by default `~/.local/state/sendvia`.
pub(super) fn personal_state() -> PathBuf {
    personal("XDG_STATE_HOME", ".local/state").unwrap_or_else(|| PathBuf::from("state"))
}

/// The XDG base directory specification: a relative path in the variable counts as none.
fn personal(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home))).map(|base| base.join("sendvia"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_goes_first_then_a_persons_then_the_systems() {
        let root = tempfile::tempdir().expect("a directory");
        let at = |name: &str| root.path().join(name);
        for name in ["named", "personal", "system", "accounts-only/accounts.d", "empty"] {
            std::fs::create_dir_all(at(name)).expect("a directory");
        }
        for name in ["named", "personal", "system"] {
            std::fs::write(at(name).join(FILE), "").expect("a file");
        }
        let file = |name: &str| Some(Place::File(at(name).join(FILE)));
        let rows = [
            (Some("named/sendvia.yaml"), Some("personal"), "system", file("named")),
            (Some("missing.yaml"), Some("personal"), "system", None),
            (Some("accounts-only/any.yaml"), None, "system", Some(Place::Directory(at("accounts-only")))),
            (Some("named"), None, "system", None),
            (None, Some("personal"), "system", file("personal")),
            (None, Some("empty"), "system", file("system")),
            (None, Some("accounts-only"), "system", Some(Place::Directory(at("accounts-only")))),
            (None, None, "system", file("system")),
            (None, Some("empty"), "empty", None),
        ];
        for (named, personal, system, expected) in rows {
            let found = find_in(named.map(at), personal.map(at), &at(system)).ok();
            assert_eq!(found, expected, "{named:?} {personal:?} {system}");
        }
    }
}
