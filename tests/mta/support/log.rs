//! The lines a server writes, as they come: a test waits for one instead of sleeping.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a line may take before the test fails. Generous: it is only waited out by a test that fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Collects the lines of one stream.
#[derive(Clone, Default)]
pub(crate) struct Log {
    shared: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Log {
    /// Reads `stream` to its end in a thread of its own.
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                writer.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        });
        log
    }

    /// What was written so far.
    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// The first line, past or future, that `wanted` says yes to.
    ///
    /// # Panics
    /// With the whole log, when none comes.
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for_all(what, 1, wanted).remove(0)
    }

    /// The first `count` lines that `wanted` says yes to.
    ///
    /// # Panics
    /// With the whole log, when they do not come.
    pub(crate) fn wait_for_all(&self, what: &str, count: usize, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.within(PATIENCE, count, wanted).unwrap_or_else(|| panic!("no {what} in this log:\n{}", self.text()))
    }

    /// The same, or nothing when they have not come after this time.
    pub(crate) fn within(
        &self,
        patience: Duration,
        count: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        let end = Instant::now() + patience;
        let mut lines = self.lines();
        loop {
            let found: Vec<String> = lines.iter().filter(|line| wanted(line)).take(count).cloned().collect();
            if found.len() == count {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            lines = self.shared.1.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn push(&self, line: String) {
        self.lines().push(line);
        self.shared.1.notify_all();
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
