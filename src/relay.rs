//! One delivery from request to verdict: choose the account, authorise the submitter, check identity, log in, send,
//! classify.
//!
//! What can be decided without the message is decided by [`Relay::admit`], so that a message nobody may send is refused
//! before it is read, and before any connection is made. [`Relay::deliver`] does the rest. Every way out is an
//! [`Outcome`]; nothing here speaks a protocol of an MTA, or writes a log.

mod admission;
mod breaker;
mod connection;
mod delivery;
mod journal;
mod limits;
mod login;
mod memory;
mod notice;
mod outcomes;
mod preparation;
mod proof;
mod routes;
mod service;

pub use crate::submission::Recipients;
pub use admission::{Admission, account_for, account_of};
pub use breaker::closed;
pub use delivery::{Handover, Report};
pub use proof::{Proven, Unproven};
pub use service::hand_over;

use crate::account::{self, Store};
use crate::config::{Config, RouteConfig, Sessions};
use crate::secret::custody::Custody;
use crate::state::{self, Clock, Ledger};
use crate::submission::pool::{Bounds, Counts, Pool};
use crate::submission::{Route, TlsTrust};
use crate::verdict::Outcome;
use std::sync::Arc;

/// What deliveries share: configuration, accounts, secrets, trust. One per process; nothing is opened before it is
/// needed.
pub struct Relay {
    config: Config,
    store: Arc<dyn Store>,
    custody: Custody,
    ledger: Box<dyn Ledger>,
    trust: Arc<TlsTrust>,
    ehlo_name: String,
    pool: Option<Arc<Pool>>,
}

impl Relay {
    /// A relay by this configuration.
    pub fn new(config: Config) -> Relay {
        let ledger = state::Sqlite::new(&config.state, Clock::System);
        Relay::with_ledger(config, Box::new(ledger))
    }

    /// A relay that keeps what outlives a process in `ledger`.
    pub fn with_ledger(config: Config, ledger: Box<dyn Ledger>) -> Relay {
        Relay {
            ledger,
            store: account::open(&config.accounts, config.presets.clone()),
            custody: config.custody(),
            trust: Arc::new(TlsTrust::new(config.ca_file.as_deref())),
            ehlo_name: config.ehlo_name.clone().unwrap_or_else(connection::host_name),
            config,
            pool: None,
        }
    }

    /// A relay for a process that carries many messages at once: one account's do not hold up the others'.
    pub fn resident(config: Config) -> Relay {
        let pool = Arc::new(Pool::new(bounds(&config.sessions)));
        Relay { pool: Some(pool), ..Relay::new(config) }
    }

    /// A resident relay in the place of this one, by another configuration. Warm sessions stay, unless they were made in
    /// another way than the new ones would be.
    pub fn followed_by(&self, config: Config) -> Relay {
        let is_as_before = self.config.ca_file == config.ca_file
            && self.config.ehlo_name == config.ehlo_name
            && self.config.sessions == config.sessions;
        match is_as_before {
            true => Relay { pool: self.pool.clone(), ..Relay::new(config) },
            false => Relay::resident(config),
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where accounts are kept.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The same, to share it.
    pub fn accounts(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What outlives a process; it is opened by the first question to it.
    pub fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref()
    }

    /// What this host calls itself in EHLO.
    pub fn ehlo_name(&self) -> &str {
        &self.ehlo_name
    }

    /// A way of the configuration as the submission takes it.
    ///
    /// # Errors
    /// The [`Outcome`] of a proxy's login that can't be read.
    pub fn route(way: &RouteConfig) -> Result<Route, Outcome> {
        routes::route(way)
    }

    /// What shares this process now.
    pub fn pool_counts(&self) -> Counts {
        self.pool.as_ref().map(|pool| pool.counts()).unwrap_or_default()
    }

    /// What gets at the accounts' secrets.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }
}

fn bounds(sessions: &Sessions) -> Bounds {
    let Sessions { account, waiting, provider, all, idle, messages, age } = *sessions;
    Bounds { seats: account, waiting, provider, all, idle, messages, age }
}
