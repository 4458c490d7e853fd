//! What outlives a process: what is closed for now, what was sent, what was counted, who was told.
//!
//! Short-lived pipes and the resident service share it through a [`Ledger`]; [`Sqlite`] keeps it in one file of the
//! state directory. It is opened when it is first needed, so a message that is refused costs nothing here. It holds
//! no secret and nothing that can't be learned again: a file that is corrupt or gone is made anew, with a line in the
//! log, and no message depends on it.

mod breaker;
mod clock;
mod database;
mod journal;
mod notice;
mod usage;

pub use breaker::{Closure, Gate, Kind, Pause, Subject, Trip};
pub use clock::{Clock, Moment};
pub use database::{Sqlite, StateError, make_directory};
pub use journal::{Durability, Taken};
pub use notice::LastRefusal;
pub use usage::{Caps, Full, Today};

use std::time::Duration;

/// What every store of the state can do; a database of several hosts fits as well as a file of one.
///
/// Every call is one transaction, safe among any number of processes.
pub trait Ledger: Send + Sync {
    /// Whether `subject` is open. Once its pause is over, one caller is told to [`Gate::Probe`] and the others wait for
    /// him, at most `lease`. The pause of a closure with another `fingerprint` than the one given is over at once.
    fn gate(&self, subject: &Subject, fingerprint: Option<u32>, lease: Duration) -> Result<Gate, StateError>;

    /// Why `subject` is closed, while its pause lasts. Only looks: no probe is given out.
    fn closed(&self, subject: &Subject) -> Result<Option<Closure>, StateError>;

    /// Why an account, or its login, is closed, as [`closed`](Ledger::closed) would say it of both.
    fn closed_account(&self, address: &str) -> Result<Vec<Closure>, StateError>;

    /// Closes `subject`, or closes it for longer.
    fn trip(&self, subject: &Subject, trip: &Trip) -> Result<Closure, StateError>;

    /// Ends the pause of `subject`, because a person mended what closed it, and says what that was. The next callers are
    /// let through, all of them, and the first who sees it work is the one who [reopens](Ledger::reopen) it.
    fn lift(&self, subject: &Subject) -> Result<Option<Closure>, StateError>;

    /// Opens `subject`, and says what had closed it.
    fn reopen(&self, subject: &Subject) -> Result<Option<Closure>, StateError>;

    /// Lets the next caller probe `subject`, because this one learned nothing of it.
    fn end_probe(&self, subject: &Subject) -> Result<(), StateError>;

    /// All that is closed, or waits for its probe.
    fn closures(&self) -> Result<Vec<Closure>, StateError>;

    /// Makes room for a message to `recipients` recipients, or says when there is some.
    fn reserve(&self, account: &str, caps: &Caps, recipients: u64) -> Result<Result<(), Full>, StateError>;

    /// Gives back what was reserved and not sent.
    fn release(&self, account: &str, recipients: u64) -> Result<(), StateError>;

    /// Counts a login, unless that is one too many within a minute.
    fn login(&self, account: &str, per_minute: Option<u64>) -> Result<Result<(), Full>, StateError>;

    /// Takes a login back that did not come as far as the server.
    fn release_login(&self, account: &str) -> Result<(), StateError>;

    /// Takes one of `most` sessions for at most `lease`; the answer gives it back.
    fn enter_session(&self, account: &str, most: u64, lease: Duration) -> Result<Result<i64, Full>, StateError>;

    /// Gives a session back.
    fn leave_session(&self, session: i64) -> Result<(), StateError>;

    /// What was counted within the last 24 hours.
    fn today(&self) -> Result<Vec<Today>, StateError>;

    /// Remembers what an account's mail was refused for last.
    fn note_refusal(&self, account: &str, meaning: &str, text: &str) -> Result<(), StateError>;

    /// The last refusal of each account.
    fn last_refusals(&self) -> Result<Vec<LastRefusal>, StateError>;

    /// Which of `recipients` the provider has taken already, of the message with this queue id and digest.
    fn sent(&self, queue_id: &str, digest: &[u8; 32], recipients: &[String]) -> Result<Vec<bool>, StateError>;

    /// Remembers that the provider has taken the message for `recipients`; forgets what is older than `keep`.
    fn record(
        &self,
        queue_id: &str,
        digest: &[u8; 32],
        recipients: &[String],
        durability: Durability,
        keep: Duration,
    ) -> Result<(), StateError>;

    /// What the journal has of the message with this queue id, oldest first.
    fn taken(&self, queue_id: &str) -> Result<Vec<Taken>, StateError>;

    /// Whether a notice about `subject` may be sent now: at most one within `interval`. The answer counts as sent.
    fn may_notify(&self, subject: &str, interval: Duration) -> Result<bool, StateError>;

    /// When the last notice about `subject` was claimed.
    fn notified(&self, subject: &str) -> Result<Option<Moment>, StateError>;

    /// A random number of this state's own, for fingerprints.
    fn salt(&self) -> Result<[u8; 32], StateError>;
}
