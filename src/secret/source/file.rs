//! `secret: {file: PATH}` and `secret: {credential: NAME}`.

use super::{MAX_OCTETS, SecretError, first_line_of};
use crate::secret::private::PrivateFileError;
use crate::secret::{SecretString, private};
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// The first line of the private file at `path`.
///
/// # Errors
/// [`SecretError`]; nothing of the secret is in it.
pub fn first_line(path: &Path) -> Result<SecretString, SecretError> {
    first_line_of(private::read(path, MAX_OCTETS)?, &path.display().to_string())
}

/// The first line that `reader` gives; `origin` is what errors call it.
///
/// # Errors
/// [`SecretError`]; nothing of the secret is in it.
pub fn first_line_from(reader: impl Read, origin: &str) -> Result<SecretString, SecretError> {
    // Room for all at once: a buffer that grows leaves copies of the secret behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_OCTETS).unwrap_or(usize::MAX)));
    let trouble = |source| PrivateFileError::Io { path: origin.into(), source };
    reader.take(MAX_OCTETS).read_to_end(&mut octets).map_err(trouble)?;
    first_line_of(octets, origin)
}

/// The first line of the systemd credential `name`.
pub(super) fn credential(name: &str) -> Result<SecretString, SecretError> {
    first_line_of(private::credential(name)?, &format!("credential {name}"))
}
