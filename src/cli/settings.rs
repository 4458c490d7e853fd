//! `--config`, as every command that needs a configuration takes it.

use super::output;
use crate::config::Config;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::PathBuf;

/// Where the configuration is.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Settings {
    /// The configuration file; else $SENDVIA_CONFIG, the user's own, or /etc/sendvia/sendvia.yaml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl Settings {
    /// Reads the configuration for a person's command. What is wrong with it goes to standard error.
    ///
    /// # Errors
    /// The exit status that remains.
    pub(super) fn load(&self) -> Result<Config, ExitStatus> {
        Config::load(self.config.as_deref()).map_err(|errors| {
            output::complain(&errors.problems);
            ExitStatus::Config
        })
    }
}
