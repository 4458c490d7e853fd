//! `sendvia account`: what an administrator does with accounts. Tables for people, `--json` for scripts; nothing asks
//! without a terminal; no secret is ever shown.

mod list;
mod reopen;
mod show;

use super::output;
use crate::account::{self, Account, AccountAddress};
use crate::config::Config;
use crate::verdict::ExitStatus;
use clap::{Args, Subcommand};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every account
    List(list::Arguments),
    /// Show one account
    Show(show::Arguments),
    /// End the pause of an account whose trouble was mended
    Reopen(reopen::Arguments),
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Reopen(arguments) => reopen::run(arguments),
    }
}

/// The account whose address (or alias) is exactly `text`. What is wrong goes to standard error.
///
/// # Errors
/// The exit status that remains.
fn load(config: &Config, text: &str) -> Result<Account, ExitStatus> {
    let address = parse_address(text)?;
    let store = account::open(&config.accounts, config.presets.clone());
    match store.load(&address) {
        Ok(Some(account)) => Ok(account),
        Ok(None) => {
            output::fail(format_args!("there is no account {address}"), Some("`sendvia account list` shows all"));
            Err(ExitStatus::NoUser)
        }
        Err(error) => {
            let hint = error.hint();
            output::fail(&error, hint.as_deref());
            Err(ExitStatus::Config)
        }
    }
}

/// An address as a person types it.
fn parse_address(text: &str) -> Result<AccountAddress, ExitStatus> {
    AccountAddress::parse(text).map_err(|error| {
        output::fail(error, Some("an account is anna@gmx.de, or @example.org for a whole domain"));
        ExitStatus::Usage
    })
}
