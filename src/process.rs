//! What must not end a delivery without a verdict: panics, signals, the deadline, and a parent that died.
//!
//! A process that an MTA started answers in every case; see [`supervised`] and [`caught`].

mod panic;
mod parent;
mod privileges;

pub use panic::{caught, hide_panics};
pub use parent::Parent;
pub use privileges::forbid_new_privileges;

use crate::verdict::Outcome;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long one delivery may take in all, in a process of its own: under Postfix's 1000 s (`command_time_limit`) and
/// Exim's hour, after which both bounce.
pub const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// Runs `work`, unless a signal or the deadline comes first.
///
/// # Errors
/// [`Outcome::Terminated`], [`Outcome::Deadline`], or [`Outcome::Local`] when signals can't be listened to.
pub async fn supervised<T>(deadline: Duration, work: impl Future<Output = T>) -> Result<T, Outcome> {
    let signals = Signals::new().map_err(|error| Outcome::Local { problem: format!("signals: {error}") })?;
    tokio::select! {
        // A finished delivery is told even where a signal came in the same moment.
        biased;
        done = work => Ok(done),
        name = signals.first() => Err(Outcome::Terminated { signal: name.to_owned() }),
        () = tokio::time::sleep(deadline) => {
            Err(Outcome::Deadline { seconds: deadline.as_secs(), waiting_for: "the delivery".to_owned() })
        }
    }
}

/// The signals by which others speak to a process.
pub struct Signals {
    /// SIGTERM
    pub terminate: Signal,
    /// SIGINT
    pub interrupt: Signal,
    /// SIGHUP
    pub hang_up: Signal,
}

impl Signals {
    /// Listens to them from here on.
    ///
    /// # Errors
    /// What the system refused.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one that asks for the end: SIGTERM or SIGINT.
    pub async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    async fn first(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn work_that_ends_in_time_gives_its_result() {
        assert_eq!(runtime().block_on(supervised(DEADLINE, async { 7 })), Ok(7));
    }

    #[test]
    fn the_deadline_defers() {
        let never = std::future::pending::<()>();
        let ended = runtime().block_on(supervised(Duration::from_millis(1), never));
        assert!(matches!(ended, Err(Outcome::Deadline { .. })), "{ended:?}");
    }
}
