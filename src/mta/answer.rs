//! The exit discipline of a process that an MTA started: whatever happens, one of three exit statuses and at most one
//! line.

use crate::process::{caught, hide_panics, supervised};
use crate::stdio;
use crate::verdict::{Disposition, ExitStatus, Outcome, Verdict};
use std::future::Future;
use std::io;
use std::time::Duration;

/// Does `work` and tells the MTA what it came to.
pub(super) fn answered(deadline: Duration, work: impl Future<Output = Result<(), Outcome>>) -> ExitStatus {
    match finished(deadline, work) {
        Ok(()) => ExitStatus::Ok,
        Err(outcome) => tell(&Verdict::from(&outcome)),
    }
}

/// Does `work` in a runtime of its own; panics, signals and the deadline become outcomes.
pub(super) fn finished<T>(deadline: Duration, work: impl Future<Output = Result<T, Outcome>>) -> Result<T, Outcome> {
    hide_panics();
    caught(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(local)?;
        let done = runtime.block_on(supervised(deadline, work));
        // A name look-up that hangs in the C library is not waited for.
        runtime.shutdown_background();
        done
    })
    .unwrap_or_else(|problem| Err(Outcome::Local { problem }))?
}

/// What the system refused us.
pub(super) fn local(error: io::Error) -> Outcome {
    Outcome::Local { problem: error.to_string() }
}

/// The line and the exit status. A refusal for good that nobody can read is kept instead: its text would be lost.
fn tell(verdict: &Verdict) -> ExitStatus {
    let is_told = stdio::stdout_is_open() && stdio::print(&format!("{}\n", verdict.pipe_line())).is_ok();
    match (is_told, verdict.disposition) {
        (false, Disposition::Bounce) => ExitStatus::TempFail,
        _ => verdict.exit_status(),
    }
}
