//! Whose account, and who may use it.

use super::Relay;
use crate::account::{Account, AccountError, Found, Rule, Store, Submitter, by_login};
use crate::config::{Config, NullSender, UnknownSender};
use crate::verdict::Outcome;
use crate::wire::envelope::Envelope;
use crate::wire::mailbox::ReversePath;
use crate::wire::text::with_hint;
use std::sync::Arc;

/// A message's envelope with the account that carries it: the submitter may use it.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The account.
    pub account: Arc<Account>,
    /// How it was found; `None` where the configuration names it for the null reverse-path.
    pub rule: Option<Rule>,
    /// From whom, to whom, as the MTA gave it.
    pub envelope: Envelope,
}

impl Relay {
    /// Finds the account of the reverse-path and asks whether the submitter may use it. No message is needed, and no
    /// connection made.
    ///
    /// # Errors
    /// The [`Outcome`] of the delivery: no account, not authorised, disabled, or an account that can't be read.
    pub fn admit(&self, envelope: Envelope, submitter: &Submitter) -> Result<Admission, Outcome> {
        let (found, sender) = match &envelope.reverse_path {
            ReversePath::Null => (self.for_null_sender()?, String::new()),
            sender @ ReversePath::Mailbox(_) => (self.for_sender(sender, submitter)?, sender.to_string()),
        };
        let is_notification = envelope.reverse_path == ReversePath::Null;
        // Naming an account for notifications is what authorises them: nobody logs in to send one.
        let is_admitted = (is_notification && *submitter == Submitter::Nobody)
            || found.account.admits(submitter, self.config().authorise);
        if !is_admitted {
            return Err(Outcome::NotAuthorised { sender, submitter: submitter.to_string() });
        }
        if found.account.disabled {
            return Err(Outcome::AccountDisabled { account: found.account.address.to_string() });
        }
        let rule = (!is_notification).then_some(found.rule);
        Ok(Admission { account: found.account, rule, envelope })
    }

    /// The sender's account; where he has none and the site routes by login, the login's.
    fn for_sender(&self, sender: &ReversePath, submitter: &Submitter) -> Result<Found, Outcome> {
        let permanent = self.config().unknown_sender == UnknownSender::Bounce;
        let none = || Outcome::NoAccount { sender: sender.to_string(), permanent };
        let found = account_for(self.store(), self.config(), sender, submitter);
        found.map_err(|error| unreadable(&error))?.ok_or_else(none)
    }

    fn for_null_sender(&self) -> Result<Found, Outcome> {
        match &self.config().null_sender {
            NullSender::Defer => Err(Outcome::NullSender { permanent: false }),
            NullSender::Bounce => Err(Outcome::NullSender { permanent: true }),
            NullSender::Via(address) => {
                let none = || Outcome::Local { problem: format!("null_sender: there is no account for {address}") };
                self.store().find(address).map_err(|error| unreadable(&error))?.ok_or_else(none)
            }
        }
    }
}

/// An account that may be there and can't be read is our trouble, and not the same as none.
fn unreadable(error: &AccountError) -> Outcome {
    Outcome::Local { problem: with_hint(error, error.hint()) }
}

/// The account that a reverse-path finds: the sender's, or what the configuration names for the null one.
///
/// # Errors
/// [`AccountError`]
pub fn account_of(
    store: &dyn Store,
    null_sender: &NullSender,
    reverse_path: &ReversePath,
) -> Result<Option<Found>, AccountError> {
    match (reverse_path, null_sender) {
        (ReversePath::Mailbox(mailbox), _) => store.find(mailbox),
        (ReversePath::Null, NullSender::Via(address)) => store.find(address),
        (ReversePath::Null, NullSender::Defer | NullSender::Bounce) => Ok(None),
    }
}

/// The account that carries a submitter's message with this reverse-path: that of [`account_of`], and where a sender has
/// none and the site routes by login (`policy: {filter}`), the login's.
///
/// # Errors
/// [`AccountError`]
pub fn account_for(
    store: &dyn Store,
    config: &Config,
    reverse_path: &ReversePath,
    submitter: &Submitter,
) -> Result<Option<Found>, AccountError> {
    match account_of(store, &config.null_sender, reverse_path)? {
        None if config.policy.filter.is_some() && *reverse_path != ReversePath::Null => {
            by_login(store, submitter, config.authorise)
        }
        found => Ok(found),
    }
}
