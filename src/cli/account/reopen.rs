//! `sendvia account reopen`: ends the pause of an account whose trouble was mended.

use super::super::route::open_again;
use super::super::settings::Settings;
use super::parse_address;
use crate::state::Kind;
use crate::verdict::ExitStatus;
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The account's address
    #[arg(value_name = "ADDRESS")]
    address: String,
}

/// Opens the account and its login.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let address = match parse_address(&arguments.address) {
        Ok(address) => address.folded(),
        Err(status) => return status,
    };
    open_again(&arguments.settings, |closure| {
        matches!(closure.subject.kind, Kind::Account | Kind::Credentials) && closure.subject.name == address
    })
}
