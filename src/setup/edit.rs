//! A change to one text file, such that it can be shown, done, and taken back.
//!
//! A file is read octet by octet into characters (ISO 8859-1), so that comments in any encoding come out as they went in.

use super::SetupError;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// What stands in place of what; where `was` is empty, `now` was put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Before.
    pub was: String,
    /// After.
    pub now: String,
}

/// A change to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The file itself, no symbolic link.
    pub path: PathBuf,
    /// What it held; `None` where there was none.
    pub before: Option<String>,
    /// What it is to hold.
    pub after: String,
    /// The parts that differ.
    pub swaps: Vec<Swap>,
}

impl Edit {
    /// No change yet to the file, which must be there.
    pub(super) fn of(path: &Path) -> Result<Edit, SetupError> {
        let path = path.canonicalize().map_err(SetupError::io(path))?;
        let before = read(&path)?.unwrap_or_default();
        Ok(Edit { path, after: before.clone(), before: Some(before), swaps: Vec::new() })
    }

    /// A new file, or no change where one is there, whatever it holds.
    pub(super) fn new_file(path: &Path, text: &str) -> Result<Edit, SetupError> {
        match read(path)? {
            Some(_) => Edit::of(path),
            None => Ok(Edit { path: path.to_owned(), before: None, after: text.to_owned(), swaps: Vec::new() }),
        }
    }

    /// Puts `piece` at the end, unless it stands there already.
    pub(super) fn append(&mut self, piece: &str) {
        let end = if self.after.is_empty() || self.after.ends_with('\n') { "" } else { "\n" };
        self.insert(self.after.len(), &format!("{end}{piece}"), piece);
    }

    /// Puts `piece` at an offset, unless it stands in the file already.
    pub(super) fn insert_at(&mut self, offset: usize, piece: &str) {
        self.insert(offset, piece, piece);
    }

    fn insert(&mut self, offset: usize, now: &str, piece: &str) {
        if piece.is_empty() || self.after.contains(piece) {
            return;
        }
        self.after.insert_str(offset, now);
        self.swaps.push(Swap { was: String::new(), now: now.to_owned() });
    }

    /// Puts `now` in place of what stands at `range`.
    pub(super) fn replace(&mut self, range: std::ops::Range<usize>, now: &str) {
        let was = self.after[range.clone()].to_owned();
        self.after.replace_range(range, now);
        self.swaps.push(Swap { was, now: now.to_owned() });
    }

    /// Whether it changes anything.
    pub fn is_change(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// The change as people read it.
    pub fn diff(&self) -> String {
        diff(&self.path, self.before.as_deref(), &self.after)
    }

    /// Writes the file, if it holds what it held when the change was planned.
    pub(super) fn carry_out(&self) -> Result<(), SetupError> {
        if read(&self.path)? != self.before {
            return Err(SetupError::ChangedMeanwhile { path: self.path.clone() });
        }
        write(&self.path, &self.after)
    }

    /// `text` without this change, if each part of it stands there once and whole.
    pub(super) fn taken_out_of(&self, text: &str) -> Result<String, Swap> {
        let mut text = text.to_owned();
        for swap in self.swaps.iter().rev() {
            if text.matches(&swap.now).count() != 1 {
                return Err(swap.clone());
            }
            text = text.replacen(&swap.now, &swap.was, 1);
        }
        Ok(text)
    }
}

/// A change as a unified diff.
pub(super) fn diff(path: &Path, before: Option<&str>, after: &str) -> String {
    let shown = |text: &str| String::from_utf8_lossy(&octets(text)).into_owned();
    let name = path.display().to_string();
    let old = if before.is_some() { name.as_str() } else { "/dev/null" };
    let (before, after) = (shown(before.unwrap_or_default()), shown(after));
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(2).header(old, &name).to_string()
}

/// What a file holds; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, SetupError> {
    match fs::read(path) {
        Ok(octets) => Ok(Some(octets.into_iter().map(char::from).collect())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SetupError::io(path)(error)),
    }
}

fn octets(text: &str) -> Vec<u8> {
    // What was read has no character beyond 255, and the pieces are ASCII; a path of another kind is kept as UTF-8.
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(octet) => octets.push(octet),
            Err(_) => octets.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    octets
}

/// Replaces a file at once, with the owner and mode that it had; a new one is root's, and readable by all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), SetupError> {
    replace(path, text).map_err(SetupError::io(path))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = directory.join(format!(".{name}.sendvia-{}", std::process::id()));
    let written = fill(&beside, path, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn fill(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(beside)?;
    file.write_all(&octets(text))?;
    match fs::metadata(path) {
        Ok(old) => {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
            file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        }
        Err(_) => file.set_permissions(Permissions::from_mode(0o644))?,
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(before: &str) -> Edit {
        Edit { path: "/f".into(), before: Some(before.into()), after: before.into(), swaps: Vec::new() }
    }

    #[test]
    fn what_others_changed_meanwhile_stays_when_ours_is_taken_out() {
        let mut change = edit("one\ntwo");
        change.append("ours = 1\n");
        change.replace(0..3, "ours, one");
        assert_eq!(change.after, "ours, one\ntwo\nours = 1\n");
        assert_eq!(change.taken_out_of(&change.after).as_deref(), Ok("one\ntwo"));
        assert_eq!(change.taken_out_of("ours, one\nnew\ntwo\nours = 1\n").as_deref(), Ok("one\nnew\ntwo"));
        let changed = change.taken_out_of("ours, one\ntwo\nours = 2\n");
        assert_eq!(changed.map_err(|swap| swap.now), Err("\nours = 1\n".to_owned()));
    }

    #[test]
    fn a_piece_that_stands_there_is_not_put_there_again() {
        let mut change = edit("ours = 1\n");
        change.append("ours = 1\n");
        assert!(!change.is_change());
    }

    #[test]
    fn octets_of_any_encoding_come_out_as_they_went_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("main.cf");
        let all: Vec<u8> = (0..=255).collect();
        fs::write(&path, &all).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let text = read(&path).unwrap().unwrap();
        write(&path, &text).unwrap();
        assert_eq!(fs::read(&path).unwrap(), all);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_changed_since_the_plan_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("main.cf");
        fs::write(&path, "a\n").unwrap();
        let mut change = Edit::of(&path).unwrap();
        change.append("ours\n");
        fs::write(&path, "b\n").unwrap();
        assert!(matches!(change.carry_out(), Err(SetupError::ChangedMeanwhile { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "b\n");
    }
}
