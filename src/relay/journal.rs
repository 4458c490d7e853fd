//! What the provider has taken already, so that nothing goes twice when we or the MTA die before the MTA heard of it.
//!
//! An entry is queue id, recipient and digest of the incoming octets: Postfix gives a queue id out again, and the digest
//! tells. It is written when the provider's 250 is in, before the MTA is told. Without a queue id there is nothing by
//! which a retry could be known, and no entry.

use super::memory::Memory;
use crate::config::{self, JournalMode};
use crate::state::Durability;
use crate::wire::envelope::Recipient;
use std::time::Duration;

/// One message's entries.
pub(super) struct Journal<'a> {
    queue_id: &'a str,
    digest: [u8; 32],
    durability: Durability,
    keep: Duration,
}

impl Journal<'_> {
    /// The entries of a message, if any are kept.
    pub(super) fn of<'a>(
        config: &config::Journal,
        queue_id: Option<&'a str>,
        digest: &[u8; 32],
    ) -> Option<Journal<'a>> {
        let durability = match config.mode {
            JournalMode::Off => return None,
            JournalMode::Normal => Durability::Process,
            JournalMode::Durable => Durability::Power,
        };
        let queue_id = queue_id.filter(|id| !id.is_empty())?;
        Some(Journal { queue_id, digest: *digest, durability, keep: config.keep })
    }

    /// Which of the recipients have it. Where the state can't say, none: a second copy is better than none.
    pub(super) fn sent(&self, memory: &mut Memory<'_>, recipients: &[Recipient]) -> Option<Vec<bool>> {
        let recipients = names(recipients.iter());
        memory.ask(|ledger| ledger.sent(self.queue_id, &self.digest, &recipients))
    }

    /// Remembers that these have it.
    pub(super) fn record<'r>(&self, memory: &mut Memory<'_>, recipients: impl Iterator<Item = &'r Recipient>) {
        let recipients = names(recipients);
        if !recipients.is_empty() {
            memory.insist(|ledger| ledger.record(self.queue_id, &self.digest, &recipients, self.durability, self.keep));
        }
    }
}

fn names<'r>(recipients: impl Iterator<Item = &'r Recipient>) -> Vec<String> {
    recipients.map(|recipient| recipient.mailbox.to_string()).collect()
}
