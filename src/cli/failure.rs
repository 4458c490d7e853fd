//! How a person's command fails: what, the remedy, and the exit status.

use super::output;
use crate::account::AccountError;
use crate::secret::key::KeyError;
use crate::secret::private::PrivateFileError;
use crate::secret::sealed::SealError;
use crate::secret::source::SecretError;
use crate::secret::token::TokenError;
use crate::secret::vault::VaultError;
use crate::verdict::ExitStatus;
use crate::wire::mailbox::MailboxError;
use crate::yaml::EditError;
use std::fmt::Display;
use std::io;

/// Why a command ends here.
#[derive(Debug)]
pub(super) struct Failure {
    /// `None` where it was told already.
    problem: Option<String>,
    hint: Option<String>,
    status: ExitStatus,
}

impl Failure {
    /// Something in the configuration, the accounts or the key.
    pub(super) fn new(problem: impl Display) -> Failure {
        Failure { problem: Some(problem.to_string()), hint: None, status: ExitStatus::Config }
    }

    /// Something that was typed, or must be.
    pub(super) fn usage(problem: impl Display, hint: impl Into<String>) -> Failure {
        Failure::new(problem).hint(hint).status(ExitStatus::Usage)
    }

    /// With its remedy.
    pub(super) fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// With its remedy, if there is one.
    pub(super) fn hint_if(self, hint: Option<String>) -> Failure {
        Failure { hint: hint.or(self.hint), ..self }
    }

    /// With another exit status.
    pub(super) fn status(self, status: ExitStatus) -> Failure {
        Failure { status, ..self }
    }

    fn with(problem: impl Display, hint: Option<String>) -> Failure {
        Failure { hint, ..Failure::new(problem) }
    }

    /// Tells it, and gives the exit status.
    pub(super) fn tell(self) -> ExitStatus {
        if let Some(problem) = &self.problem {
            output::fail(problem, self.hint.as_deref());
        }
        self.status
    }
}

/// One line, for a list of what went wrong.
impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.problem.as_deref().unwrap_or_default())
    }
}

/// The exit status of a command, its failure told.
pub(super) fn finish(result: Result<ExitStatus, Failure>) -> ExitStatus {
    result.unwrap_or_else(Failure::tell)
}

/// It was told already.
impl From<ExitStatus> for Failure {
    fn from(status: ExitStatus) -> Failure {
        Failure { problem: None, hint: None, status }
    }
}

macro_rules! from_error_with_hint {
    ($($error:ty),+) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::with(&error, error.hint())
            }
        }
    )+ };
}

from_error_with_hint!(AccountError, KeyError, PrivateFileError, SealError, SecretError, TokenError, VaultError);

impl From<EditError> for Failure {
    fn from(error: EditError) -> Failure {
        Failure::new(error)
            .hint("write each key on a line of its own, `provider: gmx` on one and `secret: ..` on the next")
    }
}

impl From<MailboxError> for Failure {
    fn from(error: MailboxError) -> Failure {
        Failure::usage(error, "an account is anna@gmx.de, or @example.org for a whole domain")
    }
}

/// The system refused something of this process: no thread, no descriptor.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::new(error).status(ExitStatus::TempFail)
    }
}
