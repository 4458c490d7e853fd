//! What `policy`, `map` and `serve` have in common: they answer a mail server, so nothing of theirs goes to standard
//! error, and a broken configuration is told to the log.

use super::settings::Settings;
use crate::config::Config;
use crate::log;
use crate::mta::{Exchange, exchange, start_log};
use crate::process::hide_panics;
use crate::secret::memory;
use crate::stdio;
use crate::verdict::ExitStatus;
use std::io;
use std::time::Duration;

/// How long a client may be silent: Postfix closes its connections to policy and map services after 1000 s at most.
pub(super) const IDLE: Duration = Duration::from_secs(20 * 60);

/// Reads the configuration and begins the log that it names. What is wrong with it goes to the log.
pub(super) fn begin(settings: &Settings) -> Option<Config> {
    let loaded = Config::load(settings.config.as_deref());
    start_log(loaded.as_ref().map(|config| config.log).unwrap_or_default(), false);
    prepare();
    loaded.map_err(|errors| log::warning(&errors.to_string())).ok()
}

/// From here on no panic prints, and no memory is dumped.
pub(super) fn prepare() {
    hide_panics();
    if let Err(error) = memory::forbid_dumps() {
        log::warning(&format!("core dumps can't be forbidden: {error}"));
    }
}

/// Answers requests on standard input and output until the client leaves; spawn(8) of Postfix runs it so.
pub(super) fn exchange_on_stdio(requests: &impl Exchange) -> ExitStatus {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| runtime.block_on(on_stdio(requests)));
    match served {
        Ok(()) => ExitStatus::Ok,
        Err(error) => {
            log::warning(&format!("{error}"));
            ExitStatus::TempFail
        }
    }
}

async fn on_stdio(requests: &impl Exchange) -> io::Result<()> {
    let mut stream = tokio::io::join(stdio::stdin()?, stdio::stdout()?);
    exchange(&mut stream, requests, IDLE, std::future::pending()).await
}
