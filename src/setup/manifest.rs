//! What was done to a mail server's configuration, with the octets of before: the way back.
//!
//! It lies in the state directory, which belongs to sendvia's user; what is in it makes root write files. So it is believed
//! only where it is root's own, or whoever's asks: a taken-over sendvia can remove it, and not forge it.

use super::plan::Step;
use super::{Edit, Mta, SetupError, edit};
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Something that was not there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Made {
    /// A Unix user.
    User(String),
    /// A directory.
    Directory(PathBuf),
    /// A file that holds a secret, whose octets are kept nowhere else.
    Secret(PathBuf),
}

/// All that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The changes to text files.
    pub edits: Vec<Edit>,
    /// What was made, in this order.
    pub made: Vec<Made>,
}

impl Manifest {
    /// The file for one instance of a mail server.
    pub fn path(state: &Path, mta: Mta, directory: &Path) -> PathBuf {
        let instance = directory.display().to_string().replace('%', "%25").replace('/', "%2f");
        state.join("setup").join(format!("{}{instance}.json", mta.name()))
    }

    /// Reads it; `None` where nothing was set up.
    ///
    /// # Errors
    /// [`SetupError::Manifest`], also for one that somebody else wrote.
    pub fn read(path: &Path) -> Result<Option<Manifest>, SetupError> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SetupError::io(path)(error)),
        };
        let wrong = |problem: String| SetupError::Manifest { path: path.to_owned(), problem };
        let asks = rustix::process::geteuid().as_raw();
        if !metadata.is_file() || metadata.uid() != asks || metadata.mode() & 0o022 != 0 {
            return Err(wrong(format!("expected a file that user {asks} alone may change")));
        }
        let text = fs::read_to_string(path).map_err(SetupError::io(path))?;
        serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
    }

    /// Passes on to another instance what it needs too: all but what lies in `directory`, which is this instance's own. The
    /// file of this manifest is `path`; the other's lies beside it, and comes back with what it knows now.
    ///
    /// # Errors
    /// [`SetupError`], where the other one can't be read.
    pub fn pass_on(&mut self, path: &Path, directory: &Path) -> Result<Option<(PathBuf, Manifest)>, SetupError> {
        let beside = path.parent().and_then(|above| fs::read_dir(above).ok()).into_iter().flatten().flatten();
        let others = beside.map(|entry| entry.path()).filter(|other| other != path);
        let Some(other) = others.filter(|other| other.extension().is_some_and(|end| end == "json")).min() else {
            return Ok(None);
        };
        let Some(mut heir) = Manifest::read(&other)? else { return Ok(None) };
        let (own, shared) =
            std::mem::take(&mut self.edits).into_iter().partition(|edit| edit.path.starts_with(directory));
        self.edits = own;
        let known: Vec<PathBuf> = heir.edits.iter().map(|edit| edit.path.clone()).collect();
        let shared: Vec<Edit> = shared;
        heir.edits.extend(shared.into_iter().filter(|edit| !known.contains(&edit.path)));
        // What was made first goes last.
        let later = std::mem::replace(&mut heir.made, std::mem::take(&mut self.made));
        later.into_iter().for_each(|made| heir.add(made));
        Ok(Some((other, heir)))
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`SetupError`], where it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), SetupError> {
        let directory = path.parent().unwrap_or(Path::new("."));
        if !directory.is_dir() {
            fs::DirBuilder::new().mode(0o700).create(directory).map_err(SetupError::io(directory))?;
        }
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| SetupError::Manifest { path: path.to_owned(), problem: error.to_string() })?;
        edit::write(path, &ascii(&text))?;
        // Files of before may have been readable by few.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(SetupError::io(path))
    }

    /// Adds what a plan does to what was done before it.
    pub(super) fn take(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::User(name) => self.add(Made::User(name.clone())),
                Step::Directory { path, .. } => self.add(Made::Directory(path.clone())),
                Step::Key { path, .. } | Step::LoginKey { path, .. } => self.add(Made::Secret(path.clone())),
                Step::Edit(edit) => self.take_edit(edit),
            }
        }
    }

    fn add(&mut self, made: Made) {
        if !self.made.contains(&made) {
            self.made.push(made);
        }
    }

    /// A second change to a file: before the first one is before both, if nobody else wrote in between.
    fn take_edit(&mut self, new: &Edit) {
        let Some(old) = self.edits.iter_mut().find(|old| old.path == new.path) else {
            self.edits.push(new.clone());
            return;
        };
        let began = new.before.clone().unwrap_or_default();
        let mut known = Edit { swaps: Vec::new(), ..old.clone() };
        known.swaps.extend(old.swaps.iter().filter(|swap| began.contains(&swap.now)).cloned());
        let before = match old.after == began {
            true => old.before.clone(),
            false => known.taken_out_of(&began).ok().or(Some(began)),
        };
        let swaps = known.swaps.into_iter().chain(new.swaps.iter().cloned()).collect();
        *old = Edit { path: new.path.clone(), before, after: new.after.clone(), swaps };
    }
}

/// JSON without octets of any encoding: what is written goes out as ISO 8859-1, and JSON is read as UTF-8.
fn ascii(json: &str) -> String {
    let escaped = |character: char| match character.is_ascii() {
        true => character.to_string(),
        false => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Swap;

    fn edit(before: &str, piece: &str) -> Edit {
        let swaps = vec![Swap { was: String::new(), now: piece.into() }];
        Edit { path: "/f".into(), before: Some(before.into()), after: format!("{before}{piece}"), swaps }
    }

    #[test]
    fn a_second_change_keeps_the_way_back_to_before_the_first() {
        let rows = [
            // Nobody wrote in between; somebody did; somebody took the first piece out.
            (edit("a\nours1\n", "ours2\n"), "a\n"),
            (edit("a\nours1\ntheirs\n", "ours2\n"), "a\ntheirs\n"),
            (edit("a\ntheirs\n", "ours2\n"), "a\ntheirs\n"),
        ];
        for (second, expected) in rows {
            let mut manifest = Manifest { edits: vec![edit("a\n", "ours1\n")], made: Vec::new() };
            manifest.take(&[Step::Edit(second)]);
            assert_eq!(manifest.edits.len(), 1);
            assert_eq!(manifest.edits[0].before.as_deref(), Some(expected));
            let left = manifest.edits[0].taken_out_of(&manifest.edits[0].after);
            assert_eq!(left.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_manifest_that_others_may_write_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = Manifest::path(directory.path(), Mta::Postfix, Path::new("/etc/postfix"));
        assert!(path.ends_with("setup/postfix%2fetc%2fpostfix.json"));
        assert_eq!(Manifest::read(&path).unwrap(), None);
        let manifest = Manifest { edits: vec![edit("a\n", "b\n")], made: vec![Made::User("sendvia".into())] };
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), Some(manifest));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(matches!(Manifest::read(&path), Err(SetupError::Manifest { .. })));
    }
}
