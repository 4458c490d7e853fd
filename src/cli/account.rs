//! `sendvia account`: what an administrator does with accounts. Tables for people, `--json` for scripts; nothing asks
//! without a terminal; no secret is ever shown.

mod add;
pub(super) mod change;
mod consent;
mod copy;
mod discover;
pub(super) mod draft;
mod enable;
mod list;
mod proof;
mod remove;
mod rename;
mod reopen;
mod set_secret;
mod set_server;
mod show;
mod test;

use super::failure::finish;
use super::output;
use crate::account::{self, Account, AccountAddress};
use crate::config::Config;
use crate::verdict::ExitStatus;
use clap::{Args, Subcommand};
use std::sync::Arc;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an account: find its provider, prove its password by a login, write it sealed
    Add(Box<add::Arguments>),
    /// List every account
    List(list::Arguments),
    /// Show one account
    Show(show::Arguments),
    /// Log in as a delivery would, and say what came of it
    Test(test::Arguments),
    /// Set another password, sealed
    SetSecret(set_secret::Arguments),
    /// Send an account's mail to another server or provider, and seal its secret for that
    SetServer(set_server::Arguments),
    /// Switch accounts off: their mail is deferred
    Disable(enable::Arguments),
    /// Switch accounts on again
    Enable(enable::Arguments),
    /// Remove an account with its aliases, or one alias
    Remove(remove::Arguments),
    /// Give an account or an alias another address
    Rename(rename::Arguments),
    /// Copy every account from one store into another
    Copy(copy::Arguments),
    /// End the pause of an account whose trouble was mended
    Reopen(reopen::Arguments),
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Add(arguments) => finish(add::run(arguments)),
        Command::Test(arguments) => finish(test::run(arguments)),
        Command::SetSecret(arguments) => finish(set_secret::run(arguments)),
        Command::SetServer(arguments) => finish(set_server::run(arguments)),
        Command::Disable(arguments) => finish(enable::disable(arguments)),
        Command::Enable(arguments) => finish(enable::enable(arguments)),
        Command::Remove(arguments) => finish(remove::run(arguments)),
        Command::Rename(arguments) => finish(rename::run(arguments)),
        Command::Copy(arguments) => finish(copy::run(arguments)),
        Command::Reopen(arguments) => finish(reopen::run(arguments)),
    }
}

/// The account whose address (or alias) is exactly `text`. What is wrong goes to standard error.
///
/// # Errors
/// The exit status that remains.
fn load(config: &Config, text: &str) -> Result<Arc<Account>, ExitStatus> {
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
