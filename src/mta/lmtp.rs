//! LMTP (RFC 2033), which has a reply for each recipient: what the provider said of one does not touch the others.
//!
//! LMTP has no word for the login, so it comes in a [signed field](login_field) of the message, which is always taken off;
//! [`proof`] says when it is believed. A message without a field that is believed is one without a login.

mod proof;

use super::host;
use super::incoming::{refused, spool_directory};
use super::logging::Logged;
use crate::account::Submitter;
use crate::message::{Intake, IntakeError, Limits, Message};
use crate::reception::{Deliver, Dialect, Ended, Mail, Terms, serve as converse};
use crate::relay::{Admission, Handover, Recipients, Relay};
use crate::secret::login_field::LOGIN_FIELD;
use crate::verdict::{Outcome, Verdict};
use crate::wire::envelope::Envelope;
use proof::{Arrival, Proof};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// How long a delivery may take once the message is here: Postfix waits ten minutes for the reply, Exim five.
pub const DEADLINE: Duration = Duration::from_secs(4 * 60);

/// How long a client may be silent.
pub const IDLE: Duration = Duration::from_secs(10 * 60);

/// How long after the deadline a delivery is cut off that did not notice it.
const LATE: Duration = Duration::from_secs(5);

/// What can be said of the way a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Only the MTA has it: a pipe, or a socket by its permissions and the peer's credentials.
    OfMta,
    /// Anybody may be at its other end, so no login is believed.
    OfAnybody,
}

/// Takes messages in and hands them to a relay; `relay` gives the one in force when a message begins, or says why there
/// is none.
pub struct Lmtp<F> {
    relay: F,
    channel: Channel,
}

/// A message that comes in.
pub struct Arriving {
    relay: Result<Arc<Relay>, Outcome>,
    mail: Mail,
    intake: Result<Intake, IntakeError>,
    spool: PathBuf,
    began: Instant,
}

impl<F> Lmtp<F>
where
    F: Fn() -> Result<Arc<Relay>, Outcome> + Sync,
{
    /// LMTP on a channel.
    pub fn new(relay: F, channel: Channel) -> Lmtp<F> {
        Lmtp { relay, channel }
    }

    /// Speaks on a stream until the client leaves, is silent for too long, or `stopping` is over and no transaction is
    /// under way.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn serve<S>(&self, stream: &mut S, stopping: impl Future<Output = ()>) -> io::Result<Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        converse(stream, Terms::new(Dialect::Lmtp, host()), self, IDLE, stopping).await
    }
}

impl<F> Deliver for Lmtp<F>
where
    F: Fn() -> Result<Arc<Relay>, Outcome> + Sync,
{
    type Intake = Arriving;

    fn begin(&self, mail: Mail) -> Arriving {
        let relay = (self.relay)();
        let spool = relay.as_ref().map(|relay| spool_directory(relay.config())).unwrap_or_default();
        let intake = Ok(Intake::new(Limits::default(), &spool));
        Arriving { relay, mail, intake, spool, began: Instant::now() }
    }

    fn push(&self, arriving: &mut Arriving, octets: &[u8]) {
        if let Ok(intake) = &mut arriving.intake
            && let Err(error) = intake.push(octets)
        {
            arriving.intake = Err(error);
        }
    }

    async fn deliver(&self, arriving: Arriving) -> Vec<Verdict> {
        let Arriving { relay, mail, intake, spool, began } = arriving;
        let message = intake.and_then(Intake::finish).map_err(refused);
        let delivery = Delivery { queue_id: mail.xforward.ident(), reading: began.elapsed(), spool: &spool };
        let outcomes = match (relay, message) {
            (Ok(relay), Ok(message)) => delivery.carry_out(&relay, self.channel, &mail.envelope, message).await,
            (Err(outcome), _) | (Ok(_), Err(outcome)) => delivery.refuse(&mail.envelope, &Submitter::Nobody, outcome),
        };
        outcomes.iter().map(Verdict::from).collect()
    }
}

/// A message that is whole.
#[derive(Clone, Copy)]
struct Delivery<'a> {
    queue_id: Option<&'a str>,
    reading: Duration,
    spool: &'a Path,
}

impl Delivery<'_> {
    async fn carry_out(
        &self,
        relay: &Relay,
        channel: Channel,
        envelope: &Envelope,
        mut message: Message,
    ) -> Vec<Outcome> {
        let arrival = Arrival { channel, queue_id: self.queue_id, sender: &envelope.reverse_path, message: &message };
        let Proof { submitter, queue_id, lost } = match arrival.proof(relay.config().login_field.as_ref()) {
            Ok(proof) => proof,
            Err(outcome) => return self.refuse(envelope, &Submitter::Nobody, outcome),
        };
        message.header.remove(LOGIN_FIELD);
        let named = Delivery { queue_id: queue_id.as_deref(), ..*self };
        match relay.admit(envelope.clone(), &submitter) {
            Ok(admission) => named.deliver(relay, &submitter, &admission, message).await,
            Err(outcome) => named.refuse(envelope, &submitter, kept(relay, outcome, lost)),
        }
    }

    async fn deliver(
        &self,
        relay: &Relay,
        submitter: &Submitter,
        admission: &Admission,
        message: Message,
    ) -> Vec<Outcome> {
        let allowed = relay.config().timeouts.deadline.unwrap_or(DEADLINE).min(DEADLINE);
        let handover = Handover {
            queue_id: self.queue_id,
            is_queued: true,
            recipients: Recipients::PerRecipient,
            // The dot has come.
            is_whole: &|| Ok(()),
            deadline: Instant::now().checked_add(allowed),
            spool: self.spool,
        };
        let Ok(report) = timeout(allowed + LATE, relay.deliver(admission, message, &handover)).await else {
            let late = Outcome::Deadline { seconds: allowed.as_secs(), waiting_for: "the delivery".to_owned() };
            return self.refuse(&admission.envelope, submitter, late);
        };
        self.logged(submitter).report(&admission.envelope, &report);
        report.outcomes
    }

    /// One outcome for all recipients, before any of them was sent to.
    fn refuse(&self, envelope: &Envelope, submitter: &Submitter, outcome: Outcome) -> Vec<Outcome> {
        let outcomes = vec![outcome; envelope.recipients.len()];
        self.logged(submitter).outcomes(envelope, &outcomes, None);
        outcomes
    }

    fn logged<'s>(&'s self, submitter: &'s Submitter) -> Logged<'s> {
        Logged { queue_id: self.queue_id, submitter, reading: self.reading }
    }
}

/// A refusal for want of a login that we may have lost keeps the message in the queue; any other stays what it is.
fn kept(relay: &Relay, outcome: Outcome, lost: Option<String>) -> Outcome {
    let wants_login = match outcome {
        Outcome::NotAuthorised { .. } => true,
        // The login may have had an account.
        Outcome::NoAccount { .. } => relay.config().policy.filter.is_some(),
        _ => false,
    };
    match lost {
        Some(problem) if wants_login => Outcome::Local { problem },
        _ => outcome,
    }
}
