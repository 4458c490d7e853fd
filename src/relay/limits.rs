//! The provider's limits, kept to before it says so. What is sent is counted, with or without a limit, for
//! `sendvia status`.

use super::memory::{Memory, lease};
use crate::account::Account;
use crate::account::preset::Limits;
use crate::config::Config;
use crate::metrics::{LIMITS_REACHED, METRICS};
use crate::state::{Caps, Full, Subject};
use crate::verdict::Outcome;
use std::time::Instant;

/// Room for one message of an account.
pub(super) struct Room<'a> {
    account: &'a Subject,
    recipients: u64,
    logins_per_minute: Option<u64>,
    session: Option<i64>,
}

impl Room<'_> {
    /// Takes room for a message to so many recipients.
    ///
    /// # Errors
    /// The [`Outcome`] where there is none: which limit, and when there is room.
    pub(super) fn take<'a>(
        memory: &mut Memory<'_>,
        account: &'a Subject,
        limits: &Limits,
        recipients: usize,
        deadline: Option<Instant>,
    ) -> Result<Room<'a>, Outcome> {
        let recipients = recipients as u64;
        let reserved = memory.ask(|ledger| ledger.reserve(&account.name, &caps(limits), recipients));
        reserved.unwrap_or(Ok(())).map_err(|full| no_room(account, &full))?;
        let mut room = Room { account, recipients, logins_per_minute: limits.logins_per_minute, session: None };
        let lease = lease(deadline);
        let entered =
            limits.sessions.and_then(|most| memory.ask(|ledger| ledger.enter_session(&account.name, most, lease)));
        match entered.transpose() {
            Ok(session) => {
                room.session = session;
                Ok(room)
            }
            Err(full) => {
                room.leave(memory, false);
                Err(no_room(account, &full))
            }
        }
    }

    /// Counts a login.
    ///
    /// # Errors
    /// The [`Outcome`] of one too many.
    pub(super) fn log_in(&self, memory: &mut Memory<'_>) -> Result<(), Outcome> {
        let counted = memory.ask(|ledger| ledger.login(&self.account.name, self.logins_per_minute));
        counted.unwrap_or(Ok(())).map_err(|full| no_room(self.account, &full))
    }

    /// Takes that back: the server never heard of it.
    pub(super) fn did_not_log_in(&self, memory: &mut Memory<'_>) {
        memory.ask(|ledger| ledger.release_login(&self.account.name));
    }

    /// Gives the session back, and what was reserved if the provider counted nothing.
    pub(super) fn leave(self, memory: &mut Memory<'_>, is_counted: bool) {
        if !is_counted {
            memory.ask(|ledger| ledger.release(&self.account.name, self.recipients));
        }
        if let Some(session) = self.session {
            memory.insist(|ledger| ledger.leave_session(session));
        }
    }
}

/// The limits of an account: its own, else those of every account, else its provider's.
pub(super) fn of(config: &Config, account: &Account) -> Limits {
    let preset = account.provider.as_ref().and_then(|name| config.presets.find(name));
    account.limits.or(config.limits).or(preset.map(|preset| preset.limits).unwrap_or_default())
}

fn caps(limits: &Limits) -> Caps {
    Caps {
        messages_per_minute: limits.messages_per_minute,
        messages_per_hour: limits.messages_per_hour,
        messages_per_day: limits.messages_per_day,
        recipients_per_hour: limits.recipients_per_hour,
        recipients_per_day: limits.recipients_per_day,
    }
}

fn no_room(account: &Subject, full: &Full) -> Outcome {
    // Without its number, which any account may have for itself.
    let counted = full.limit.split_once(' ').map_or(full.limit.as_str(), |(_, counted)| counted);
    METRICS.count(&LIMITS_REACHED, &[counted]);
    Outcome::Closed {
        subject: account.to_string(),
        reason: format!("its limit of {} is reached", full.limit),
        until: full.room_at.to_string(),
    }
}
