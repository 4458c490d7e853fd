//! Making message and envelope such that the provider takes them: header From, repairs, what tells of the client, and
//! the reverse-path. What is not named here goes out as it came.

use crate::account::{Account, EnvelopeFromRule, HeaderFromRule, Received, UserAgent};
use crate::message::identity::{HeaderFrom, header_from};
use crate::message::received::{Privacy, ReceivedPolicy, hide_client};
use crate::message::repair::{Repair, RepairContext, repair};
use crate::message::rewrite::rewrite_header_from;
use crate::message::{Header, Message, dkim};
use crate::verdict::Outcome;
use crate::wire::envelope::Envelope;
use crate::wire::mailbox::{Mailbox, ReversePath};
use std::time::SystemTime;

/// Envelope and message as they go out.
pub(super) struct Prepared {
    pub(super) envelope: Envelope,
    pub(super) message: Message,
    /// For the log.
    pub(super) notes: Vec<String>,
    /// For the log too, and nothing to be mended.
    pub(super) repairs: Vec<Repair>,
}

/// Applies the account's rules. A new Message-ID is made of `seed`.
///
/// # Errors
/// The [`Outcome`]: a header From that is not the account's, or a header section that can't be repaired.
pub(super) fn prepare(
    account: &Account,
    envelope: &Envelope,
    message: Message,
    seed: &[u8; 32],
) -> Result<Prepared, Outcome> {
    let mut header = message.header;
    let signed = header.contains("DKIM-Signature").then(|| header.clone());
    let expected = expected_address(account, envelope);
    apply_header_from(account, envelope, &mut header, &expected)?;
    hide_client(&mut header, privacy(account));
    let context = RepairContext { seed, domain: expected.domain(), now: SystemTime::now(), from: Some(&expected) };
    let repairs = repair(&mut header, &context).map_err(|problem| Outcome::Header { problem: problem.to_string() })?;
    let broken = signed.map(|before| dkim::broken(&before, &header)).unwrap_or_default();
    let notes = broken.into_iter().map(broken_signature).collect();
    let envelope = Envelope { reverse_path: reverse_path(account, envelope), ..envelope.clone() };
    Ok(Prepared { envelope, message: Message { header, ..message }, notes, repairs })
}

fn broken_signature(domain: String) -> String {
    format!("the DKIM signature of {domain} does not hold any more: a field that it signs was changed")
}

/// The address that a person would use: the reverse-path where it is the account's, else the account's own.
fn expected_address(account: &Account, envelope: &Envelope) -> Mailbox {
    let sender = envelope.reverse_path.mailbox().filter(|sender| account.is_identity(sender));
    sender.cloned().unwrap_or_else(|| account.own_address())
}

fn apply_header_from(
    account: &Account,
    envelope: &Envelope,
    header: &mut Header,
    expected: &Mailbox,
) -> Result<(), Outcome> {
    let found = header_from(header);
    if matches!(&found, HeaderFrom::Address(address) if account.is_identity(address)) {
        return Ok(());
    }
    // A notification is written by a mail system, which never has the account's address.
    let is_notification = envelope.reverse_path == ReversePath::Null;
    match account.header_from {
        HeaderFromRule::Accept => Ok(()),
        HeaderFromRule::Require if !is_notification => Err(Outcome::HeaderFrom {
            account: account.address.to_string(),
            found: found.to_string(),
            expected: expected.to_string(),
        }),
        HeaderFromRule::Require | HeaderFromRule::Rewrite => {
            rewrite_header_from(header, expected);
            Ok(())
        }
    }
}

fn privacy(account: &Account) -> Privacy {
    let received = match account.received {
        Received::Keep => ReceivedPolicy::Keep,
        Received::Mask => ReceivedPolicy::Mask,
        Received::Remove => ReceivedPolicy::Remove,
    };
    // Whoever hides where the client is hides it in every field.
    Privacy {
        received,
        remove_originating_ip: received != ReceivedPolicy::Keep,
        remove_user_agent: account.user_agent == UserAgent::Remove,
    }
}

fn reverse_path(account: &Account, envelope: &Envelope) -> ReversePath {
    match account.envelope_from {
        EnvelopeFromRule::Keep => envelope.reverse_path.clone(),
        EnvelopeFromRule::Rewrite => ReversePath::Mailbox(account.own_address()),
    }
}
