//! Why a command line can't be carried out, and the reply that says so.

use crate::wire::mailbox::MailboxError;
use thiserror::Error;

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Longer than [`MAX_COMMAND_LINE`](super::MAX_COMMAND_LINE).
    #[error("the line is too long")]
    LineTooLong,
    /// A NUL, a bare CR or another control character.
    #[error("the line holds a control character")]
    Control,
    /// Octets over 127 that are not UTF-8.
    #[error("the address is not UTF-8")]
    NotUtf8,
    /// No such command.
    #[error("unknown command {0:?}")]
    Unknown(String),
    /// The command is known, its arguments are not well formed.
    #[error("expected {expected}")]
    Syntax {
        /// The form that was expected.
        expected: &'static str,
    },
    /// The reverse-path is not an address.
    #[error("sender: {0}")]
    Sender(MailboxError),
    /// The forward-path is not an address.
    #[error("recipient: {0}")]
    Recipient(MailboxError),
    /// A known parameter with a value that it can't have, or given twice.
    #[error("parameter {name}: bad value, or given twice")]
    Parameter {
        /// Its keyword.
        name: String,
    },
    /// A parameter of no extension that we offer.
    #[error("parameter {name} is not known")]
    UnknownParameter {
        /// Its keyword.
        name: String,
    },
}

impl CommandError {
    /// Reply code and enhanced status code (RFC 5321 section 4.3.2, RFC 3463, RFC 5248).
    pub fn codes(&self) -> (u16, &'static str) {
        match self {
            CommandError::LineTooLong | CommandError::Control | CommandError::NotUtf8 => (500, "5.5.2"),
            CommandError::Unknown(_) => (500, "5.5.1"),
            CommandError::Syntax { .. } | CommandError::Parameter { .. } => (501, "5.5.4"),
            CommandError::Sender(_) => (501, "5.1.7"),
            CommandError::Recipient(_) => (501, "5.1.3"),
            CommandError::UnknownParameter { .. } => (555, "5.5.4"),
        }
    }
}
