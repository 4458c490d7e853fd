//! One message on its way through the relay: what is asked, what is logged, and the one outcome of all recipients.

use super::incoming;
use super::logging::{Logged, start_log};
use crate::account::Submitter;
use crate::config::Config;
use crate::message::Message;
use crate::process::DEADLINE;
use crate::relay::{Admission, Handover, Recipients, Relay};
use crate::verdict::{Disposition, Outcome, Verdict};
use crate::wire::envelope::Envelope;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What is left of the deadline for telling what happened at which stage.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Asked before the end of data goes out: how it was noticed that the message was cut.
pub(super) type IsWhole = dyn Fn() -> Result<(), String> + Sync;

/// Where messages of one submitter are handed to the relay.
pub(super) struct Desk {
    relay: Arc<Relay>,
    patience: Duration,
    submitter: Submitter,
    queue_id: Option<String>,
    is_queued: bool,
    spool: OnceLock<PathBuf>,
    began: Instant,
}

impl Desk {
    /// For what an MTA keeps in its queue. Starts the log by the way.
    pub(super) fn of_queue(config: Config, submitter: Submitter, queue_id: Option<String>, debug: bool) -> Desk {
        Desk { queue_id, is_queued: true, ..Desk::new(config, submitter, debug) }
    }

    /// For what nobody keeps. Starts the log by the way.
    pub(super) fn new(config: Config, submitter: Submitter, debug: bool) -> Desk {
        start_log(config.log, debug);
        Desk::at(Arc::new(Relay::new(config)), submitter, DEADLINE)
    }

    /// Where a relay is shared, and a delivery may take so long in all; nobody keeps it.
    pub(super) fn at(relay: Arc<Relay>, submitter: Submitter, patience: Duration) -> Desk {
        Desk {
            relay,
            patience,
            submitter,
            queue_id: None,
            is_queued: false,
            spool: OnceLock::new(),
            began: Instant::now(),
        }
    }

    /// Who submits here.
    pub(super) fn submitter(&self) -> &Submitter {
        &self.submitter
    }

    /// How long it is since we began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The directory for long messages, looked for when the first message comes.
    pub(super) fn spool(&self) -> &Path {
        self.spool.get_or_init(|| incoming::spool_directory(self.relay.config()))
    }

    /// The relay, for what is asked of configuration and accounts.
    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// All that can be decided without the message. A refusal is logged.
    pub(super) fn admit(&self, envelope: Envelope) -> Result<Admission, Outcome> {
        let refused = envelope.clone();
        self.relay.admit(envelope, &self.submitter).inspect_err(|outcome| self.log_unread(&refused, outcome))
    }

    /// Logs an outcome that came before the relay had the message.
    pub(super) fn log_unread(&self, envelope: &Envelope, outcome: &Outcome) {
        let outcomes = vec![outcome.clone(); envelope.recipients.len()];
        self.logged(self.began.elapsed()).outcomes(envelope, &outcomes, None);
    }

    /// Hands the message over: the outcome of each recipient, each of them logged. `reading` is how long it took to come
    /// in.
    pub(super) async fn deliver(
        &self,
        reading: Duration,
        admission: &Admission,
        message: Message,
        is_whole: &IsWhole,
    ) -> Vec<Outcome> {
        let handover = Handover {
            queue_id: self.queue_id.as_deref(),
            is_queued: self.is_queued,
            recipients: Recipients::AllOrNone,
            is_whole,
            deadline: self.deadline(reading),
            spool: self.spool(),
        };
        let report = self.relay.deliver(admission, message, &handover).await;
        self.logged(reading).report(&admission.envelope, &report);
        report.outcomes
    }

    /// When a delivery has to be over whose message took so long to come in.
    pub(super) fn deadline(&self, reading: Duration) -> Option<Instant> {
        Instant::now().checked_add(self.allowed().saturating_sub(reading))
    }

    /// How long a delivery may take in all.
    fn allowed(&self) -> Duration {
        self.relay.config().timeouts.deadline.unwrap_or(self.patience).min(self.patience.saturating_sub(LAST_WORDS))
    }

    fn logged(&self, reading: Duration) -> Logged<'_> {
        Logged { queue_id: self.queue_id.as_deref(), submitter: &self.submitter, reading }
    }
}

/// The one outcome of several: the first that keeps a message in the queue, else the first that refuses, else the first
/// of all.
pub(super) fn overall(outcomes: Vec<Outcome>) -> Result<Outcome, Outcome> {
    let rank = |outcome: &Outcome| match Verdict::from(outcome).disposition {
        Disposition::Defer => 0,
        Disposition::Bounce => 1,
        Disposition::Ok => 2,
    };
    match outcomes.into_iter().min_by_key(rank) {
        Some(outcome) if rank(&outcome) == 2 => Ok(outcome),
        Some(outcome) => Err(outcome),
        None => Err(Outcome::Local { problem: "internal error: no recipient has an outcome".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::Reply;

    #[test]
    fn one_outcome_stands_for_several_recipients() {
        let sent = || Outcome::Sent { provider: "gmx".into(), reply: Reply::new(250, "ok") };
        let defer = || Outcome::Local { problem: "x".into() };
        let bounce = || Outcome::Header { problem: "x".into() };
        let rows = [
            (vec![sent(), sent()], Ok(sent())),
            (vec![sent(), bounce(), defer()], Err(defer())),
            (vec![sent(), bounce()], Err(bounce())),
        ];
        for (outcomes, expected) in rows {
            assert_eq!(overall(outcomes), expected);
        }
        assert_eq!(Verdict::from(&overall(Vec::new()).unwrap_err()).disposition, Disposition::Defer);
    }
}
