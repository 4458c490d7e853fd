//! The key ring at hand: read once, when the first secret is sealed or opened.

use super::key::{KeyError, KeyRing};
use super::private;
use super::sealed::{Binding, SealError};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the key ring is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A private file.
    File(PathBuf),
    /// A systemd credential of that name, in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// What a command prints; no shell is involved.
    Command(Vec<String>),
}

/// Seals and opens with the ring that a [`KeySource`] names.
pub struct Vault {
    source: KeySource,
    ring: Mutex<Option<Arc<KeyRing>>>,
}

/// Why a secret can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no key ring.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The ring does not open the text.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl VaultError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            VaultError::Key(error) => error.hint(),
            VaultError::Seal(error) => error.hint(),
        }
    }
}

impl Vault {
    /// A vault whose ring is read when it is first needed.
    pub fn new(source: KeySource) -> Vault {
        Vault { source, ring: Mutex::new(None) }
    }

    /// Where the ring is kept.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// The ring, read once.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn ring(&self) -> Result<Arc<KeyRing>, KeyError> {
        let kept = self.ring.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some(ring) => Ok(ring),
            None => self.read_again().await,
        }
    }

    /// Reads the ring again, as it is after a rotation.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn read_again(&self) -> Result<Arc<KeyRing>, KeyError> {
        let ring = Arc::new(self.source.read().await?);
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ring));
        Ok(ring)
    }

    /// Seals with the ring's first key. A ring that is a file is read again for it: what would be sealed with a key that
    /// a rotation takes off meanwhile would never open.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, binding: &Binding, secret: &SecretString) -> Result<String, VaultError> {
        let ring = match self.source {
            KeySource::File(_) => self.read_again().await?,
            KeySource::Credential(_) | KeySource::Command(_) => self.ring().await?,
        };
        Ok(ring.seal(binding, secret)?)
    }

    /// Opens with whichever key of the ring fits; a key that the ring lacks may have come with a rotation, so it is
    /// read once more.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, binding: &Binding, text: &str) -> Result<SecretString, VaultError> {
        match self.ring().await?.open(binding, text) {
            Err(SealError::UnknownKey { .. }) => Ok(self.read_again().await?.open(binding, text)?),
            other => Ok(other?),
        }
    }
}

impl KeySource {
    /// Reads the ring.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn read(&self) -> Result<KeyRing, KeyError> {
        match self {
            KeySource::File(path) => KeyRing::read(path),
            KeySource::Credential(name) => KeyRing::parse(&private::credential(name)?),
            KeySource::Command(command) => KeyRing::from_command(command).await,
        }
    }

    /// The ring's file, if sendvia may replace it.
    pub fn file(&self) -> Option<&Path> {
        match self {
            KeySource::File(path) => Some(path),
            KeySource::Credential(_) | KeySource::Command(_) => None,
        }
    }
}
