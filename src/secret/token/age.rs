//! What time does to tokens and to troubles.

use super::TokenError;
use super::store::{Access, Trouble};
use std::time::SystemTime;

/// RFC 6749 section 5.1 lets a server leave the lifetime out; then a token is believed for this long.
const UNSAID_LIFETIME: i64 = 600;
/// A token is renewed this long before its end, or a quarter of its life before, whichever is less.
const AHEAD: i64 = 300;
/// A token is not used in its last seconds (or tenth): it has to survive the login.
const LAST_SECONDS: i64 = 30;
/// A clock that went back further than this makes every recorded time doubtful.
const CLOCK_SLACK: i64 = 60;
/// How long a closed account is left alone, unless its refresh token changes: some reasons go away by themselves
/// (a policy of the directory), and one request in six hours locks nobody.
const CLOSED_PAUSE: i64 = 6 * 3600;
/// The first pause after trouble of the endpoint, and the longest.
const TROUBLE_PAUSE: (i64, i64) = (10, 300);

/// The wall clock in seconds since 1970: tokens outlive processes and reboots, so no other clock will do.
pub(super) fn wall_clock() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| age.as_secs().try_into().unwrap_or(i64::MAX))
}

/// What can be done with a kept access token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Used.
    Good,
    /// Used, and renewed by one.
    EndsSoon,
    /// Not used.
    Ended,
}

/// What the clock says of a token. One from the future was noted by another clock, and nothing is known of it.
pub(super) fn freshness(access: &Access, now: i64) -> Freshness {
    let left = access.obtained.saturating_add(access.lifetime).saturating_sub(now);
    if now < access.obtained - CLOCK_SLACK || left <= LAST_SECONDS.min(access.lifetime / 10) {
        return Freshness::Ended;
    }
    if left <= AHEAD.min(access.lifetime / 4) { Freshness::EndsSoon } else { Freshness::Good }
}

/// How long a token is believed that came with this lifetime.
pub(super) fn believed(lifetime: Option<u64>) -> i64 {
    lifetime.map_or(UNSAID_LIFETIME, |seconds| seconds.try_into().unwrap_or(i64::MAX))
}

impl Trouble {
    /// Trouble noted at `now`, after `failures` others in a row.
    pub(super) fn new(closed: bool, reason: String, origin: Option<String>, now: i64, failures: u32) -> Trouble {
        let (first, longest) = TROUBLE_PAUSE;
        let growing = first.saturating_mul(1 << failures.min(16)).min(longest);
        let until = now + if closed { CLOSED_PAUSE } else { growing };
        Trouble { closed, reason, at: now, until, failures: failures.saturating_add(1), origin }
    }

    /// Whether the pause lasts. One that seems to have begun in the future was noted by another clock.
    pub(super) fn is_on(&self, now: i64) -> bool {
        now < self.until && now >= self.at - CLOCK_SLACK
    }

    pub(super) fn error(&self, account: &str) -> TokenError {
        let (account, reason, until) = (account.to_owned(), self.reason.clone(), self.until);
        match self.closed {
            true => TokenError::Closed { account, reason, until },
            false => TokenError::Trouble { account, reason, until },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_ahead_of_its_end_and_never_used_in_its_last_seconds() {
        let rows = [
            (3600, 0, Freshness::Good),
            (3600, 3299, Freshness::Good),
            (3600, 3300, Freshness::EndsSoon),
            (3600, 3569, Freshness::EndsSoon),
            (3600, 3570, Freshness::Ended),
            (3600, 9999, Freshness::Ended),
            (60, 44, Freshness::Good),
            (60, 45, Freshness::EndsSoon),
            (60, 54, Freshness::Ended),
            (0, 0, Freshness::Ended),
            (-5, 0, Freshness::Ended),
            (i64::MAX, 100, Freshness::Good),
            (3600, -59, Freshness::Good),
            (3600, -61, Freshness::Ended),
        ];
        for (lifetime, later, expected) in rows {
            let access = Access { token: String::new(), obtained: 1_000_000, lifetime };
            assert_eq!(freshness(&access, 1_000_000 + later), expected, "{lifetime} s, {later} s later");
        }
    }

    #[test]
    fn the_pause_after_trouble_grows_and_ends_and_a_clock_set_back_ends_it() {
        let pauses =
            [0, 1, 2, 5, 30].map(|failures| Trouble::new(false, String::new(), None, 1000, failures).until - 1000);
        assert_eq!(pauses, [10, 20, 40, 300, 300]);
        let closed = Trouble::new(true, String::new(), None, 1000, 0);
        assert!(closed.is_on(1000) && closed.is_on(1000 + CLOSED_PAUSE - 1));
        assert!(!closed.is_on(1000 + CLOSED_PAUSE) && !closed.is_on(1000 - CLOCK_SLACK - 1));
    }
}
