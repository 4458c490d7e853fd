//! `sendvia account rename`: another address for an account, or for an alias. Its login stays what it was.

use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;
use super::change::{Site, Standing, address, existing, new_address};
use crate::account::{self, AccountAddress, Existing};
use crate::secret::token::{TokenFiles, TokenStore, Tokens};
use crate::verdict::ExitStatus;
use crate::yaml::{self, Item};
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Overwrite an account at the new address
    #[arg(long)]
    force: bool,
    /// The address that it has
    #[arg(value_name = "OLD", allow_hyphen_values = true)]
    old: String,
    /// The address that it gets
    #[arg(value_name = "NEW", allow_hyphen_values = true)]
    new: String,
}

/// Renames it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let (old, new) = (address(&arguments.old)?, new_address(&arguments.new)?);
    let standing = site.standing(&old)?;
    if old.folded() == new.folded() {
        return Err(Failure::usage("both addresses are the same", "name another one"));
    }
    let is_alias = standing.account.address.folded() != old.folded();
    match is_alias {
        true => site.store.put_alias(&new, &standing.account.address, existing(arguments.force))?,
        false => move_account(&site, &standing, &new, arguments.force)?,
    }
    site.store.remove(&old)?;
    output::say(format_args!("{old} is now {new}"));
    Ok(ExitStatus::Ok)
}

/// The account appears under its new address before it goes under the old one: killed between, both stand.
fn move_account(site: &Site, standing: &Standing, new: &AccountAddress, force: bool) -> Result<(), Failure> {
    let account = &standing.account;
    let mut text = standing.text.clone();
    if has_key(&text, "address") || account::is_digest(new) {
        text = yaml::set(&text, "address", Some(&Item::text(new.to_string())))?;
    }
    if !has_key(&text, "login") && new.to_string() != account.login {
        text = yaml::set(&text, "login", Some(&Item::text(&account.login)))?;
        output::say(format_args!("it still logs in as {}", account.login));
    }
    let text = site.sealed_again(account, new, text)?;
    site.put(new, &text, existing(force))?;
    move_tokens(site, &account.address.folded(), &new.folded())?;
    for alias in site.store.aliases(&account.address)?.iter().filter(|alias| alias.folded() != new.folded()) {
        site.store.put_alias(alias, new, Existing::Replace)?;
    }
    Ok(())
}

/// Whether the file says it, in a line of its own.
fn has_key(text: &str, key: &str) -> bool {
    yaml::set(text, key, None).is_ok_and(|without| *without != text)
}

/// What is kept of the account's tokens goes with it. They were got with its login, which stays.
fn move_tokens(site: &Site, old: &str, new: &str) -> Result<(), Failure> {
    let store = TokenFiles::below(&site.config.state);
    let Some(kept) = store.load(old)? else { return Ok(()) };
    let ring = site.ring()?;
    let mut moved = Tokens { account: new.to_owned(), ..kept.clone() };
    // What does not open is of no use to anybody, and is got anew.
    let again = |from, to, text: &str| {
        Ok::<_, Failure>(ring.open(&from, text).ok().map(|secret| ring.seal(&to, &secret)).transpose()?)
    };
    if let Some(refresh) = &kept.refresh {
        moved.refresh = again(kept.refresh_binding(), moved.refresh_binding(), refresh)?;
    }
    if let Some(mut access) = kept.access.clone() {
        let fresh = again(kept.access_binding(), moved.access_binding(), &access.token)?;
        moved.access = fresh.map(|token| {
            access.token = token;
            access
        });
    }
    store.store(&moved)?;
    Ok(store.remove(old)?)
}
