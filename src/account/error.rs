//! Why an account can't be had.

use crate::yaml::Problem;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Trouble with a store or with one account in it. All of it is ours: mail is deferred.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The account is there, but can't be used as it is. The first problem stands for all.
    #[error("{}", first(problems))]
    Malformed {
        /// All that is wrong.
        problems: Vec<Problem>,
    },
    /// A symlink leads to something that is no account's file.
    #[error("{path}: the symlink leads to {target}, which is no account's file", path = path.display(), target = target.display())]
    Alias {
        /// The symlink.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Something stands there already.
    #[error("{path}: exists already", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The database refused.
    #[error("{path}: {source}", path = path.display())]
    Database {
        /// The database's file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl AccountError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            // What stands outside of the fence has its remedy with it.
            AccountError::Io { source, .. } if source.raw_os_error().is_none() => None,
            AccountError::Io { path, source } if source.kind() == io::ErrorKind::PermissionDenied => Some(format!(
                "let the user this runs as read {}: it should own the file and its directory",
                path.display()
            )),
            AccountError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("correct `accounts` of sendvia.yaml, or make what is missing there".to_owned())
            }
            AccountError::Malformed { .. } => Some("`sendvia check` shows all that is wrong".to_owned()),
            AccountError::Alias { .. } => Some("point it at an account's file in the same directory".to_owned()),
            AccountError::Exists { .. } => Some("`--force` overwrites it".to_owned()),
            AccountError::Io { .. } | AccountError::Database { .. } => None,
        }
    }

    /// The same as problems of files, as `check` shows them.
    pub fn into_problems(self) -> Vec<Problem> {
        let hint = self.hint();
        let (path, text) = match self {
            AccountError::Malformed { problems } => return problems,
            AccountError::Io { path, source } => (path, source.to_string()),
            AccountError::Alias { path, target } => {
                (path, format!("the symlink leads to {}, which is no account's file", target.display()))
            }
            AccountError::Exists { path } => (path, "exists already".to_owned()),
            AccountError::Database { path, source } => (path, source.to_string()),
        };
        vec![Problem { hint, ..Problem::of_file(path, text) }]
    }
}

fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(|| "malformed".to_owned(), Problem::headline)
}
