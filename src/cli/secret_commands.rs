//! `sendvia secret-commands`: what `sendvia serve` starts for itself before it raises its fence. Not for people.

use super::service;
use super::settings::Settings;
use crate::log;
use crate::mta::service::Secrets;
use crate::process::Signals;
use crate::secret::commands::serve;
use crate::verdict::ExitStatus;
use clap::Args;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

/// Its name on the command line.
pub(super) const NAME: &str = "secret-commands";

/// What systemd tells a service alone, and no program that it starts.
const OF_THE_SERVICE: [&str; 6] =
    ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// The command line of a helper for a service with this configuration.
pub(super) fn command(config: Option<&Path>) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(NAME);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    for name in OF_THE_SERVICE {
        command.env_remove(name);
    }
    Ok(command)
}

/// Runs commands for whoever is at the other end of standard input, and ends with him alone: a signal to the service's
/// group is not for it, because a service that stops still finishes what is under way.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let Some(config) = service::begin(&arguments.settings) else { return ExitStatus::Config };
    let mut secrets = Secrets::new(config, arguments.settings.config.clone());
    let served = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        runtime.block_on(async {
            let _ignored = Signals::new()?;
            let channel = io::stdin().as_fd().try_clone_to_owned()?;
            serve(channel, |wanted| secrets.command(wanted)).await
        })
    });
    match served {
        Ok(()) => ExitStatus::Ok,
        Err(error) => {
            log::warning(&format!("secret commands: {error}"));
            ExitStatus::TempFail
        }
    }
}
