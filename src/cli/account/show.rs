//! `sendvia account show ADDRESS`

use super::super::lookup::{account_json, account_pairs};
use super::super::output;
use super::super::settings::Settings;
use crate::verdict::ExitStatus;
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The account's address, an alias of it, or @ and a domain
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Shows the account without its secret.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = match arguments.settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let account = match super::load(&config, &arguments.address) {
        Ok(account) => account,
        Err(status) => return status,
    };
    match arguments.json {
        true => output::json(&account_json(&account)),
        false => output::say(output::pairs(&account_pairs(&account))),
    }
    ExitStatus::Ok
}
