//! What stays closed for a while: a route to a provider, an account, its login.
//!
//! Before a login each of them is asked for; what is closed costs no connection. A refusal that other messages would
//! meet too closes what it speaks of. When the pause is over one delivery tries and the others wait for it; what it
//! learned is settled when it ends, so that a login does not open what the message would close again.

use super::memory::{Memory, lease};
use super::outcomes::{classified, refused_as};
use crate::account::Account;
use crate::account::refusal::Classification;
use crate::config::{self, Breakers};
use crate::secret::SecretString;
use crate::state::{Closure, Gate, Kind, Pause, Subject, Trip};
use crate::verdict::{Meaning, Outcome, Stage, Verdict};
use crate::wire::reply::Reply;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::{Duration, Instant};

/// The breakers that one delivery meets.
pub(super) struct Breaker<'a> {
    pauses: &'a Breakers,
    lease: Duration,
    /// What this delivery is the one to try, with what closed it.
    claimed: Vec<Closure>,
    /// Of these, what turned out to work.
    proven: Vec<Subject>,
    changes: Vec<Change>,
}

/// What a delivery closed or opened.
pub(super) enum Change {
    Closed(Closure),
    Opened(Closure),
}

/// A way to a provider, with the login that is used there.
pub(super) struct Passage {
    /// The account as this way sees it.
    pub(super) account: Account,
    /// What the way is called in the state.
    pub(super) route: Subject,
    /// What its login is called there.
    pub(super) credentials: Subject,
    /// Of that login.
    pub(super) fingerprint: Option<u32>,
}

impl Breaker<'_> {
    pub(super) fn new(pauses: &Breakers, deadline: Option<Instant>) -> Breaker<'_> {
        Breaker { pauses, lease: lease(deadline), claimed: Vec::new(), proven: Vec::new(), changes: Vec::new() }
    }

    /// Asks for `subject`.
    ///
    /// # Errors
    /// What keeps it closed.
    pub(super) fn enter(
        &mut self,
        memory: &mut Memory<'_>,
        subject: &Subject,
        fingerprint: Option<u32>,
    ) -> Result<(), Closure> {
        if self.claimed.iter().any(|closure| closure.subject == *subject) {
            return Ok(());
        }
        match memory.ask(|ledger| ledger.gate(subject, fingerprint, self.lease)) {
            None | Some(Gate::Open) => Ok(()),
            Some(Gate::Probe(closure)) => {
                self.claimed.push(closure);
                Ok(())
            }
            Some(Gate::Closed(closure)) => Err(closure),
        }
    }

    /// The login worked.
    pub(super) fn logged_in(&mut self, passage: &Passage) {
        self.reached(passage);
        self.proven.push(passage.credentials.clone());
        // A limit on messages is not met by logging in.
        let is_about_login = |closure: &&Closure| {
            let meaning = Meaning::from_name(&closure.meaning);
            matches!(meaning, Some(Meaning::AccountLocked | Meaning::TooManyLogins))
        };
        let claimed = self.claimed.iter().filter(|closure| closure.subject.kind == Kind::Account);
        self.proven.extend(claimed.filter(is_about_login).map(|closure| closure.subject.clone()));
    }

    /// The provider lets this host speak.
    pub(super) fn reached(&mut self, passage: &Passage) {
        self.proven.push(passage.route.clone());
        self.proven.push(unreachable(&passage.route));
    }

    /// The provider took a message.
    pub(super) fn accepted(&mut self, account: &Subject) {
        self.proven.push(account.clone());
    }

    /// A refusal: closes what it speaks of, if other messages would be refused as well. Whether it did.
    pub(super) fn refused(
        &mut self,
        memory: &mut Memory<'_>,
        account: &Subject,
        at: &Passage,
        refusal: (Stage, &Reply),
    ) -> bool {
        let (stage, reply) = refusal;
        let found = classified(&at.account, stage, reply);
        let text = Verdict::from(&refused_as(&at.account, stage, reply.clone(), found.meaning)).text;
        memory.ask(|ledger| ledger.note_refusal(&account.name, found.meaning.name(), &text));
        if stage == Stage::Auth && found.meaning != Meaning::HostRefused {
            self.reached(at);
        }
        let closes = found.lasting.then(|| self.closes(found.meaning, account, at)).flatten();
        let Some((subject, pause, fingerprint)) = closes else { return false };
        self.trip(memory, &subject, &trip(&found, text, pause, fingerprint));
        true
    }

    fn closes(&self, meaning: Meaning, account: &Subject, at: &Passage) -> Option<(Subject, Pause, Option<u32>)> {
        let pauses = self.pauses;
        match meaning {
            Meaning::HostRefused => Some((at.route.clone(), of_config(pauses.host), None)),
            Meaning::CredentialsRefused | Meaning::AppPasswordNeeded => {
                Some((at.credentials.clone(), of_config(pauses.credentials), at.fingerprint))
            }
            Meaning::AccountLocked => Some((account.clone(), of_config(pauses.account), None)),
            Meaning::TooManyLogins => Some((account.clone(), of_config(pauses.logins), None)),
            Meaning::QuotaExceeded => Some((account.clone(), of_config(pauses.quota), None)),
            Meaning::Delivered
            | Meaning::SenderNotAllowed
            | Meaning::HeaderMalformed
            | Meaning::RecipientUnknown
            | Meaning::Spam
            | Meaning::TooLarge
            | Meaning::Policy
            | Meaning::ServerTrouble
            | Meaning::Unknown => None,
        }
    }

    /// A way that led nowhere is tried last for a while.
    pub(super) fn led_nowhere(&mut self, memory: &mut Memory<'_>, route: &Subject, detail: String) {
        let trip = Trip {
            meaning: Meaning::ServerTrouble.name().to_owned(),
            reason: detail,
            pause: of_config(self.pauses.host),
            asked: None,
            fingerprint: None,
        };
        self.trip(memory, &unreachable(route), &trip);
    }

    fn trip(&mut self, memory: &mut Memory<'_>, subject: &Subject, trip: &Trip) {
        self.claimed.retain(|closure| closure.subject != *subject);
        let closure = memory.ask(|ledger| ledger.trip(subject, trip));
        self.changes.extend(closure.map(Change::Closed));
    }

    /// Settles what was claimed: what worked is open, what nothing was learned of is left to the next delivery.
    pub(super) fn finish(mut self, memory: &mut Memory<'_>) -> Vec<Change> {
        for closure in std::mem::take(&mut self.claimed) {
            let subject = &closure.subject;
            if self.proven.contains(subject) {
                let opened = memory.insist(|ledger| ledger.reopen(subject)).flatten();
                self.changes.extend(opened.map(Change::Opened));
            } else {
                memory.insist(|ledger| ledger.end_probe(subject));
            }
        }
        self.changes
    }
}

/// A line for the log.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Closed(Closure { subject, reason, until, .. }) if subject.kind == Kind::Unreachable => {
                write!(f, "{subject} until {until}: {reason}")
            }
            Change::Closed(Closure { subject, reason, until, .. }) => {
                write!(f, "{subject} is closed until {until}: {reason}")
            }
            Change::Opened(closure) => write!(f, "{} is open again", closure.subject),
        }
    }
}

/// The outcome while something is closed: what closed it, and when the next try is made.
pub fn closed(closure: &Closure) -> Outcome {
    Outcome::Closed {
        subject: closure.subject.to_string(),
        reason: closure.reason.clone(),
        until: closure.until.to_string(),
    }
}

/// The same way, as something that can't be reached rather than something closed.
pub(super) fn unreachable(route: &Subject) -> Subject {
    Subject { kind: Kind::Unreachable, name: route.name.clone() }
}

/// Thirty-two bits of login and secret, salted: enough to see that they changed, too little to find them.
pub(super) fn fingerprint(memory: &mut Memory<'_>, login: &str, secret: &SecretString) -> Option<u32> {
    let salt = memory.ask(|ledger| ledger.salt())?;
    let mut hash = Sha256::new_with_prefix(salt);
    hash.update((login.len() as u64).to_be_bytes());
    hash.update(login);
    hash.update(secret.expose_secret());
    let digest = hash.finalize();
    Some(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

fn trip(found: &Classification, reason: String, pause: Pause, fingerprint: Option<u32>) -> Trip {
    Trip { meaning: found.meaning.name().to_owned(), reason, pause, asked: found.until, fingerprint }
}

fn of_config(pause: config::Pause) -> Pause {
    Pause { first: pause.first, longest: pause.longest }
}
