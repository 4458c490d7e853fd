//! Carrying a message out, once it is known by which account.

use super::admission::Admission;
use super::breaker::{self, Breaker, Change, Passage};
use super::journal::Journal;
use super::limits::{self, Room};
use super::login::{LoggedIn, Login, provider_label};
use super::memory::Memory;
use super::preparation::{Prepared, prepare};
use super::{Relay, outcomes, routes};
use crate::account::{self, Account};
use crate::message::downgrade::{DowngradeError, to_seven_bit};
use crate::message::repair::Repair;
use crate::message::{Limits, Message};
use crate::secret;
use crate::state::Subject;
use crate::submission::pool::Seat;
use crate::submission::{Authenticated, Failure, FailureKind, IsWhole, RecipientOutcome, Recipients};
use crate::verdict::{Extension, Outcome, Stage};
use crate::wire::envelope::{Envelope, Recipient};
use crate::wire::reply::Reply;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::{Duration, Instant};

/// What the MTA's side says of a message beside envelope and octets.
pub struct Handover<'a> {
    /// The MTA's name for the message.
    pub queue_id: Option<&'a str>,
    /// Whether it keeps the message and tries again what is deferred.
    pub is_queued: bool,
    /// Who gets it where some recipients are refused.
    pub recipients: Recipients,
    /// Whether the message is known to be whole; asked just before its end goes out.
    pub is_whole: IsWhole<'a>,
    /// When the MTA has to have its answer.
    pub deadline: Option<Instant>,
    /// A directory for what does not fit into memory.
    pub spool: &'a Path,
}

impl Handover<'_> {
    /// What a new Message-ID is made of: the same at each try of one entry of a queue, another for the next message even
    /// where it reads the same. Where there is no queue each message comes once.
    fn seed(&self, digest: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(digest);
        match self.queue_id {
            Some(queue_id) => hash.update(queue_id),
            None if self.is_queued => {}
            None => {
                let mut octets = [0; 16];
                // Time tells apart what the generator can't.
                let _ = secret::random(&mut octets);
                hash.update(octets);
                hash.update(Timestamp::now().as_nanosecond().to_be_bytes());
            }
        }
        hash.finalize().into()
    }
}

/// What became of a message.
#[derive(Debug)]
pub struct Report {
    /// One for each recipient, in the envelope's order.
    pub outcomes: Vec<Outcome>,
    /// The server, as `mail.gmx.net[192.0.2.1]:587`, if one was reached.
    pub relay: Option<String>,
    /// The account's address.
    pub account: String,
    /// Its provider by the site's name for it, `other` where it has none.
    pub provider: String,
    /// Deciding, logging in, sending.
    pub delays: [Duration; 3],
    /// What the administrator should know beside the outcomes, for the log.
    pub notes: Vec<String>,
    /// What was mended in the header section.
    pub repairs: Vec<Repair>,
}

impl Relay {
    /// Delivers a message by the account that `admission` found.
    pub async fn deliver(&self, admission: &Admission, message: Message, handover: &Handover<'_>) -> Report {
        // On the heap, and only here: whoever waits for a message, or refuses one, does not have all of a delivery's state
        // on its stack.
        let (mut report, changes) = Box::pin(self.carry(admission, message, handover)).await;
        report.notes.extend(changes.iter().map(ToString::to_string));
        if !changes.is_empty() && self.config().notify.is_wanted() {
            report.notes.extend(Box::pin(self.tell(&admission.account, &changes, handover)).await);
        }
        report
    }

    /// The same without telling anybody what was closed or opened.
    pub(super) async fn carry(
        &self,
        admission: &Admission,
        message: Message,
        handover: &Handover<'_>,
    ) -> (Report, Vec<Change>) {
        let account = &admission.account;
        let limits = limits::of(self.config(), account);
        let (seat, busy) = match self.seat(account, limits.sessions).await {
            Ok(seat) => (seat, None),
            Err(busy) => (None, Some(busy)),
        };
        let mut delivery = Delivery {
            relay: self,
            account,
            handover,
            limits,
            seat,
            memory: Memory::of(self.ledger()),
            changes: Vec::new(),
            report: Report {
                outcomes: Vec::new(),
                relay: None,
                account: account.address.to_string(),
                provider: provider_label(account).to_owned(),
                delays: [Duration::ZERO; 3],
                notes: Vec::new(),
                repairs: Vec::new(),
            },
        };
        let outcomes = match busy {
            None => delivery.run(&admission.envelope, message).await,
            Some(busy) => Err(busy),
        };
        let all = |outcome| vec![outcome; admission.envelope.recipients.len()];
        let Delivery { mut report, memory, changes, .. } = delivery;
        report.outcomes = outcomes.unwrap_or_else(all);
        report.notes.extend(memory.note());
        (report, changes)
    }

    /// The right to deliver by this account now, where deliveries share a process.
    async fn seat(&self, account: &Account, sessions: Option<u64>) -> Result<Option<Seat>, Outcome> {
        let Some(pool) = &self.pool else { return Ok(None) };
        let (address, provider) = (account.address.folded(), routes::provider(account));
        let seat = pool.enter(&address, &provider, sessions).await;
        seat.map(Some).map_err(|_| Outcome::Busy { account: account.address.to_string() })
    }
}

/// A message on its way out.
struct Delivery<'a> {
    relay: &'a Relay,
    account: &'a Account,
    handover: &'a Handover<'a>,
    limits: account::preset::Limits,
    /// Where deliveries share a process.
    seat: Option<Seat>,
    memory: Memory<'a>,
    changes: Vec<Change>,
    report: Report,
}

impl<'a> Delivery<'a> {
    async fn run(&mut self, envelope: &Envelope, message: Message) -> Result<Vec<Outcome>, Outcome> {
        let began = Instant::now();
        let digest = message.digest;
        let mut prepared = prepare(self.account, envelope, message, &self.handover.seed(&digest))?;
        self.report.notes.append(&mut prepared.notes);
        self.report.repairs.append(&mut prepared.repairs);
        let journal = Journal::of(&self.relay.config().journal, self.handover.queue_id, &digest);
        let sent = journal.as_ref().and_then(|journal| journal.sent(&mut self.memory, &envelope.recipients));
        let sent = sent.unwrap_or_else(|| vec![false; envelope.recipients.len()]);
        self.report.delays[0] = began.elapsed();
        prepared.envelope.recipients = missing(&envelope.recipients, &sent);
        let rest = self.in_parts(prepared, journal.as_ref()).await?;
        let already = || Outcome::AlreadySent { provider: self.account.provider_name().to_owned() };
        let mut rest = rest.into_iter();
        Ok(sent.iter().filter_map(|sent| if *sent { Some(already()) } else { rest.next() }).collect())
    }

    /// As many transactions as the provider's limit of recipients makes of it, where each recipient has an answer of his
    /// own. What keeps one of them from the provider keeps the ones behind it.
    async fn in_parts(
        &mut self,
        mut prepared: Prepared,
        journal: Option<&Journal<'_>>,
    ) -> Result<Vec<Outcome>, Outcome> {
        let recipients = std::mem::take(&mut prepared.envelope.recipients);
        let octets = prepared.message.len();
        if let Some(limit) = self.limits.message_octets.filter(|limit| octets > *limit) {
            let provider = self.account.provider_name().to_owned();
            return Err(Outcome::TooLarge { provider, size: octets, limit });
        }
        let limit = self.limits.recipients_per_message;
        let size = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        if let (Recipients::AllOrNone, Some(limit)) = (self.handover.recipients, limit)
            && recipients.len() > size
        {
            let provider = self.account.provider_name().to_owned();
            return Err(Outcome::TooManyRecipients { provider, count: recipients.len(), limit });
        }
        let mut outcomes = Vec::new();
        for part in recipients.chunks(size) {
            prepared.envelope.recipients = part.to_vec();
            match self.carry_out(&prepared, journal).await {
                Ok(more) => outcomes.extend(more),
                Err(outcome) => {
                    outcomes.resize(recipients.len(), outcome);
                    break;
                }
            }
        }
        Ok(outcomes)
    }

    async fn carry_out(&mut self, prepared: &Prepared, journal: Option<&Journal<'_>>) -> Result<Vec<Outcome>, Outcome> {
        let subject = Subject::account(&self.account.address.folded());
        let mut breaker = Breaker::new(&self.relay.config().breakers, self.handover.deadline);
        breaker.enter(&mut self.memory, &subject, None).map_err(|closure| breaker::closed(&closure))?;
        let count = prepared.envelope.recipients.len();
        let outcomes = match Room::take(&mut self.memory, &subject, &self.limits, count, self.handover.deadline) {
            Ok(room) => {
                let outcomes = self.go(prepared, journal, &subject, &mut breaker, &room).await;
                room.leave(&mut self.memory, is_counted(&outcomes));
                outcomes
            }
            Err(full) => Err(full),
        };
        self.changes.extend(breaker.finish(&mut self.memory));
        outcomes
    }

    async fn go(
        &mut self,
        prepared: &Prepared,
        journal: Option<&Journal<'_>>,
        subject: &Subject,
        breaker: &mut Breaker<'a>,
        room: &Room<'_>,
    ) -> Result<Vec<Outcome>, Outcome> {
        let mut open = self.log_in(subject, breaker, room, true).await?;
        let mut converted = None;
        let mut sent = self.send(&mut open.session, prepared, &mut converted).await;
        if open.is_reused && is_untouched(&sent) {
            // The server gave an idle session up in the moment when it was used again.
            open = self.log_in(subject, breaker, room, false).await?;
            sent = self.send(&mut open.session, prepared, &mut converted).await;
        }
        let LoggedIn { session, passage, key, .. } = open;
        let envelope = &prepared.envelope;
        if let (Ok(sent), Some(journal)) = (&sent, journal) {
            journal.record(&mut self.memory, accepted(envelope, sent));
        }
        match &self.seat {
            Some(seat) => seat.leave(&key, session).await,
            None => session.quit().await,
        }
        self.learn(&sent, subject, breaker, &passage);
        match sent {
            Ok(sent) => Ok(outcomes::of_recipients(&passage.account, envelope, sent)),
            Err(Unsent::Failure(failure)) => Err(outcomes::of_failure(&passage.account, failure)),
            Err(Unsent::Outcome(outcome)) => Err(outcome),
        }
    }

    /// A session: one that was left, where `may_reuse` and there is one, else a new one.
    async fn log_in(
        &mut self,
        subject: &Subject,
        breaker: &mut Breaker<'a>,
        room: &Room<'_>,
        may_reuse: bool,
    ) -> Result<LoggedIn, Outcome> {
        let began = Instant::now();
        let (relay, account, deadline) = (self.relay, self.account, self.handover.deadline);
        let seat = self.seat.as_ref().filter(|_| may_reuse);
        let mut login = Login { relay, account, subject, deadline, memory: &mut self.memory, breaker, room, seat };
        let open = login.run().await;
        self.report.delays[1] += began.elapsed();
        let open = open?;
        self.report.relay = Some(relay_name(&open.passage.account, &open.session));
        Ok(open)
    }

    /// What the replies to the message say of account and host.
    fn learn(
        &mut self,
        sent: &Result<Vec<RecipientOutcome>, Unsent>,
        subject: &Subject,
        breaker: &mut Breaker<'a>,
        at: &Passage,
    ) {
        let mut refusals: Vec<(Stage, &Reply)> = Vec::new();
        match sent {
            Ok(sent) => {
                for one in sent {
                    match one {
                        RecipientOutcome::Accepted(_) => breaker.accepted(subject),
                        RecipientOutcome::Refused { stage, reply } => refusals.push((*stage, reply)),
                        RecipientOutcome::Withheld => (),
                    }
                }
            }
            Err(Unsent::Failure(Failure { stage, kind: FailureKind::Refused(reply), .. })) => {
                refusals.push((*stage, reply));
            }
            Err(_) => (),
        }
        // One reply to MAIL or to the message speaks for all recipients.
        refusals.dedup();
        for refusal in refusals {
            breaker.refused(&mut self.memory, subject, at, refusal);
        }
    }

    /// Sends it; in 7 bits where the server knows no more, as `converted` keeps it for a second try.
    async fn send(
        &mut self,
        session: &mut Authenticated,
        prepared: &Prepared,
        converted: &mut Option<Message>,
    ) -> Result<Vec<RecipientOutcome>, Unsent> {
        let began = Instant::now();
        let mut message = &prepared.message;
        if message.is_eight_bit() && !session.capabilities().eight_bit_mime {
            if converted.is_none() {
                *converted = Some(self.seven_bit(message).map_err(Unsent::Outcome)?);
            }
            message = converted.as_ref().unwrap_or(message);
        }
        let (recipients, is_whole) = (self.handover.recipients, self.handover.is_whole);
        let sent = session.send(&prepared.envelope, message, recipients, is_whole).await;
        self.report.delays[2] += began.elapsed();
        sent.map_err(Unsent::Failure)
    }

    fn seven_bit(&mut self, message: &Message) -> Result<Message, Outcome> {
        let provider = || self.account.provider_name().to_owned();
        let converted = to_seven_bit(message, Limits::default(), self.handover.spool).map_err(|error| match error {
            DowngradeError::Impossible(_) => {
                Outcome::ExtensionMissing { provider: provider(), extension: Extension::EightBitMime }
            }
            other => Outcome::Local { problem: other.to_string() },
        })?;
        let signers = crate::message::dkim::domains(&message.header);
        self.report.notes.extend(
            signers.into_iter().map(|domain| {
                format!("the DKIM signature of {domain} may not hold any more: the server lacks 8BITMIME")
            }),
        );
        Ok(converted)
    }
}

/// Whether the message can go out again by another session without any risk of a double.
fn is_untouched(sent: &Result<Vec<RecipientOutcome>, Unsent>) -> bool {
    matches!(sent, Err(Unsent::Failure(failure)) if failure.is_untouched)
}

/// Why nothing can be said of single recipients.
enum Unsent {
    Failure(Failure),
    Outcome(Outcome),
}

/// Whether the provider may have counted the message.
fn is_counted(outcomes: &Result<Vec<Outcome>, Outcome>) -> bool {
    match outcomes {
        Ok(outcomes) => outcomes.iter().any(|outcome| matches!(outcome, Outcome::Sent { .. })),
        Err(outcome) => matches!(outcome, Outcome::Unanswered { .. }),
    }
}

fn missing(recipients: &[Recipient], sent: &[bool]) -> Vec<Recipient> {
    recipients.iter().zip(sent).filter(|(_, sent)| !**sent).map(|(recipient, _)| recipient.clone()).collect()
}

fn accepted<'e>(envelope: &'e Envelope, sent: &'e [RecipientOutcome]) -> impl Iterator<Item = &'e Recipient> {
    let pairs = envelope.recipients.iter().zip(sent);
    pairs.filter(|(_, sent)| matches!(sent, RecipientOutcome::Accepted(_))).map(|(recipient, _)| recipient)
}

fn relay_name(account: &Account, session: &Authenticated) -> String {
    let peer = session.peer();
    format!("{}[{}]:{}", account.submission.host, peer.ip(), peer.port())
}
