//! How far work is, or what is waited for, where it takes over a second and a person watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
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

/// Between two turns of what shows that something is waited for.
const TURN: Duration = Duration::from_millis(100);

/// Says on standard error, if that is a terminal, what is waited for, once a second has gone by; until it is dropped.
pub(super) struct Waiting {
    over: Option<mpsc::Sender<()>>,
    showing: Option<JoinHandle<()>>,
}

impl Waiting {
    /// For what `what` says is being done.
    pub(super) fn new(what: &'static str) -> Waiting {
        if !std::io::stderr().is_terminal() {
            return Waiting { over: None, showing: None };
        }
        let (over, is_over) = mpsc::channel();
        Waiting { over: Some(over), showing: Some(std::thread::spawn(move || show(what, &is_over))) }
    }
}

fn show(what: &'static str, is_over: &mpsc::Receiver<()>) {
    if is_over.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.set_message(what);
    while is_over.recv_timeout(TURN) == Err(RecvTimeoutError::Timeout) {
        spinner.tick();
    }
    spinner.finish_and_clear();
}

/// The line is gone before anything else is printed.
impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(showing) = self.showing.take() {
            // A panic of its own is nobody's loss.
            let _ = showing.join();
        }
    }
}
