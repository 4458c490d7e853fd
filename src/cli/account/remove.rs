//! `sendvia account remove`: an account with its aliases and tokens, or one alias.

use super::super::failure::Failure;
use super::super::settings::Settings;
use super::super::{ask, output};
use super::change::{Site, address};
use crate::account::AccountAddress;
use crate::secret::token::{TokenFiles, TokenStore};
use crate::verdict::ExitStatus;
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// The account's address, or an alias of it
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Removes it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let address = address(&arguments.address)?;
    // An account that can't be read can be removed all the same.
    let aliases = match site.store.text(&address)? {
        Some(_) => Some(site.store.aliases(&address)?),
        None => {
            site.standing(&address)?;
            None
        }
    };
    if !arguments.yes && !ask::agree(&question(&address, aliases.as_deref()), "--yes")? {
        return Ok(ExitStatus::No);
    }
    for alias in aliases.iter().flatten() {
        site.store.remove(alias)?;
        output::say(format_args!("removed alias {alias}"));
    }
    site.store.remove(&address)?;
    if aliases.is_some() {
        TokenFiles::below(&site.config.state).remove(&address.folded())?;
    }
    output::say(format_args!("removed {}{address}", if aliases.is_some() { "" } else { "alias " }));
    Ok(ExitStatus::Ok)
}

fn question(address: &AccountAddress, aliases: Option<&[AccountAddress]>) -> String {
    match aliases {
        None => format!("Remove the alias {address}?"),
        Some([]) => format!("Remove {address} with its secret?"),
        Some(aliases) => {
            let names: Vec<String> = aliases.iter().map(ToString::to_string).collect();
            format!("Remove {address} with its secret and its aliases {}?", names.join(", "))
        }
    }
}
