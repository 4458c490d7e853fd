//! Sessions kept warm between messages, and how many deliveries may be under way: of an account, at a provider, in all.
//!
//! A delivery [enters](Pool::enter) for its account first. Each account has so many seats, so one account's thousand
//! messages do not hold what the MTA has for all; a few more may wait, in the order in which they came, and the rest is
//! told at once that it is [`Full`]. Then it waits for its provider and for room in all, again in the order in which they
//! came; there an account waits with as many deliveries as it has seats. Idle sessions make way. With a seat comes a
//! session that another delivery left, if there is one that fits: by the same key, which names account, credentials and
//! route, so that other credentials never meet an old session.
//!
//! An idle session is watched: one that the server closed is given up in that moment, one that was idle for too long says
//! QUIT. A session that is handed out was alive a moment before; that the server may close it in the next one is told by
//! [`Failure::is_untouched`](super::Failure::is_untouched).

use super::Authenticated;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

/// Beyond so many accounts those that nobody uses are forgotten.
const MANY: usize = 1000;

/// How long a delivery waits for the session of another one of its account before it logs in for itself: as long as the
/// provider's last login took, since it would not be faster by one of its own, but within these. A login costs several
/// round trips and a message few, and providers count logins.
const SOON: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

/// How much a pool bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Deliveries of one account at once, where its provider does not allow fewer.
    pub seats: usize,
    /// Deliveries of one account that may wait for a seat.
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

/// As many deliveries of this account wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many deliveries of this account are waiting")]
pub struct Full;

/// What is in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries that have a seat.
    pub under_way: usize,
    /// Deliveries that wait for one.
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

/// What is known of one provider.
struct Provider {
    seats: Arc<Semaphore>,
    idle: Count,
    /// How long the last login took, if there was one.
    login: Mutex<Option<Duration>>,
}

/// What is known of one account.
struct Account {
    provider: Arc<Provider>,
    seats: Arc<Semaphore>,
    waiting: Count,
    idle: Mutex<Vec<Idle>>,
    /// Told when a session is left.
    left: Notify,
    /// Told when a delivery ended that left none.
    gone: Notify,
    /// Deliveries that have a session or log in.
    at_work: Count,
}

/// A session that nobody uses, in the hands of a task that watches it.
struct Idle {
    key: String,
    claim: oneshot::Sender<oneshot::Sender<Authenticated>>,
}

/// The right to one delivery. Another gets it when this is dropped.
pub struct Seat {
    bounds: Bounds,
    account: Arc<Account>,
    has_left_session: AtomicBool,
    at_work: Mutex<Option<Counted>>,
    _held: [OwnedSemaphorePermit; 3],
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
        let at_provider = Arc::clone(&account.provider.seats).acquire_owned().await.map_err(|_| Full)?;
        let place = Arc::clone(&self.all).acquire_owned().await.map_err(|_| Full)?;
        self.make_room(&account);
        Ok(Seat {
            bounds: self.bounds,
            has_left_session: AtomicBool::new(false),
            at_work: Mutex::default(),
            account,
            _held: [seat, at_provider, place],
        })
    }

    /// What is in it now.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { under_way: self.bounds.all - self.all.available_permits(), ..Counts::default() };
        for account in lock(&self.accounts).values() {
            counts.waiting += account.waiting.now();
            counts.idle += lock(&account.idle).iter().filter(|idle| !idle.claim.is_closed()).count();
        }
        counts
    }

    fn account(&self, name: &str, provider: &str, sessions: Option<u64>) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        if accounts.len() > MANY {
            accounts.retain(|_, account| Arc::strong_count(account) > 1 || account.has_sessions());
        }
        let allowed = sessions.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let seats = self.bounds.seats.min(allowed).max(1);
        let make = || Arc::new(Account::new(self.provider(provider), seats));
        Arc::clone(accounts.entry(name.to_owned()).or_insert_with(make))
    }

    fn provider(&self, name: &str) -> Arc<Provider> {
        let mut providers = lock(&self.providers);
        if providers.len() > MANY {
            providers.retain(|_, provider| Arc::strong_count(provider) > 1);
        }
        let make = || Arc::new(Provider::new(self.bounds.provider));
        Arc::clone(providers.entry(name.to_owned()).or_insert_with(make))
    }

    /// Ends one idle session of the provider where it has as many as may be, rather those of others than one's own.
    fn make_room(&self, entering: &Account) {
        let provider = &entering.provider;
        if !provider.is_full(self.bounds.provider) {
            return;
        }
        let accounts: Vec<Arc<Account>> = lock(&self.accounts).values().map(Arc::clone).collect();
        let others = accounts.iter().filter(|account| {
            Arc::ptr_eq(&account.provider, provider) && !std::ptr::eq(Arc::as_ptr(account), entering)
        });
        for account in others {
            let mut idle = lock(&account.idle);
            idle.retain(|idle| !idle.claim.is_closed());
            if !idle.is_empty() {
                // A claim that is dropped ends its session.
                idle.remove(0);
                return;
            }
        }
    }
}

impl Provider {
    fn new(seats: usize) -> Provider {
        Provider { seats: Arc::new(Semaphore::new(seats)), idle: Count::default(), login: Mutex::default() }
    }

    /// For how long waiting for another's session is worth it.
    fn soon(&self) -> Duration {
        let last = *lock(&self.login);
        last.map_or(*SOON.end(), |login| login.clamp(*SOON.start(), *SOON.end()))
    }

    /// Whether no further session may be kept beside those in use and those that are idle.
    fn is_full(&self, most: usize) -> bool {
        let in_use = most.saturating_sub(self.seats.available_permits());
        in_use + self.idle.now() > most
    }
}

/// How many of a kind there are now.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

/// One of them, for as long as it lasts.
struct Counted(Count);

impl Count {
    fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn one(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    /// One more, unless there are as many as may be.
    fn one_more(&self, most: usize) -> Option<Counted> {
        let counted = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| (now < most).then_some(now + 1));
        counted.ok().map(|_| Counted(self.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Account {
    fn new(provider: Arc<Provider>, seats: usize) -> Account {
        Account {
            provider,
            seats: Arc::new(Semaphore::new(seats)),
            waiting: Count::default(),
            idle: Mutex::default(),
            left: Notify::new(),
            gone: Notify::new(),
            at_work: Count::default(),
        }
    }

    /// Forgets those that have ended.
    fn has_sessions(&self) -> bool {
        let mut idle = lock(&self.idle);
        idle.retain(|idle| !idle.claim.is_closed());
        !idle.is_empty()
    }
}

impl Seat {
    /// A warm session with this key. While others of the account have one or log in, theirs is waited for, but not long.
    /// Without one the caller is expected to log in. Sessions of the account with another key are ended.
    pub async fn session(&self, key: &str) -> Option<Authenticated> {
        let account = &self.account;
        let soon = tokio::time::Instant::now() + account.provider.soon();
        loop {
            let (left, gone) = (account.left.notified(), account.gone.notified());
            let session = self.idle_session(key).await;
            let at_work = match session {
                Some(_) => Some(account.at_work.one()),
                None => account.at_work.one_more(1),
            };
            if at_work.is_some() {
                *lock(&self.at_work) = at_work;
                return session;
            }
            tokio::select! {
                () = left => {}
                () = gone => {}
                () = tokio::time::sleep_until(soon) => {
                    *lock(&self.at_work) = Some(account.at_work.one());
                    return None;
                }
            }
        }
    }

    /// The one that was used last and is alive.
    async fn idle_session(&self, key: &str) -> Option<Authenticated> {
        loop {
            let Idle { claim, .. } = {
                let mut idle = lock(&self.account.idle);
                // A claim that is dropped ends its session.
                idle.retain(|idle| idle.key == key);
                idle.pop()?
            };
            let (taker, taken) = oneshot::channel();
            if claim.send(taker).is_err() {
                continue;
            }
            let Ok(mut session) = taken.await else { continue };
            if self.may_go_on(&session) && session.is_alive().await {
                return Some(session);
            }
            session.quit().await;
        }
    }

    /// Says how long a login at the provider took.
    pub fn logged_in_within(&self, time: Duration) {
        *lock(&self.account.provider.login) = Some(time);
    }

    /// Leaves a session for the next delivery, or ends it where it has done its share.
    pub async fn leave(&self, key: &str, session: Authenticated) {
        if !self.may_go_on(&session) {
            return session.quit().await;
        }
        let claim = watch(session, self.bounds.idle, self.account.provider.idle.one());
        let mut idle = lock(&self.account.idle);
        idle.retain(|idle| !idle.claim.is_closed());
        idle.push(Idle { key: key.to_owned(), claim });
        drop(idle);
        self.has_left_session.store(true, Ordering::SeqCst);
        self.account.left.notify_one();
    }

    /// Whether it may carry another message, by our bounds and by what the server says of itself.
    fn may_go_on(&self, session: &Authenticated) -> bool {
        let most = session.capabilities().mail_max.unwrap_or(u64::MAX).min(self.bounds.messages);
        session.is_usable() && session.transactions() < most && session.since().elapsed() < self.bounds.age
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(lock(&self.at_work).take());
        if !self.has_left_session.load(Ordering::SeqCst) {
            self.account.gone.notify_one();
        }
    }
}

/// Holds an idle session until it is claimed, closed by its server, or idle for too long.
fn watch(
    mut session: Authenticated,
    idle: Duration,
    counted: Counted,
) -> oneshot::Sender<oneshot::Sender<Authenticated>> {
    let (claim, claimed) = oneshot::channel::<oneshot::Sender<Authenticated>>();
    tokio::spawn(async move {
        session.set_deadline(None);
        let taker = tokio::select! {
            biased;
            taker = claimed => taker.ok(),
            // Nothing can be said to it any more.
            () = session.closed() => return,
            () = tokio::time::sleep(idle) => None,
        };
        drop(counted);
        let left = match taker {
            Some(taker) => taker.send(session).err(),
            None => Some(session),
        };
        if let Some(session) = left {
            session.quit().await;
        }
    });
    claim
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn bounds(seats: usize, waiting: usize, provider: usize) -> Bounds {
        let minute = Duration::from_secs(60);
        Bounds { seats, waiting, provider, all: 10, idle: minute, messages: 50, age: minute }
    }

    fn pool(seats: usize, waiting: usize) -> Pool {
        Pool::new(bounds(seats, waiting, 10))
    }

    fn poll<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_account_has_its_seats_a_few_wait_and_the_rest_is_told_at_once() {
        let pool = pool(1, 1);
        let Poll::Ready(Ok(first)) = poll(pin!(pool.enter("anna", "gmx", None))) else { panic!("a free seat") };
        let mut second = pin!(pool.enter("anna", "gmx", None));
        assert!(poll(second.as_mut()).is_pending());
        assert!(matches!(poll(pin!(pool.enter("anna", "gmx", None))), Poll::Ready(Err(Full))));
        assert!(matches!(poll(pin!(pool.enter("berta", "gmx", None))), Poll::Ready(Ok(_))), "another account goes on");
        drop(first);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(_))));
    }

    #[test]
    fn one_who_stops_waiting_leaves_his_place() {
        let pool = pool(1, 1);
        let Poll::Ready(Ok(_first)) = poll(pin!(pool.enter("anna", "gmx", None))) else { panic!("a free seat") };
        {
            let mut second = pin!(pool.enter("anna", "gmx", None));
            assert!(poll(second.as_mut()).is_pending());
        }
        assert!(poll(pin!(pool.enter("anna", "gmx", None))).is_pending(), "not full");
    }

    #[test]
    fn a_provider_may_allow_fewer_sessions_than_we() {
        let pool = pool(4, 0);
        let seats: Vec<_> = (0..3).map(|_| poll(pin!(pool.enter("anna", "gmx", Some(2))))).collect();
        let free = seats.iter().filter(|seat| matches!(seat, Poll::Ready(Ok(_)))).count();
        assert_eq!(free, 2);
    }

    #[test]
    fn a_providers_bound_holds_for_all_accounts_and_for_no_other_provider() {
        let pool = Pool::new(bounds(4, 4, 1));
        let Poll::Ready(Ok(first)) = poll(pin!(pool.enter("anna", "gmx", None))) else { panic!("a free seat") };
        let mut second = pin!(pool.enter("berta", "gmx", None));
        assert!(poll(second.as_mut()).is_pending());
        assert!(matches!(poll(pin!(pool.enter("carl", "ionos", None))), Poll::Ready(Ok(_))));
        drop(first);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(_))));
    }

    #[test]
    fn waiting_for_anothers_session_is_worth_what_a_login_takes() {
        let provider = Provider::new(1);
        assert_eq!(provider.soon(), Duration::from_secs(1), "nothing is known");
        for (login, soon) in [(5, 100), (240, 240), (30_000, 1000)] {
            *lock(&provider.login) = Some(Duration::from_millis(login));
            assert_eq!(provider.soon(), Duration::from_millis(soon), "{login} ms");
        }
    }

    #[test]
    fn accounts_that_nobody_uses_are_forgotten() {
        let pool = pool(1, 0);
        for number in 0..=2 * MANY {
            assert!(matches!(poll(pin!(pool.enter(&number.to_string(), "gmx", None))), Poll::Ready(Ok(_))));
        }
        assert!(lock(&pool.accounts).len() <= MANY + 1);
    }
}
