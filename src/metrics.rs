//! What a process has counted since it began, and the text in which Prometheus reads it.
//!
//! Whoever does something counts it here; only the resident service shows it. A label's value is a word of a closed list or
//! a provider's name, which the administrator's files bound: never an address, a login, a server or a text of somebody else.

mod page;

pub use page::{Kind, Page};

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The label of accounts whose server stands in their own file.
pub const OTHER_PROVIDER: &str = "other";

/// The process's own counts.
pub static METRICS: Metrics = Metrics::new();

/// Counters of one name.
pub struct Family {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    /// Values that are shown before anything was counted, so that a rise from nothing is a rise.
    always: &'static [&'static [&'static str]],
}

/// Recipients whose delivery ended.
pub static DELIVERIES: Family = Family {
    name: "sendvia_deliveries_total",
    help: "Recipients, by provider, what the MTA was told, and why.",
    labels: &["provider", "verdict", "outcome"],
    always: &[],
};

/// Logins at providers.
pub static LOGINS: Family = Family {
    name: "sendvia_logins_total",
    help: "Logins at providers, by what came of them.",
    labels: &["provider", "result"],
    always: &[],
};

/// Deliveries that needed no login.
pub static SESSIONS_REUSED: Family = Family {
    name: "sendvia_sessions_reused_total",
    help: "Deliveries by a session that an earlier delivery had left.",
    labels: &[],
    always: &[&[]],
};

/// Limits that kept a message back.
pub static LIMITS_REACHED: Family = Family {
    name: "sendvia_limits_reached_total",
    help: "Messages kept back because a limit was reached, by what the limit counts.",
    labels: &["limit"],
    always: &[],
};

/// Requests for access tokens.
pub static TOKEN_REFRESHES: Family = Family {
    name: "sendvia_token_refreshes_total",
    help: "Requests for OAuth 2.0 access tokens, by what came of them.",
    labels: &["result"],
    always: &[&["ok"], &["failed"]],
};

/// Every one, in the order in which they are shown.
pub static FAMILIES: [&Family; 5] = [&DELIVERIES, &LOGINS, &SESSIONS_REUSED, &LIMITS_REACHED, &TOKEN_REFRESHES];

/// The histogram of what a delivery's stages took.
pub const STAGE_SECONDS: &str = "sendvia_stage_seconds";

/// Upper bounds of its buckets, in seconds.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 240.0];

/// Counts of a process.
pub struct Metrics {
    counts: Mutex<BTreeMap<(&'static str, Vec<String>), u64>>,
    spans: Mutex<BTreeMap<&'static str, Histogram>>,
}

#[derive(Default)]
struct Histogram {
    /// One more than there are bounds: the last is beyond them all.
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

impl Metrics {
    /// Nothing was counted yet.
    pub const fn new() -> Metrics {
        Metrics { counts: Mutex::new(BTreeMap::new()), spans: Mutex::new(BTreeMap::new()) }
    }

    /// One more; `values` are those of the family's labels.
    pub fn count(&self, family: &Family, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        *lock(&self.counts).entry((family.name, values)).or_default() += 1;
    }

    /// A stage took so long.
    pub fn took(&self, stage: &'static str, span: Duration) {
        let seconds = span.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        let mut spans = lock(&self.spans);
        let histogram = spans.entry(stage).or_default();
        histogram.buckets[bucket] += 1;
        histogram.sum += seconds;
    }

    /// Puts all of it on a page.
    pub fn write(&self, page: &mut Page) {
        let counts = lock(&self.counts);
        for family in FAMILIES {
            page.family(family.name, Kind::Counter, family.help);
            let mut shown: BTreeMap<Vec<&str>, u64> = family.always.iter().map(|values| (values.to_vec(), 0)).collect();
            let counted = counts.iter().filter(|((name, _), _)| *name == family.name);
            shown.extend(counted.map(|((_, values), count)| (values.iter().map(String::as_str).collect(), *count)));
            for (values, count) in shown {
                let labels: Vec<_> = family.labels.iter().copied().zip(values).collect();
                page.sample(family.name, &labels, count as f64);
            }
        }
        page.family(STAGE_SECONDS, Kind::Histogram, "What a delivery spent in its stages.");
        for (stage, histogram) in lock(&self.spans).iter() {
            histogram.write(stage, page);
        }
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Histogram {
    fn write(&self, stage: &str, page: &mut Page) {
        let mut below = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(self.buckets) {
            below += count;
            page.sample(&format!("{STAGE_SECONDS}_bucket"), &[("stage", stage), ("le", &bound)], below as f64);
        }
        page.sample(&format!("{STAGE_SECONDS}_sum"), &[("stage", stage)], self.sum);
        page.sample(&format!("{STAGE_SECONDS}_count"), &[("stage", stage)], below as f64);
    }
}

/// A count is whole whenever the lock is free.
fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_shown_with_its_labels_and_what_may_come_with_nought() {
        let metrics = Metrics::new();
        metrics.count(&DELIVERIES, &["gmx", "sent", "sent"]);
        metrics.count(&DELIVERIES, &["gmx", "sent", "sent"]);
        metrics.took("sending", Duration::from_millis(700));
        metrics.took("sending", Duration::from_secs(1000));
        let mut page = Page::default();
        metrics.write(&mut page);
        let text = page.text();
        for line in [
            "# TYPE sendvia_deliveries_total counter",
            "sendvia_deliveries_total{provider=\"gmx\",verdict=\"sent\",outcome=\"sent\"} 2",
            "sendvia_sessions_reused_total 0",
            "sendvia_token_refreshes_total{result=\"failed\"} 0",
            "# TYPE sendvia_stage_seconds histogram",
            "sendvia_stage_seconds_bucket{stage=\"sending\",le=\"0.5\"} 0",
            "sendvia_stage_seconds_bucket{stage=\"sending\",le=\"1\"} 1",
            "sendvia_stage_seconds_bucket{stage=\"sending\",le=\"+Inf\"} 2",
            "sendvia_stage_seconds_sum{stage=\"sending\"} 1000.7",
            "sendvia_stage_seconds_count{stage=\"sending\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
