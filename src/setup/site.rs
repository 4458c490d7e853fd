//! What every mail server needs: the user, the directories, the key and `sendvia.yaml`.

use super::host::user;
use super::plan::{Plan, Step};
use super::{Edit, Manifest, Mode, Mta, SetupError, Wish};
use crate::account::Place;
use crate::config::{Config, KeySource};
use std::path::{Path, PathBuf};

/// `sendvia.yaml` where mail comes by a pipe.
const YAML: &str = "\
# The configuration of sendvia; sendvia.yaml(5) has every key. What is not said here has its default.
accounts: accounts.d
key: {file: key}
";

/// A plan with all of it, and nothing of the mail server yet.
pub(super) fn plan(wish: &Wish) -> Result<Plan, SetupError> {
    let directory = wish.config.parent().unwrap_or(Path::new("/")).to_owned();
    let config = configuration(wish)?;
    let mut plan = Plan {
        steps: Vec::new(),
        notes: Vec::new(),
        reload: Vec::new(),
        manifest: Manifest::path(&config.state, wish.mta, &wish.directory),
    };
    if user(&wish.user).is_none() {
        plan.steps.push(Step::User(wish.user.clone()));
    }
    plan.directories(wish, &directory, &config);
    plan.key(wish, &config);
    if wish.mode == Mode::Pipe {
        plan.edit(Edit::new_file(&wish.config, YAML)?);
    }
    Ok(plan)
}

/// The directory in which the router of Exim looks for names of accounts.
pub(super) fn accounts(wish: &Wish) -> Result<PathBuf, SetupError> {
    match configuration(wish)?.accounts {
        Place::Directory(path) => Ok(path),
        Place::Sqlite(_) => Err(SetupError::Config("Exim finds accounts in a directory, not in an SQLite file".into())),
    }
}

/// `sendvia.yaml` as it is; its defaults where there is none.
pub(super) fn configuration(wish: &Wish) -> Result<Config, SetupError> {
    match wish.config.exists() {
        true => Config::load(Some(&wish.config)).map_err(|errors| SetupError::Config(errors.to_string())),
        false => Ok(Config::beside(wish.config.parent().unwrap_or(Path::new("/")))),
    }
}

impl Plan {
    fn directories(&mut self, wish: &Wish, directory: &Path, config: &Config) {
        self.directory(directory, "root", &wish.user, 0o755);
        if let Place::Directory(accounts) = &config.accounts {
            // Exim's router sees the names of accounts, and no more.
            let mode = if wish.mta == Mta::Exim { 0o755 } else { 0o700 };
            self.directory(accounts, &wish.user, &wish.user, mode);
        }
        self.directory(&config.state, &wish.user, &wish.user, 0o700);
    }

    /// Makes a directory, unless there is one.
    pub(super) fn directory(&mut self, path: &Path, user: &str, group: &str, mode: u32) {
        if !path.is_dir() {
            let (user, group) = (user.to_owned(), group.to_owned());
            self.steps.push(Step::Directory { path: path.to_owned(), user, group, mode });
        }
    }

    fn key(&mut self, wish: &Wish, config: &Config) {
        if let KeySource::File(path) = config.key_source()
            && !path.exists()
        {
            self.steps.push(Step::Key { path, user: wish.user.clone() });
        }
    }
}
