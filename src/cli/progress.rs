//! A progress bar for what takes over a second, where a person watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Work shorter than this shows none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts steps; appears on standard error, if that is a terminal, once a second has gone by.
pub(super) struct Progress {
    bar: ProgressBar,
    begin: Instant,
    is_watched: bool,
}

impl Progress {
    /// Of `length` steps called `what`.
    pub(super) fn new(what: &'static str, length: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_message(what);
        Progress { bar, begin: Instant::now(), is_watched: std::io::stderr().is_terminal() }
    }

    /// One more.
    pub(super) fn step(&mut self) {
        self.steps(1);
    }

    /// So many more.
    pub(super) fn steps(&mut self, count: usize) {
        self.bar.inc(count as u64);
        if self.is_watched && self.begin.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_watched = false;
        }
    }
}

/// The bar goes, whatever comes next.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
