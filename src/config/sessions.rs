//! How many sessions the resident service keeps, and for how long.

use std::time::Duration;

/// `sessions: {account:, waiting:, provider:, all:, idle:, messages:, age:}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Deliveries of one account at once, where its `limits` do not say fewer.
    pub account: usize,
    /// Deliveries of one account that may wait; further ones are deferred at once.
    pub waiting: usize,
    /// Sessions at one provider, idle ones included.
    pub provider: usize,
    /// Deliveries in all.
    pub all: usize,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How many messages a session carries.
    pub messages: u64,
    /// How old a session may become.
    pub age: Duration,
}

impl Default for Sessions {
    fn default() -> Sessions {
        let seconds = Duration::from_secs;
        // Postfix has 20 deliveries for one next hop: an account holds less than half of them.
        Sessions { account: 4, waiting: 4, provider: 64, all: 256, idle: seconds(60), messages: 50, age: seconds(1800) }
    }
}
