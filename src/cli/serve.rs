//! `sendvia serve`: the resident service.

use super::output;
use super::service;
use super::settings::Settings;
use crate::config::Config;
use crate::log;
use crate::mta::service::{Drained, StartError, run as serve};
use crate::mta::start_log_of_service;
use crate::process::forbid_new_privileges;
use crate::verdict::ExitStatus;
use clap::Args;

/// A worker's stack: ours are shallow, and there are few of them.
const STACK: usize = 1024 * 1024;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Serves until a signal. What keeps it from starting is told on standard error, which systemd keeps, and in the log.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = match arguments.settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    start_log_of_service(config.log);
    service::prepare();
    // Before there are threads, which inherit it.
    if let Err(error) = forbid_new_privileges() {
        log::warning(&format!("new privileges can't be forbidden: {error}"));
    }
    match serve_by(config, &arguments.settings) {
        Ok(Drained::Wholly) => ExitStatus::Ok,
        Ok(Drained::Partly) => ExitStatus::TempFail,
        Err(error) => {
            log::warning(&format!("not started: {error}"));
            output::fail(&error, error.hint().as_deref());
            ExitStatus::Config
        }
    }
}

fn serve_by(config: Config, settings: &Settings) -> Result<Drained, StartError> {
    let reload = || {
        let loaded = Config::load(settings.config.as_deref());
        loaded.map_err(|errors| log::warning(&format!("reload: {errors}"))).ok()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build()?;
    let ended = runtime.block_on(serve(config, reload));
    // Whatever the patience was too short for ends here.
    runtime.shutdown_background();
    ended
}
