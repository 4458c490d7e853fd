//! One provider: how many sessions there may be, those that are idle, and how long a login takes.

use super::count::Count;
use super::idle::Idle;
use super::lock;
use crate::submission::Authenticated;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How long a delivery waits for the session of another one of its account before it logs in for itself: as long as the
/// provider's last login took, since it would not be faster by one of its own, but within these. A login costs several
/// round trips and a message few, and providers count logins.
const SOON: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

pub(super) struct Provider {
    /// One for each session that there may be.
    rights: Arc<Semaphore>,
    /// Those that nobody uses, the one that was used last at the end.
    idle: Mutex<Vec<Idle>>,
    /// Deliveries that wait for a right; while there are any, no session becomes idle.
    waiting: Count,
    /// How long the last login took, if there was one.
    login: Mutex<Option<Duration>>,
}

impl Provider {
    pub(super) fn new(sessions: usize) -> Provider {
        Provider {
            rights: Arc::new(Semaphore::new(sessions)),
            idle: Mutex::default(),
            waiting: Count::default(),
            login: Mutex::default(),
        }
    }

    pub(super) fn idle_sessions(&self) -> usize {
        lock(&self.idle).iter().filter(|idle| !idle.has_ended()).count()
    }

    /// For how long waiting for another's session is worth it.
    pub(super) fn soon(&self) -> Duration {
        let last = *lock(&self.login);
        last.map_or(*SOON.end(), |login| login.clamp(*SOON.start(), *SOON.end()))
    }

    pub(super) fn logged_in_within(&self, time: Duration) {
        *lock(&self.login) = Some(time);
    }

    /// Keeps an idle session, unless others wait for its right: then it ends, and theirs is the next.
    pub(super) fn keep(&self, session: Idle) {
        let mut idle = lock(&self.idle);
        idle.retain(|idle| !idle.has_ended());
        // Whoever begins to wait says so before he looks at the list.
        if self.waiting.now() == 0 {
            idle.push(session);
        }
    }

    /// The session of the account with this key that was used last. Those of its with another key are ended.
    pub(super) async fn take(&self, account: &str, key: &str) -> Option<(Authenticated, OwnedSemaphorePermit)> {
        loop {
            let last = {
                let mut idle = lock(&self.idle);
                idle.retain(|idle| idle.account != account || idle.key == key);
                let at = idle.iter().rposition(|idle| idle.account == account)?;
                idle.remove(at)
            };
            if let Some(held) = last.take().await {
                return Some(held);
            }
        }
    }

    /// The right to one more session: a free one, else that of the session that was idle longest, else the next that
    /// somebody gives back, in the order in which they were asked for.
    pub(super) async fn right(&self) -> OwnedSemaphorePermit {
        if let Some(right) = self.right_at_once() {
            return right;
        }
        let _waiting = self.waiting.one();
        loop {
            if let Some(right) = self.right_at_once() {
                return right;
            }
            let longest = {
                let mut idle = lock(&self.idle);
                (!idle.is_empty()).then(|| idle.remove(0))
            };
            let Some(longest) = longest else { break };
            if let Some((session, right)) = longest.take().await {
                tokio::spawn(session.quit());
                return right;
            }
        }
        acquired(Arc::clone(&self.rights).acquire_owned().await)
    }

    /// The right to one more session, if nobody has to make way.
    pub(super) fn right_at_once(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.rights).try_acquire_owned().ok()
    }
}

/// Nobody closes the pool's semaphores.
pub(super) fn acquired(permit: Result<OwnedSemaphorePermit, AcquireError>) -> OwnedSemaphorePermit {
    permit.unwrap_or_else(|_| unreachable!("a semaphore of the pool is closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_anothers_session_is_worth_what_a_login_takes() {
        let provider = Provider::new(1);
        assert_eq!(provider.soon(), Duration::from_secs(1), "nothing is known");
        for (login, soon) in [(5, 100), (240, 240), (30_000, 1000)] {
            provider.logged_in_within(Duration::from_millis(login));
            assert_eq!(provider.soon(), Duration::from_millis(soon), "{login} ms");
        }
    }
}
