//! An event as its message alone: time, host, program and process id are syslog's.

use std::fmt;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes message and fields, nothing before them, and behind them what ends a line there.
pub(super) struct MessageOnly {
    pub(super) end: &'static str,
}

impl<S, N> FormatEvent<S, N> for MessageOnly
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        context.format_fields(writer.by_ref(), event)?;
        writer.write_str(self.end)
    }
}
