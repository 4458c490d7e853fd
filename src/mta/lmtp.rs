//! LMTP (RFC 2033), which has a reply for each recipient: what the provider said of one does not touch the others.
//!
//! LMTP has no word for the login, so it comes in a [signed field](login_field) that Postfix's policy service put into the
//! message; it is believed for the queue id that XFORWARD names, over a channel that only the MTA has, and always taken
//! off. A message without a field that is believed is one without a login.

use super::host;
use super::incoming::{refused, spool_directory};
use super::logging::Logged;
use crate::account::Submitter;
use crate::log;
use crate::message::{Intake, IntakeError, Limits, Message};
use crate::reception::{Deliver, Dialect, Ended, Mail, Terms, serve as converse};
use crate::relay::{Admission, Handover, Recipients, Relay};
use crate::secret::login_field::{LOGIN_FIELD, LoginKey};
use crate::state::Clock;
use crate::verdict::{Outcome, Verdict};
use crate::wire::envelope::Envelope;
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

/// A service of ours was down while the message was submitted: the MTA keeps it, and may send it by the pipe transport.
const UNSIGNED: &str = "submitted with a login, but without its signed field: `sendvia policy` did not answer at DATA; \
    the pipe transport has the login";

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
        let submitter = match self.submitter(relay, channel, envelope, &message) {
            Ok(submitter) => submitter,
            Err(outcome) => return self.refuse(envelope, &Submitter::Nobody, outcome),
        };
        message.header.remove(LOGIN_FIELD);
        match relay.admit(envelope.clone(), &submitter) {
            Ok(admission) => self.deliver(relay, &submitter, &admission, message).await,
            Err(outcome) => self.refuse(envelope, &submitter, outcome),
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

    /// Who submitted: the login of a field that is believed. A key that can't be read is our trouble, and not the same
    /// as no login.
    fn submitter(
        &self,
        relay: &Relay,
        channel: Channel,
        envelope: &Envelope,
        message: &Message,
    ) -> Result<Submitter, Outcome> {
        let fields: Vec<Vec<u8>> = message.header.find_all(LOGIN_FIELD).map(|field| field.unfolded()).collect();
        let (Some(config), Some(queue_id), Channel::OfMta) = (&relay.config().login_field, self.queue_id, channel)
        else {
            return Ok(Submitter::Nobody);
        };
        if fields.is_empty() {
            return match has_logged_in(message, queue_id) {
                true => Err(Outcome::Local { problem: UNSIGNED.to_owned() }),
                false => Ok(Submitter::Nobody),
            };
        }
        let key = LoginKey::read(&config.key_file).map_err(|error| Outcome::Local { problem: error.to_string() })?;
        let (now, lifetime) = (Clock::System.now(), config.lifetime);
        for body in fields {
            // A customer may have put one of his own beside ours.
            match key.verify(&body, queue_id, &envelope.reverse_path, now, lifetime) {
                Ok(login) => return Ok(Submitter::Login(login)),
                Err(disbelief) => log::warning(&format!("{queue_id}: {LOGIN_FIELD} is not believed: {disbelief}")),
            }
        }
        Ok(Submitter::Nobody)
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

/// Whether Postfix took the message from a client that had logged in: the field that its smtpd puts on top names our
/// queue id, and the protocol with the `A` of RFC 3848. This only keeps a message in the queue that would be bounced, so
/// nobody gains by forging it.
fn has_logged_in(message: &Message, queue_id: &str) -> bool {
    let Some(received) = message.header.find_all("Received").next().map(|field| field.unfolded()) else { return false };
    let received = String::from_utf8_lossy(&received);
    let words: Vec<&str> = received.split([' ', '\t', ';']).collect();
    let behind = |word| words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1)).copied();
    let with = behind("with").unwrap_or_default();
    behind("id") == Some(queue_id) && matches!(with, "ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Intake;

    #[test]
    fn only_postfixs_own_field_about_this_message_tells_of_a_login() {
        let received = |with: &str, id: &str| {
            format!(
                "Received: from x (unknown [192.0.2.7])\r\n\tby mx.example (Postfix) with {with} id {id}\r\n\tfor <b@x>; now\r\n"
            )
        };
        let rows = [
            (received("ESMTPSA", "4Xq1zY"), true),
            (received("ESMTPA", "4Xq1zY"), true),
            (received("ESMTPS", "4Xq1zY"), false),
            (received("ESMTPSA", "another"), false),
            (received("ESMTP", "4Xq1zY") + &received("ESMTPSA", "4Xq1zY"), false),
            (String::new(), false),
        ];
        for (fields, expected) in rows {
            let mut intake = Intake::new(Limits::default(), Path::new("/nonexistent"));
            intake.push(format!("{fields}From: a@b\r\n\r\nx\r\n").as_bytes()).unwrap();
            assert_eq!(has_logged_in(&intake.finish().unwrap(), "4Xq1zY"), expected, "{fields}");
        }
    }
}
