//! Handing a message to the resident service, for a user who may not read the account: the service has the secret, and
//! the kernel tells it who the user is.

use crate::message::Message;
use crate::submission::{Failure, FailureKind, IsWhole, Local, RecipientOutcome};
use crate::verdict::{Meaning, Outcome};
use crate::wire::envelope::Envelope;
use std::path::Path;
use std::time::Instant;

/// What its replies are told by.
const SERVICE: &str = "sendvia's service";

/// Hands the message over; one outcome stands for all recipients.
///
/// # Errors
/// The [`Outcome`]: the service's refusal, or that it can't be reached.
pub async fn hand_over(
    socket: &Path,
    envelope: &Envelope,
    message: &Message,
    is_whole: IsWhole<'_>,
    deadline: Option<Instant>,
) -> Result<Outcome, Outcome> {
    let failed = |failure| of_failure(socket, failure);
    let mut session = Local::connect(socket, &super::connection::host_name(), deadline).await.map_err(failed)?;
    let sent = session.send(envelope, message, is_whole).await.map_err(failed)?;
    session.quit().await;
    let mut outcome = Err(Outcome::Local { problem: "internal error: no recipient".to_owned() });
    for one in sent {
        match one {
            RecipientOutcome::Accepted(reply) => outcome = Ok(Outcome::Sent { provider: SERVICE.to_owned(), reply }),
            RecipientOutcome::Refused { stage, reply } => {
                let (provider, meaning) = (SERVICE.to_owned(), Meaning::Unknown);
                return Err(Outcome::Refused { provider, stage, reply, meaning });
            }
            RecipientOutcome::Withheld => {}
        }
    }
    outcome
}

fn of_failure(socket: &Path, failure: Failure) -> Outcome {
    let (provider, stage) = (SERVICE.to_owned(), failure.stage);
    match failure.kind {
        FailureKind::Refused(reply) => Outcome::Refused { provider, stage, reply, meaning: Meaning::Unknown },
        FailureKind::Unanswered(detail) => Outcome::Unanswered { provider, detail },
        FailureKind::TooLarge { size, limit } => Outcome::TooLarge { provider, size, limit },
        FailureKind::ExtensionMissing(extension) => Outcome::ExtensionMissing { provider, extension },
        FailureKind::Cut(detail) => Outcome::Cut { detail },
        FailureKind::Connection(detail) => {
            Outcome::Connection { provider, stage, detail: format!("{}: {detail}", socket.display()) }
        }
        _ => Outcome::Connection { provider, stage, detail: format!("{}: {failure}", socket.display()) },
    }
}
