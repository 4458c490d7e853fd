//! What one delivery asks of the state.
//!
//! The state protects accounts; it must never hold mail up. Where it can't be used, the delivery goes on as if nothing
//! were closed, counted or journalled, and the log is told why, once. It is opened by the first question.

use crate::state::{Ledger, StateError};
use crate::wire::text::with_hint;
use std::time::{Duration, Instant};

/// How long a delivery without a deadline may take before it is thought to be dead.
const LEASE: Duration = Duration::from_secs(15 * 60);

/// A delivery's questions, until one of them fails.
pub(super) struct Memory<'a> {
    ledger: &'a dyn Ledger,
    problem: Option<String>,
}

impl Memory<'_> {
    /// Questions to this ledger.
    pub(super) fn of(ledger: &dyn Ledger) -> Memory<'_> {
        Memory { ledger, problem: None }
    }

    /// The answer; `None` once the state is in trouble. A delivery waits for a busy file once, not at each question.
    pub(super) fn ask<T>(&mut self, question: impl FnOnce(&dyn Ledger) -> Result<T, StateError>) -> Option<T> {
        if self.problem.is_some() {
            return None;
        }
        self.insist(question)
    }

    /// The same, even after trouble: for what costs more than waiting if it is not written down.
    pub(super) fn insist<T>(&mut self, question: impl FnOnce(&dyn Ledger) -> Result<T, StateError>) -> Option<T> {
        match question(self.ledger) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.problem.get_or_insert_with(|| with_hint(&error, error.hint()));
                None
            }
        }
    }

    /// What the log is told.
    pub(super) fn note(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(format!("{problem}: limits, breakers and journal are off for this delivery"))
    }
}

/// For how long what a delivery takes in the state is its own: until its deadline.
pub(super) fn lease(deadline: Option<Instant>) -> Duration {
    let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    remaining.unwrap_or(LEASE).max(Duration::from_secs(1))
}
