//! Postfix's policy delegation (SMTPD_POLICY_README) for a submission service: what would be refused at the delivery is
//! refused while the customer's mail program is still connected.
//!
//! Only mail with a login is judged; without one the answer is always `DUNNO`, so that a service which is asked on
//! port 25 by mistake refuses nobody's genuine mail. Trouble of ours is `DUNNO` too: the delivery decides again. The
//! one exception is a login that can't be signed, because without its field the delivery would bounce the message.
//!
//! - MAIL, RCPT: `REJECT` where the login may not use the sender; `DEFER_IF_PERMIT` while the account is closed;
//!   `FILTER` where the sender has no account, the login has, and the configuration says so.
//! - DATA: `PREPEND` of the signed login for LMTP. Before DATA there is no queue id, after it no PREPEND.

mod german;

use super::exchange::{Exchange, Next};
use crate::account::{self, Account, AccountError, Found, Rule, Store, Submitter};
use crate::config::{Config, Language};
use crate::log;
use crate::relay::{account_for, closed};
use crate::secret::login_field::{LOGIN_FIELD, LoginClaim, LoginKey};
use crate::state::{Clock, Closure, Kind, Ledger, Moment, Sqlite, StateError};
use crate::verdict::{Disposition, Outcome, Verdict};
use crate::wire::mailbox::ReversePath;
use crate::wire::policy::{PolicyRequest, encode_action};
use crate::wire::text::one_line;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// The longest translated text, in characters.
const MAX_TEXT: usize = 400;

/// No opinion.
const DUNNO: &str = "DUNNO";

/// What answers policy requests. Accounts and closures are looked at anew for each.
pub struct Policy {
    accounts: Arc<dyn Store>,
    state: Box<dyn Ledger>,
    clock: Clock,
    config: Config,
}

/// A policy service that could not read its configuration: it has no opinion, and the delivery decides.
pub struct NoPolicy;

/// Why there is no decision.
#[derive(Debug, Error)]
enum Trouble {
    #[error("{0}")]
    Account(#[from] AccountError),
    #[error("{0}")]
    State(#[from] StateError),
}

/// A request that is to be judged.
struct Asked<'a> {
    submitter: Submitter,
    login: &'a str,
    sender: ReversePath,
    queue_id: &'a str,
}

impl Policy {
    /// By this configuration. Nothing is opened yet.
    pub fn new(config: &Config) -> Policy {
        Policy::with_accounts(config, account::open(&config.accounts, config.presets.clone()))
    }

    /// The same over the configuration's accounts as somebody else opened them.
    pub fn with_accounts(config: &Config, accounts: Arc<dyn Store>) -> Policy {
        Policy::with_clock(config, accounts, Clock::System)
    }

    fn with_clock(config: &Config, accounts: Arc<dyn Store>, clock: Clock) -> Policy {
        Policy { accounts, state: Box::new(Sqlite::new(&config.state, clock.clone())), clock, config: config.clone() }
    }

    /// The action for a request.
    pub fn decide(&self, request: &PolicyRequest<'_>) -> String {
        let Some(asked) = Asked::of(request) else { return DUNNO.to_owned() };
        match request.value("protocol_state") {
            Some("MAIL" | "RCPT") => self.judge(&asked).unwrap_or_else(|trouble| {
                log::warning(&format!("policy: sender <{}>: {trouble}", asked.sender));
                DUNNO.to_owned()
            }),
            Some("DATA") if !asked.queue_id.is_empty() => self.prepend(&asked),
            _ => DUNNO.to_owned(),
        }
    }

    fn judge(&self, asked: &Asked<'_>) -> Result<String, Trouble> {
        let Some(Found { account, rule }) = self.account_for(asked)? else { return Ok(DUNNO.to_owned()) };
        match (rule, &self.config.policy.filter) {
            (Rule::Login, Some(filter)) => self.while_closed(&account, format!("FILTER {filter}")),
            _ if account.admits(&asked.submitter, self.config.authorise) => {
                self.while_closed(&account, DUNNO.to_owned())
            }
            _ => Ok(self.refusal(&asked.not_authorised())),
        }
    }

    /// The account that the delivery would choose.
    fn account_for(&self, asked: &Asked<'_>) -> Result<Option<Found>, AccountError> {
        account_for(self.accounts.as_ref(), &self.config, &asked.sender, &asked.submitter)
    }

    /// `otherwise`, unless the account is closed or switched off.
    fn while_closed(&self, account: &Account, otherwise: String) -> Result<String, Trouble> {
        if account.disabled {
            return Ok(self.refusal(&Outcome::AccountDisabled { account: account.address.to_string() }));
        }
        let closures = self.state.closed_account(&account.address.folded())?;
        let in_force = closures.iter().find(|closure| !is_mended(account, closure));
        Ok(in_force.map_or(otherwise, |closure| self.refusal(&closed(closure))))
    }

    /// The field that tells LMTP who submitted; only for mail that can come to us.
    fn prepend(&self, asked: &Asked<'_>) -> String {
        let Some(key_file) = self.config.login_field.as_ref().and_then(|field| field.key_file.as_ref()) else {
            return DUNNO.to_owned();
        };
        // Where it can't be said, whoever has no account loses nothing by a field.
        let comes_here = self.account_for(asked).map_or(true, |found| found.is_some());
        if !comes_here {
            return DUNNO.to_owned();
        }
        match LoginKey::read(key_file) {
            Ok(key) => format!("PREPEND {LOGIN_FIELD}: {}", key.sign(&asked.claim(self.clock.now()))),
            Err(error) => {
                log::warning(&format!("policy: login_field: {error}"));
                self.refusal(&Outcome::Local { problem: "the login can't be signed now; try again later".to_owned() })
            }
        }
    }

    /// The action that refuses as the delivery would, in the customer's language.
    fn refusal(&self, outcome: &Outcome) -> String {
        let verdict = Verdict::from(outcome);
        let action = match verdict.disposition {
            Disposition::Bounce => "REJECT",
            Disposition::Ok | Disposition::Defer => "DEFER_IF_PERMIT",
        };
        let translated = match self.config.policy.language {
            Language::English => None,
            Language::German => german::text(outcome).map(|text| one_line(text.as_bytes(), MAX_TEXT)),
        };
        format!("{action} {} {}", verdict.status, translated.unwrap_or(verdict.text))
    }
}

/// Whether somebody has changed the account since its login was refused; a pause of the account itself is not ended by
/// that.
fn is_mended(account: &Account, closure: &Closure) -> bool {
    let changed = std::fs::metadata(&account.origin).and_then(|metadata| metadata.modified());
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    let changed = changed.ok().and_then(since_epoch).and_then(|since| i64::try_from(since.as_secs()).ok());
    closure.subject.kind == Kind::Credentials && changed.is_some_and(|changed| Moment(changed) > closure.since)
}

impl<'a> Asked<'a> {
    /// `None` for mail without a login, and for what is no address.
    fn of(request: &'a PolicyRequest<'_>) -> Option<Asked<'a>> {
        let login = request.value("sasl_username")?;
        let sender = ReversePath::parse(request.value("sender").unwrap_or_default()).ok()?;
        let queue_id = request.value("queue_id").unwrap_or_default();
        Some(Asked { submitter: Submitter::from_login(login), login, sender, queue_id })
    }

    fn not_authorised(&self) -> Outcome {
        Outcome::NotAuthorised { sender: self.sender.to_string(), submitter: self.submitter.to_string() }
    }

    fn claim(&self, at: Moment) -> LoginClaim<'_> {
        LoginClaim { login: self.login, sender: &self.sender, queue_id: self.queue_id, at }
    }
}

impl Exchange for Policy {
    fn next(&self, buffer: &[u8]) -> Next {
        next(buffer, |request| self.decide(request))
    }
}

impl Exchange for NoPolicy {
    fn next(&self, buffer: &[u8]) -> Next {
        next(buffer, |_| DUNNO.to_owned())
    }
}

fn next(buffer: &[u8], decide: impl Fn(&PolicyRequest<'_>) -> String) -> Next {
    match PolicyRequest::parse(buffer) {
        Ok(None) => Next::Incomplete,
        Ok(Some((request, consumed))) => Next::Reply { consumed, reply: encode_action(&decide(&request)) },
        Err(error) => Next::Broken(format!("policy: {error}")),
    }
}

#[cfg(test)]
mod tests;
