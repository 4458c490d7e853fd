//! The runtime of a person's command: one thread, for as long as one piece of work.

use std::future::Future;
use std::io;

/// Runs `work` to its end.
///
/// # Errors
/// What the system refused to the runtime.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}
