//! `sendvia serve`: the resident service.

use super::output;
use super::secret_commands;
use super::service;
use super::settings::Settings;
use crate::config::Config;
use crate::log;
use crate::mta::service::{Drained, Listener, StartError, fence, listeners, run as serve};
use crate::mta::start_log_of_service;
use crate::process::forbid_new_privileges;
use crate::secret::commands::start as start_helper;
use crate::verdict::ExitStatus;
use clap::Args;
use std::num::NonZero;
use std::thread::available_parallelism;

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

/// What can be done without is done without: mail that waits for a better kernel is no better off.
fn raise_fence(config: &Config, listeners: &[Listener], settings: &Settings) {
    let helper = secret_commands::command(settings.config.as_deref()).and_then(start_helper);
    if let Err(error) = helper {
        log::warning(&format!("commands of secrets can't be run: {error}"));
    }
    let fence = fence(config, listeners);
    let raised = fence.raise();
    for path in fence.read.iter().filter(|path| !path.exists() && !raised.lets_read(path)) {
        log::warning(&format!("fence: {} is not there; once it is, restart the service", path.display()));
    }
}

fn serve_by(config: Config, settings: &Settings) -> Result<Drained, StartError> {
    let reload = || {
        let loaded = Config::load(settings.config.as_deref());
        loaded.map_err(|errors| log::warning(&format!("reload: {errors}"))).ok()
    };
    let listeners = listeners(&config.listen)?;
    // Asked while the control group's files can be read.
    let workers = available_parallelism().map_or(1, NonZero::get);
    if config.fence.is_wanted {
        raise_fence(&config, &listeners, settings);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .thread_stack_size(STACK)
        .build()?;
    let ended = runtime.block_on(serve(config, listeners, reload));
    // Whatever the patience was too short for ends here.
    runtime.shutdown_background();
    ended
}
