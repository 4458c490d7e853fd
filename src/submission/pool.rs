//! Sessions kept warm between messages, and how many deliveries may be under way: of an account, at a provider, in all.
//!
//! A delivery [enters](Pool::enter) for its account first. Each account has so many seats, so one account's thousand
//! messages do not hold what the MTA has for all; a few more may wait, in the order in which they came, and the rest is
//! told at once that it is [`Full`]. Then it asks for a [session](Seat::session): one that another delivery left, if there
//! is one that fits: by the same key, which names account, credentials and route, so that other credentials never meet an
//! old session. Otherwise it gets the right to make one. A provider has so many, idle ones included; the one that was
//! idle longest makes way, and an account that has a session at work does not take another's place for a second one.
//!
//! An idle session is watched: one that the server closed is given up in that moment, one that was idle for too long says
//! QUIT. A session that is handed out was alive a moment before; that the server may close it in the next one is told by
//! [`Failure::is_untouched`](super::Failure::is_untouched).

mod count;
mod idle;
mod provider;

use super::Authenticated;
use count::{Count, Counted};
use idle::watch;
use provider::Provider;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Beyond so many accounts those that nobody uses are forgotten.
const MANY: usize = 1000;

/// How much a pool bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Deliveries of one account at once, where its provider does not allow fewer.
    pub seats: usize,
    /// Deliveries of one account that may wait for a seat.
    pub waiting: usize,
    /// Sessions at one provider, idle ones included.
    pub provider: usize,
    /// Deliveries in all that have a session.
    pub all: usize,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How many messages a session carries.
    pub messages: u64,
    /// How old a session may become.
    pub age: Duration,
}

/// As many deliveries of this account wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many deliveries of this account are waiting")]
pub struct Full;

/// What is in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries that have a session or log in.
    pub under_way: usize,
    /// Deliveries that wait for a seat.
    pub waiting: usize,
    /// Sessions that nobody uses.
    pub idle: usize,
}

/// Warm sessions, and the seats of each account.
pub struct Pool {
    bounds: Bounds,
    all: Arc<Semaphore>,
    providers: Mutex<HashMap<String, Arc<Provider>>>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

/// What is known of one account.
struct Account {
    name: String,
    provider: Arc<Provider>,
    seats: Arc<Semaphore>,
    waiting: Count,
    /// Deliveries that have a session or log in.
    at_work: Count,
    /// Told when a session is left.
    left: Notify,
    /// Told when a delivery ended that left none.
    gone: Notify,
}

/// The right to one delivery. Another gets it when this is dropped.
pub struct Seat {
    bounds: Bounds,
    all: Arc<Semaphore>,
    account: Arc<Account>,
    work: Mutex<Option<Work>>,
    _seat: OwnedSemaphorePermit,
}

/// The right to have a session now.
struct Work {
    counted: Counted,
    /// One of the provider's sessions.
    right: OwnedSemaphorePermit,
    /// One of those in all.
    place: OwnedSemaphorePermit,
}

impl Pool {
    /// An empty pool.
    pub fn new(bounds: Bounds) -> Pool {
        Pool {
            bounds,
            all: Arc::new(Semaphore::new(bounds.all)),
            providers: Mutex::default(),
            accounts: Mutex::default(),
        }
    }

    /// Waits for a seat of `account` at `provider`, which allows an account so many `sessions` at once, if it says so.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub async fn enter(&self, account: &str, provider: &str, sessions: Option<u64>) -> Result<Seat, Full> {
        let account = self.account(account, provider, sessions);
        let seat = match Arc::clone(&account.seats).try_acquire_owned() {
            Ok(seat) => seat,
            Err(_) => {
                let _waiting = account.waiting.one_more(self.bounds.waiting).ok_or(Full)?;
                Arc::clone(&account.seats).acquire_owned().await.map_err(|_| Full)?
            }
        };
        Ok(Seat { bounds: self.bounds, all: Arc::clone(&self.all), account, work: Mutex::default(), _seat: seat })
    }

    /// What is in it now.
    pub fn counts(&self) -> Counts {
        Counts {
            under_way: self.bounds.all - self.all.available_permits(),
            waiting: lock(&self.accounts).values().map(|account| account.waiting.now()).sum(),
            idle: lock(&self.providers).values().map(|provider| provider.idle_sessions()).sum(),
        }
    }

    fn account(&self, name: &str, provider: &str, sessions: Option<u64>) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        if accounts.len() > MANY {
            accounts.retain(|_, account| Arc::strong_count(account) > 1);
        }
        let allowed = sessions.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let seats = self.bounds.seats.min(allowed).max(1);
        let make = || Arc::new(Account::new(name, self.provider(provider), seats));
        // An account may move to another provider.
        Arc::clone(accounts.entry(format!("{name} {provider}")).or_insert_with(make))
    }

    fn provider(&self, name: &str) -> Arc<Provider> {
        let mut providers = lock(&self.providers);
        if providers.len() > MANY {
            providers.retain(|_, provider| Arc::strong_count(provider) > 1 || provider.idle_sessions() > 0);
        }
        let make = || Arc::new(Provider::new(self.bounds.provider));
        Arc::clone(providers.entry(name.to_owned()).or_insert_with(make))
    }
}

impl Account {
    fn new(name: &str, provider: Arc<Provider>, seats: usize) -> Account {
        Account {
            name: name.to_owned(),
            provider,
            seats: Arc::new(Semaphore::new(seats)),
            waiting: Count::default(),
            at_work: Count::default(),
            left: Notify::new(),
            gone: Notify::new(),
        }
    }
}

impl Seat {
    /// A warm session with this key, or the right to make one. While others of the account have one or log in, theirs is
    /// waited for, but not long if the provider has room for another. Sessions of the account with another key are ended.
    ///
    /// Whoever asks again, because the first way led nowhere, has given back what he had: he would wait for himself, and
    /// many like him for each other.
    pub async fn session(&self, key: &str) -> Option<Authenticated> {
        self.give_back();
        let Account { name, provider, at_work, left, gone, .. } = self.account.as_ref();
        let mut soon = Instant::now() + provider.soon();
        loop {
            let (left, gone) = (left.notified(), gone.notified());
            while let Some((mut session, right)) = provider.take(name, key).await {
                if self.may_go_on(&session) && session.is_alive().await {
                    self.begin(at_work.one(), right).await;
                    return Some(session);
                }
                session.quit().await;
            }
            if let Some(counted) = at_work.one_more(1) {
                self.begin(counted, provider.right().await).await;
                return None;
            }
            tokio::select! {
                () = left => {}
                () = gone => {}
                () = tokio::time::sleep_until(soon) => {
                    if let Some(right) = provider.right_at_once() {
                        self.begin(at_work.one(), right).await;
                        return None;
                    }
                    soon = Instant::now() + provider.soon();
                }
            }
        }
    }

    async fn begin(&self, counted: Counted, right: OwnedSemaphorePermit) {
        let place = provider::acquired(Arc::clone(&self.all).acquire_owned().await);
        *lock(&self.work) = Some(Work { counted, right, place });
    }

    /// Without a session, as far as the others know.
    fn give_back(&self) {
        let work = lock(&self.work).take();
        if work.is_some() {
            drop(work);
            self.account.gone.notify_one();
        }
    }

    /// Says how long a login at the provider took.
    pub fn logged_in_within(&self, time: Duration) {
        self.account.provider.logged_in_within(time);
    }

    /// Leaves a session for the next delivery, or ends it where it has done its share.
    pub async fn leave(&self, key: &str, session: Authenticated) {
        let may_go_on = self.may_go_on(&session);
        let work = lock(&self.work).take();
        match work {
            Some(Work { counted, right, place }) if may_go_on => {
                // Before anybody is told.
                drop((counted, place));
                let idle = watch(&self.account.name, key, session, right, self.bounds.idle);
                self.account.provider.keep(idle);
                self.account.left.notify_one();
            }
            work => {
                session.quit().await;
                drop(work);
                self.account.gone.notify_one();
            }
        }
    }

    /// Whether it may carry another message, by our bounds and by what the server says of itself.
    fn may_go_on(&self, session: &Authenticated) -> bool {
        let most = session.capabilities().mail_max.unwrap_or(u64::MAX).min(self.bounds.messages);
        session.is_usable() && session.transactions() < most && session.since().elapsed() < self.bounds.age
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
