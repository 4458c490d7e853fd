//! Who runs the commands that print secrets: this process, or, where the fence lets it start no program, one that was
//! started before the fence was raised.
//!
//! That process takes no command from us. It is told whose secret is wanted and looks into the configuration and the
//! account itself, neither of which the fence lets us write: so a service that was taken over can have answers, which it
//! can have anyway, but runs nothing of its own choice.
//!
//! A request is one packet with a descriptor, on which the answer comes: `0` and what the command printed, or `1` and a
//! [`Refusal`] in JSON. Whoever gives up waiting closes it, and the command is killed.

mod client;
mod server;

pub use client::start;
pub use server::serve;

use super::source::{SecretCommand, SecretError};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;
use zeroize::Zeroizing;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// The site's key ring.
    Key,
    /// A secret of an account.
    Secret {
        /// The account's address, folded.
        account: String,
        /// Which of its secrets: a [`super::sealed::Binding`]'s field.
        field: String,
    },
}

/// The longest request in octets: an address has 320, and JSON may write each with six.
const MAX_REQUEST: usize = 4096;

/// The first packet, from the side that runs commands: from here on no signal but the last one ends it.
const READY: &[u8] = b"ready";

const PRINTED: u8 = 0;
const REFUSED: u8 = 1;

/// A [`SecretError`] on its way.
#[derive(Debug, Serialize, Deserialize)]
enum Refusal {
    Start { program: String, errno: Option<i32>, problem: String },
    Failed { program: String, status: String },
    Timeout { program: String, limit: Duration },
    Other(String),
}

/// What `command` prints, by whoever may run it; `wanted` is what it is for.
pub(super) async fn output(command: &SecretCommand, wanted: &Wanted) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // Few deliveries come here, and all of them would have the room for it in their own future.
    match client::helper() {
        Some(helper) => Box::pin(helper.ask(wanted)).await,
        None => Box::pin(command.output()).await,
    }
}

impl From<SecretError> for Refusal {
    fn from(error: SecretError) -> Refusal {
        match error {
            SecretError::Start { program, source } => {
                Refusal::Start { program, errno: source.raw_os_error(), problem: source.to_string() }
            }
            SecretError::Failed { program, status } => Refusal::Failed { program, status },
            SecretError::Timeout { program, limit } => Refusal::Timeout { program, limit },
            other => Refusal::Other(other.to_string()),
        }
    }
}

impl From<Refusal> for SecretError {
    fn from(refusal: Refusal) -> SecretError {
        match refusal {
            Refusal::Start { program, errno, problem } => {
                let source = errno.map_or_else(|| io::Error::other(problem), io::Error::from_raw_os_error);
                SecretError::Start { program, source }
            }
            Refusal::Failed { program, status } => SecretError::Failed { program, status },
            Refusal::Timeout { program, limit } => SecretError::Timeout { program, limit },
            Refusal::Other(problem) => SecretError::Helper(problem),
        }
    }
}

#[cfg(test)]
mod tests;
