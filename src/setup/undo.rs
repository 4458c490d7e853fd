//! Taking out again what a [`Manifest`] says was put in.

use super::host::{remove_user, user};
use super::{Edit, Made, Manifest, SetupError, edit};
use std::fs;
use std::path::{Path, PathBuf};

/// What will be taken back.
#[derive(Clone, Debug, Default)]
pub struct Undoing {
    edits: Vec<Back>,
    made: Vec<Made>,
    /// What stays although it was to go, and why.
    pub left: Vec<String>,
    /// What stays because accounts need it.
    pub kept: Vec<String>,
}

/// One file, from what it holds to what it shall hold; `None` is no file.
#[derive(Clone, Debug)]
struct Back {
    path: PathBuf,
    now: String,
    then: Option<String>,
}

impl Undoing {
    /// What can be taken back, as things are now. Reads only.
    ///
    /// # Errors
    /// [`SetupError`], where a file can't be read.
    pub fn of(manifest: &Manifest) -> Result<Undoing, SetupError> {
        let mut undoing = Undoing::default();
        for change in &manifest.edits {
            undoing.take_back(change)?;
        }
        undoing.made = manifest.made.iter().rev().cloned().collect();
        Ok(undoing)
    }

    fn take_back(&mut self, change: &Edit) -> Result<(), SetupError> {
        let Some(now) = edit::read(&change.path)? else { return Ok(()) };
        if Some(&now) == change.before.as_ref() {
            return Ok(());
        }
        let path = change.path.clone();
        if now == change.after {
            self.edits.push(Back { path, now, then: change.before.clone() });
        } else if change.before.is_none() {
            self.left.push(format!("{}: changed meanwhile, so it stays", path.display()));
        } else {
            match change.taken_out_of(&now) {
                Ok(then) => self.edits.push(Back { path, now, then: Some(then) }),
                Err(swap) => self.left.push(format!(
                    "{}: changed meanwhile, so it stays as it is. Take this out by hand:\n{}",
                    path.display(),
                    swap.now.trim()
                )),
            }
        }
        Ok(())
    }

    /// Whether no text file changes.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.made.is_empty()
    }

    /// What will be done, as people read it.
    pub fn text(&self) -> String {
        let files = self.edits.iter().map(|back| match &back.then {
            Some(then) => edit::diff(&back.path, Some(&back.now), then),
            None => format!("remove {}\n", back.path.display()),
        });
        let made = self.made.iter().map(|made| match made {
            Made::User(name) => format!("remove the user {name}, if no account is left\n"),
            Made::Directory(path) => format!("remove the directory {}, if it is empty\n", path.display()),
            Made::Secret(path) => format!("remove {}, if no account is left\n", path.display()),
        });
        files.chain(made).collect()
    }

    /// Does it; `left` and `kept` tell then what stayed. `accounts` is where accounts are: while there is one, its key and
    /// its owner stay.
    /// The manifest goes too, unless something is left that it knows the way back of.
    ///
    /// # Errors
    /// [`SetupError`] of the first step that failed.
    pub fn carry_out(mut self, accounts: &Path, manifest: &Path) -> Result<Undoing, SetupError> {
        for back in &self.edits {
            back.carry_out()?;
        }
        if self.left.is_empty() {
            let _ = fs::remove_file(manifest);
            let _ = manifest.parent().map(fs::remove_dir);
        }
        let accounts_left = fs::read_dir(accounts).is_ok_and(|mut entries| entries.next().is_some());
        for made in std::mem::take(&mut self.made) {
            self.remove(&made, accounts_left);
        }
        Ok(self)
    }

    fn remove(&mut self, made: &Made, accounts_left: bool) {
        match made {
            Made::Directory(path) => {
                // One that is not empty holds what is not ours.
                let _ = fs::remove_dir(path);
            }
            Made::Secret(path) if accounts_left => {
                self.kept.push(format!("{} stays: accounts need it", path.display()));
            }
            Made::User(name) if accounts_left => self.kept.push(format!("the user {name} stays: he owns accounts")),
            Made::Secret(path) => {
                let _ = fs::remove_file(path);
            }
            Made::User(name) => {
                if user(name).is_some() && remove_user(name).is_err() {
                    self.left.push(format!("user {name}: userdel refused"));
                }
            }
        }
    }
}

impl Back {
    fn carry_out(&self) -> Result<(), SetupError> {
        if edit::read(&self.path)?.as_ref() != Some(&self.now) {
            return Err(SetupError::ChangedMeanwhile { path: self.path.clone() });
        }
        match &self.then {
            Some(then) => edit::write(&self.path, then),
            None => fs::remove_file(&self.path).map_err(SetupError::io(&self.path)),
        }
    }
}
