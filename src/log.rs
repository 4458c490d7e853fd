//! Log lines: to syslog (facility mail) or journald, in Postfix's manner. Never to standard output, and to standard error
//! from the service alone, where it is asked to: elsewhere both belong to the MTA.
//!
//! What a peer chose stands in a line only after [`one_line`](crate::wire::text::one_line), and a whole line passes
//! through it once more, so nobody can begin a line of his own.

mod delivery;
mod format;
mod trace;

pub use delivery::{DeliveryLine, queue_name};
pub use trace::Traced;

use crate::wire::text::one_line;
use format::MessageOnly;
use std::ffi::CStr;
use syslog_tracing::{Facility, Options, Syslog};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Our name in syslog and journald.
const IDENTITY: &CStr = c"sendvia";

/// The longest line, in characters; rsyslog's own limit is 8 KiB.
const MAX_LINE: usize = 2000;

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// syslog(3), facility mail.
    Syslog,
    /// journald's own protocol; syslog(3) where it does not answer.
    Journald,
    /// Standard error, for who supervises the service.
    StandardError,
    /// Nowhere.
    None,
}

/// From here on lines go to `target`, as far as `level` lets them. A second call changes nothing. No failure is an
/// error: a message is not deferred because nobody logs it.
pub fn start(target: Target, level: LevelFilter) {
    let syslog = || Syslog::new(IDENTITY, Options::LOG_PID, Facility::Mail);
    let journald = || tracing_journald::layer().ok().map(|layer| layer.with_syslog_identifier("sendvia".to_owned()));
    let registry = || tracing_subscriber::registry().with(level);
    let lines = |syslog| tracing_subscriber::fmt::layer().event_format(MessageOnly { end: "" }).with_writer(syslog);
    // An error says that logging was started before.
    let _ = match target {
        Target::None => Ok(()),
        Target::Syslog => registry().with(syslog().map(lines)).try_init(),
        Target::StandardError => {
            // What can't be written is no reason to write again, and to panic over it.
            let layer =
                tracing_subscriber::fmt::layer().event_format(MessageOnly { end: "\n" }).log_internal_errors(false);
            registry().with(layer.with_writer(std::io::stderr)).try_init()
        }
        Target::Journald => match journald() {
            Some(layer) => registry().with(layer).try_init(),
            None => registry().with(syslog().map(lines)).try_init(),
        },
    };
}

/// A line about something that was done or decided.
pub fn info(line: &str) {
    tracing::info!("{}", shown(line));
}

/// A line about something that the administrator should mend.
pub fn warning(line: &str) {
    tracing::warn!("{}", shown(line));
}

fn shown(line: &str) -> String {
    one_line(line.as_bytes(), MAX_LINE)
}
