//! What is in force now, and may be another a moment later.

use super::submission::Present;
use crate::config::Config;
use crate::mta::exchange::{Exchange, Next};
use crate::mta::policy::Policy;
use crate::mta::socketmap::Maps;
use crate::relay::Relay;
use std::sync::{Arc, PoisonError, RwLock};

/// The configuration in force, and what answers by it.
pub struct Live {
    current: RwLock<Arc<Site>>,
    /// Users of this host who are connected.
    pub(super) present: Present,
}

/// What answers by one configuration.
struct Site {
    relay: Arc<Relay>,
    policy: Policy,
    maps: Maps,
}

impl Live {
    /// By this configuration.
    pub fn new(config: Config) -> Live {
        Live { current: RwLock::new(Arc::new(Site::new(config))), present: Present::default() }
    }

    /// From the next request on, by this one; warm sessions stay.
    pub fn replace(&self, config: Config) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(Site::of(current.relay.followed_by(config)));
    }

    /// The configuration in force.
    pub fn config(&self) -> Config {
        self.site().relay.config().clone()
    }

    /// The policy, each request by what is in force then.
    pub(super) fn policy(&self) -> impl Exchange {
        By { live: self, answer: |site, buffer| site.policy.next(buffer) }
    }

    /// The look-up tables, each request by what is in force then.
    pub(super) fn maps(&self) -> impl Exchange {
        By { live: self, answer: |site, buffer| site.maps.next(buffer) }
    }

    /// The relay in force.
    pub(super) fn relay(&self) -> Arc<Relay> {
        Arc::clone(&self.site().relay)
    }

    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Site {
    fn new(config: Config) -> Site {
        Site::of(Relay::resident(config))
    }

    fn of(relay: Relay) -> Site {
        let (config, accounts) = (relay.config(), relay.accounts());
        // What one of them has read of an account the others need not read again.
        let policy = Policy::with_accounts(config, Arc::clone(accounts));
        let maps = Maps::with_accounts(config, Arc::clone(accounts));
        Site { policy, maps, relay: Arc::new(relay) }
    }
}

/// One protocol of whatever is in force.
struct By<'a> {
    live: &'a Live,
    answer: fn(&Site, &[u8]) -> Next,
}

impl Exchange for By<'_> {
    fn next(&self, buffer: &[u8]) -> Next {
        (self.answer)(&self.live.site(), buffer)
    }
}
