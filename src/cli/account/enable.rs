//! `sendvia account disable` and `enable`.

use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;
use super::change::{Site, address};
use crate::account::Existing;
use crate::verdict::ExitStatus;
use crate::yaml::{self, Item};
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The accounts' addresses
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
}

/// Switches the accounts off.
pub(super) fn disable(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    set(arguments, Some(&Item::Bool(true)), "disabled: its mail waits in the MTA's queue")
}

/// Switches the accounts on.
pub(super) fn enable(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    set(arguments, None, "enabled")
}

fn set(arguments: &Arguments, disabled: Option<&Item>, said: &str) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    for text in &arguments.addresses {
        let standing = site.standing(&address(text)?)?;
        let own = &standing.account.address;
        if standing.account.disabled != disabled.is_some() {
            site.put(own, &yaml::set(&standing.text, "disabled", disabled)?, Existing::Replace)?;
        }
        output::say(format_args!("{own}: {said}"));
    }
    Ok(ExitStatus::Ok)
}
