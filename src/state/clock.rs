//! The time of day, which tests may set.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A second of the time of day, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// This much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// This much earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// The span from `earlier` to this, zero if it is not earlier.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// As the administrator's clock shows it: `2026-11-24 20:15:00 CET`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => f.write_str(
                &at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
            ),
            Err(_) => write!(f, "second {}", self.0),
        }
    }
}

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system.
    #[default]
    System,
    /// A test, which moves it on as it likes.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `second` until it is [moved](Clock::advance).
    pub fn at(second: i64) -> Clock {
        Clock::Set(Arc::new(AtomicI64::new(second)))
    }

    /// Now.
    pub fn now(&self) -> Moment {
        match self {
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Moment(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            }
            Clock::Set(second) => Moment(second.load(Ordering::SeqCst)),
        }
    }

    /// Moves a set clock on; the system's goes by itself.
    pub fn advance(&self, span: Duration) {
        if let Clock::Set(second) = self {
            second.store(Moment(second.load(Ordering::SeqCst)).after(span).0, Ordering::SeqCst);
        }
    }
}
