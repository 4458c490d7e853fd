//! `secret: {file: PATH}` and `secret: {credential: NAME}`.

use super::{MAX_OCTETS, SecretError, first_line_of};
use crate::secret::{SecretString, private};
use std::path::Path;

/// The first line of the private file at `path`.
///
/// # Errors
/// [`SecretError`]; nothing of the secret is in it.
pub fn first_line(path: &Path) -> Result<SecretString, SecretError> {
    first_line_of(private::read(path, MAX_OCTETS)?, &path.display().to_string())
}

/// The first line of the systemd credential `name`.
pub(super) fn credential(name: &str) -> Result<SecretString, SecretError> {
    first_line_of(private::credential(name)?, &format!("credential {name}"))
}
