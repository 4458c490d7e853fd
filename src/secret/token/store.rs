//! Where tokens outlive a process: one private file for each account in the state directory.
//!
//! Files and not a table, because the lock on an account's tokens is held while its token endpoint is asked, for
//! seconds: a row's lock would stop every other account's writers, and flock(2) is let go by the kernel when its
//! holder is killed. The secrets inside are sealed; the rest of the file is plain, so that a rotation of keys can seal
//! them again without asking an account.

use crate::secret::private::{self, PrivateFileError};
use crate::secret::sealed::{Binding, Destination};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::any::Any;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A token file has two sealed tokens: Microsoft's are 2,500 octets each.
const MAX_FILE: u64 = 128 * 1024;

/// What is kept of an account's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// The account's address, folded.
    pub account: String,
    /// The authentication identity.
    pub login: String,
    /// Where the access token may be sent.
    pub destination: Destination,
    /// Where the refresh token may be sent.
    pub token_endpoint: String,
    /// Fingerprint of the settings these tokens were got with; other settings make them foreign.
    pub client: String,
    /// The newest refresh token, sealed.
    pub refresh: Option<String>,
    /// Fingerprint of the refresh token in the account's file from which it descends.
    pub origin: Option<String>,
    /// The access token.
    pub access: Option<Access>,
    /// What went wrong last, until something goes right.
    pub trouble: Option<Trouble>,
}

/// An access token and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Sealed.
    pub token: String,
    /// When it was asked for, in seconds since 1970.
    pub obtained: i64,
    /// For how long it is good from then, in seconds.
    pub lifetime: i64,
}

/// Why the token endpoint is left alone for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whether a person has to act.
    pub closed: bool,
    /// What was said; no secret.
    pub reason: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// When it makes sense to ask again.
    pub until: i64,
    /// How often in a row.
    pub failures: u32,
    /// Fingerprint of the account file's refresh token then; another one is worth a try at once.
    pub origin: Option<String>,
}

/// Held while an account's tokens are renewed; dropping it lets the next one in.
pub type Lock = Box<dyn Any + Send>;

/// Keeps tokens. The second implementation would be a database that several hosts share.
pub trait TokenStore: Send + Sync {
    /// The account's tokens; `None` when there are none, or what is there can't be read as such.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    fn load(&self, account: &str) -> Result<Option<Tokens>, PrivateFileError>;
    /// Replaces the account's tokens, durably: after this they survive a crash.
    ///
    /// # Errors
    /// [`PrivateFileError`]; then the old ones stand.
    fn store(&self, tokens: &Tokens) -> Result<(), PrivateFileError>;
    /// Forgets the account's tokens.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    fn remove(&self, account: &str) -> Result<(), PrivateFileError>;
    /// The right to renew, unless another process has it.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    fn try_lock(&self, account: &str) -> Result<Option<Lock>, PrivateFileError>;
    /// Every account that has tokens.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    fn accounts(&self) -> Result<Vec<String>, PrivateFileError>;
}

/// Tokens in `STATE/tokens/`.
pub struct TokenFiles {
    directory: PathBuf,
}

impl TokenFiles {
    /// Tokens below the state directory; made when the first one is stored.
    pub fn below(state: &Path) -> TokenFiles {
        TokenFiles { directory: state.join("tokens") }
    }

    /// The state may be new altogether.
    fn make_directory(&self) -> Result<(), PrivateFileError> {
        self.directory.parent().map_or(Ok(()), private::make_directory)?;
        private::make_directory(&self.directory)
    }

    /// A name of fixed length that no address can break out of.
    fn path(&self, account: &str, ending: &str) -> PathBuf {
        self.directory.join(format!("{}.{ending}", fingerprint(&[account])))
    }

    fn fault(path: &Path) -> impl FnOnce(io::Error) -> PrivateFileError + '_ {
        move |source| PrivateFileError::Io { path: path.to_owned(), source }
    }

    fn read(path: &Path) -> Result<Option<Tokens>, PrivateFileError> {
        match private::read(path, MAX_FILE) {
            Ok(octets) => Ok(serde_json::from_slice(&octets).ok()),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A lock that is let go of by word: a child that another thread is about to start has a copy of the descriptor until its
/// exec, and closing ours would not be enough for that long.
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // What can't be let go of is let go of by closing.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl TokenStore for TokenFiles {
    fn load(&self, account: &str) -> Result<Option<Tokens>, PrivateFileError> {
        TokenFiles::read(&self.path(account, "json"))
    }

    fn store(&self, tokens: &Tokens) -> Result<(), PrivateFileError> {
        self.make_directory()?;
        let path = self.path(&tokens.account, "json");
        let text = serde_json::to_vec_pretty(tokens).map_err(|error| TokenFiles::fault(&path)(error.into()))?;
        private::write(&path, &text)
    }

    fn remove(&self, account: &str) -> Result<(), PrivateFileError> {
        let path = self.path(account, "json");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(TokenFiles::fault(&path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn try_lock(&self, account: &str) -> Result<Option<Lock>, PrivateFileError> {
        self.make_directory()?;
        let path = self.path(account, "lock");
        let file = private::open_lock(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Box::new(Held(file)))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(TokenFiles::fault(&path)(error.into())),
        }
    }

    fn accounts(&self) -> Result<Vec<String>, PrivateFileError> {
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(TokenFiles::fault(&self.directory))?,
        };
        let mut accounts = Vec::new();
        for entry in entries {
            let path = entry.map_err(TokenFiles::fault(&self.directory))?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if is_hidden || path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            accounts.extend(TokenFiles::read(&path)?.map(|tokens| tokens.account));
        }
        accounts.sort();
        Ok(accounts)
    }
}

impl Tokens {
    /// What the access token is sealed for.
    pub fn access_binding(&self) -> Binding {
        self.binding("access-token", self.destination.clone())
    }

    /// What the refresh token is sealed for.
    pub fn refresh_binding(&self) -> Binding {
        self.binding("refresh-token", Destination::TokenEndpoint(self.token_endpoint.clone()))
    }

    fn binding(&self, field: &str, destination: Destination) -> Binding {
        Binding { account: self.account.clone(), field: field.to_owned(), login: self.login.clone(), destination }
    }
}

/// Tells settings or tokens apart without telling what they are: 32 hexadecimal digits of a SHA-256.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(16).map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(account: &str) -> Tokens {
        Tokens {
            account: account.to_owned(),
            login: "anna".to_owned(),
            destination: Destination::Provider("outlook".to_owned()),
            token_endpoint: "https://login.example/token".to_owned(),
            client: "c".to_owned(),
            refresh: Some("v1:x".to_owned()),
            origin: None,
            access: Some(Access { token: "v1:y".to_owned(), obtained: 1, lifetime: 3600 }),
            trouble: None,
        }
    }

    #[test]
    fn tokens_are_kept_listed_and_forgotten() {
        let state = tempfile::tempdir().expect("a directory");
        let store = TokenFiles::below(state.path());
        assert_eq!(store.accounts().expect("none yet"), Vec::<String>::new());
        for account in ["b@x.example", "../a@x.example"] {
            store.store(&tokens(account)).expect("stored");
            assert_eq!(store.load(account).expect("readable"), Some(tokens(account)));
        }
        let lock = store.try_lock("c@x.example").expect("a lock");
        assert_eq!(store.accounts().expect("two"), ["../a@x.example", "b@x.example"]);
        assert_eq!(std::fs::read_dir(state.path()).expect("there").count(), 1);
        store.remove("b@x.example").expect("forgotten");
        store.remove("b@x.example").expect("a second time");
        assert_eq!(store.load("b@x.example").expect("none"), None);
        drop(lock);
    }

    #[test]
    fn a_damaged_file_counts_as_none() {
        let state = tempfile::tempdir().expect("a directory");
        let store = TokenFiles::below(state.path());
        store.store(&tokens("a@x.example")).expect("stored");
        private::write(&store.path("a@x.example", "json"), b"{\"account\": 7").expect("damaged");
        assert_eq!(store.load("a@x.example").expect("readable"), None);
    }

    #[test]
    fn one_at_a_time_has_the_right_to_renew_an_account() {
        let state = tempfile::tempdir().expect("a directory");
        let store = TokenFiles::below(state.path());
        let first = store.try_lock("a@x.example").expect("a lock").expect("free");
        assert!(store.try_lock("a@x.example").expect("a lock").is_none());
        assert!(store.try_lock("b@x.example").expect("a lock").is_some());
        drop(first);
        assert!(store.try_lock("a@x.example").expect("a lock").is_some());
    }
}
