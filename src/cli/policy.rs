//! `sendvia policy`: Postfix's policy delegation on standard input and output, as spawn(8) runs it.

use super::service;
use super::settings::Settings;
use crate::mta::policy::{NoPolicy, Policy};
use crate::verdict::ExitStatus;
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Answers until the client leaves.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    match service::begin(&arguments.settings) {
        Some(config) => service::exchange_on_stdio(&Policy::new(&config)),
        None => service::exchange_on_stdio(&NoPolicy),
    }
}
