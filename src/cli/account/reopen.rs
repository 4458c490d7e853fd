//! `sendvia account reopen`: ends the pause of an account whose trouble was mended.

use super::super::failure::Failure;
use super::super::output;
use super::super::route::{NOTHING, open_again};
use super::super::settings::Settings;
use super::{load, parse_address};
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
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let address = parse_address(&arguments.address)?.folded();
    let config = arguments.settings.load()?;
    let open = |address: &str| {
        open_again(&config, |closure| {
            matches!(closure.subject.kind, Kind::Account | Kind::Credentials) && closure.subject.name == address
        })
    };
    // An account that is closed may be gone, or its file unreadable: that is no reason to keep it closed.
    if open(&address)? {
        return Ok(ExitStatus::Ok);
    }
    let of_account = load(&config, &arguments.address)?.address.folded();
    if of_account == address || !open(&of_account)? {
        output::say(NOTHING);
    }
    Ok(ExitStatus::Ok)
}
