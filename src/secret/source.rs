//! Where an account's secret comes from.
//!
//! `plain` stands in the account file; `file`, `command`, `env` and `credential` name another place; `sealed` opens
//! with the site's key; `secret_service` asks a desktop's keyring; `oauth` gives access tokens, kept and renewed.

mod command;
mod file;
mod oauth;
mod read;
mod secret_service;

pub use command::{CommandLine, SecretCommand};
pub use file::{first_line, first_line_from};
pub(crate) use read::read;

use super::SecretString;
use super::commands::{Wanted, output};
use super::oauth::OAuthSource;
use super::private::PrivateFileError;
use super::sealed::Binding;
use super::token::TokenError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The longest secret that is read, in octets: an access token may have some thousand.
pub(super) const MAX_OCTETS: u64 = 64 * 1024;

/// A place to take a secret from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// The secret itself.
    Plain(SecretString),
    /// The first line of a file that nobody but its owner may read.
    File(PathBuf),
    /// The first line that a command prints.
    Command(SecretCommand),
    /// An environment variable.
    Env(String),
    /// A systemd credential's name: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// Sealed text, which opens with the site's key for this account only.
    Sealed(String),
    /// Attributes in the keyring of a person at a desktop.
    SecretService(Vec<(String, String)>),
    /// An access token, kept and renewed.
    OAuth(Box<OAuthSource>),
}

/// Why a secret can't be had. Nothing of a secret is in any of these.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The source gave nothing.
    #[error("{0} holds no secret: its first line is empty")]
    Empty(String),
    /// The first line is not UTF-8 text, or holds a NUL.
    #[error("{0}: the first line is not text")]
    NotText(String),
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The command can't be started.
    #[error("secret command {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command failed.
    #[error("secret command {program}: {status}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// The command did not end in time, and was killed with all its children.
    #[error("secret command {program}: no answer within {limit:?}")]
    Timeout {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// There is a process that runs commands outside of the service's fence, and it did not.
    #[error("secret command: the process that runs it: {0}")]
    Helper(String),
    /// A sealed secret, and no key to open it.
    #[error("the secret is sealed, and no key is configured")]
    NoKey,
    /// It does not open.
    #[error(transparent)]
    Sealed(#[from] super::sealed::SealError),
    /// The key can't be read.
    #[error(transparent)]
    Key(#[from] super::key::KeyError),
    /// There is no access token.
    #[error(transparent)]
    Token(Box<TokenError>),
    /// A password was asked for where the account has tokens.
    #[error("the secret is an OAuth 2.0 token, and only a password is wanted here")]
    NotAPassword,
}

impl SecretError {
    /// Whether the mail server refused an access token that its issuer has just given.
    pub fn is_refused_fresh(&self) -> bool {
        matches!(self, SecretError::Token(error) if matches!(**error, TokenError::RefusedFresh { .. }))
    }

    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            SecretError::File(error) => error.hint(),
            SecretError::Sealed(error) => error.hint(),
            SecretError::Key(error) => error.hint(),
            SecretError::Token(error) => error.hint(),
            SecretError::NoKey => Some("name the key in sendvia.yaml: `key: {file: /etc/sendvia/key}`".to_owned()),
            SecretError::Unset(_) => {
                Some("an MTA passes few variables on to what it starts; prefer `file` or `command`".to_owned())
            }
            SecretError::Failed { .. } | SecretError::Start { .. } | SecretError::Timeout { .. } => {
                Some("run it as the MTA's user, without a terminal, and see what it says".to_owned())
            }
            SecretError::Helper(_) => Some("restart the service, or set `fence: off`".to_owned()),
            SecretError::Empty(_) | SecretError::NotText(_) | SecretError::NotAPassword => None,
        }
    }
}

impl SecretSource {
    /// The word that names the source in an account file.
    pub fn kind(&self) -> &'static str {
        match self {
            SecretSource::Plain(_) => "plain",
            SecretSource::File(_) => "file",
            SecretSource::Command(_) => "command",
            SecretSource::Env(_) => "env",
            SecretSource::Credential(_) => "credential",
            SecretSource::Sealed(_) => "sealed",
            SecretSource::SecretService(_) => "secret_service",
            SecretSource::OAuth(_) => "oauth",
        }
    }

    /// The command that gives it, where one does.
    pub fn command(&self) -> Option<SecretCommand> {
        match self {
            SecretSource::Command(command) => Some(command.clone()),
            SecretSource::SecretService(attributes) => Some(secret_service::command(attributes)),
            _ => None,
        }
    }

    /// Takes a password from where it is; `binding` says whose. `open` is asked to open sealed text.
    /// [`super::custody::Custody`] does more: it opens sealed text itself, and gets access tokens.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn resolve(
        &self,
        binding: &Binding,
        open: impl FnOnce(&str) -> Result<SecretString, SecretError>,
    ) -> Result<SecretString, SecretError> {
        match self {
            SecretSource::Plain(secret) => Ok(secret.clone()),
            SecretSource::File(path) => file::first_line(path),
            SecretSource::Command(command) => printed_for(command, binding).await,
            SecretSource::Env(name) => from_environment(name),
            SecretSource::Credential(name) => file::credential(name),
            SecretSource::Sealed(text) => open(text),
            SecretSource::SecretService(attributes) => printed_for(&secret_service::command(attributes), binding).await,
            SecretSource::OAuth(_) => Err(SecretError::NotAPassword),
        }
    }
}

async fn printed_for(command: &SecretCommand, binding: &Binding) -> Result<SecretString, SecretError> {
    let wanted = Wanted::Secret { account: binding.account.clone(), field: binding.field.clone() };
    first_line_of(output(command, &wanted).await?, &format!("secret command {}", command.line.program()))
}

fn from_environment(name: &str) -> Result<SecretString, SecretError> {
    let value = std::env::var_os(name).ok_or_else(|| SecretError::Unset(name.to_owned()))?;
    first_line_of(value.into_encoded_bytes().into(), &format!("the environment variable {name}"))
}

/// The first line of `octets`, without its line end and nothing else taken off: blanks may belong to a password.
fn first_line_of(octets: zeroize::Zeroizing<Vec<u8>>, origin: &str) -> Result<SecretString, SecretError> {
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let not_text = || SecretError::NotText(origin.to_owned());
    let text = std::str::from_utf8(line).map_err(|_| not_text())?;
    match text {
        "" => Err(SecretError::Empty(origin.to_owned())),
        text if text.contains('\0') => Err(not_text()),
        text => Ok(SecretString::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    #[test]
    fn the_first_line_is_the_secret_without_its_line_end() {
        let rows: &[(&[u8], Option<&str>)] = &[
            (b"hunter2", Some("hunter2")),
            (b"hunter2\n", Some("hunter2")),
            (b"hunter2\r\n", Some("hunter2")),
            (b"hunter2\nlogin: anna\n", Some("hunter2")),
            (b" with blanks \n", Some(" with blanks ")),
            (b"\nhunter2\n", None),
            (b"", None),
            (b"hunt\xffer\n", None),
            (b"hunt\0er\n", None),
        ];
        for (octets, expected) in rows {
            let secret = first_line_of(octets.to_vec().into(), "f").ok();
            assert_eq!(secret.as_ref().map(ExposeSecret::expose_secret), *expected, "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn no_error_tells_what_it_could_not_use() {
        let error = first_line_of(b"canary\xff".to_vec().into(), "f").expect_err("not text");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
