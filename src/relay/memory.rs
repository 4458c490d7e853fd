//! What one delivery asks of the state.
//!
//! The state protects accounts; it must never hold mail up. Where it can't be used, the delivery goes on as if nothing
//! were closed, counted or journalled, and the log is told why, once. It is opened by the first question.

use crate::state::{Ledger, StateError};

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
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                self.problem.get_or_insert_with(|| format!("{error}{hint}"));
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
