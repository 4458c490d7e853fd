//! `sendvia account set-secret`: another password, proven and sealed; or a person's new consent, where the account has
//! OAuth 2.0 tokens.

use super::super::failure::Failure;
use super::super::settings::Settings;
use super::super::{ask, output};
use super::add;
use super::change::{Site, Standing, address, with_sealed};
use super::consent::{self, Consent, Renewal};
use crate::account::Existing;
use crate::secret::SecretSource;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::PathBuf;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Take the password from the first line of this file, - for standard input, instead of asking
    #[arg(long, value_name = "FILE|-")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    renewal: Renewal,
    /// Write the secret without a login that proves it
    #[arg(long)]
    no_verify: bool,
    /// The account's address
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Sets the secret.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let standing = site.standing(&address(&arguments.address)?)?;
    let own = &standing.account.address;
    if matches!(standing.account.secret, SecretSource::OAuth(_)) {
        return consent_again(arguments, &site, &standing);
    }
    let secret = ask::secret(arguments.secret_file.as_deref(), &format!("Password of {own}"))?;
    if !arguments.no_verify {
        add::prove(&site, &standing.account, site.preset(standing.account.provider.as_deref()).as_ref(), &secret)?;
    }
    let ring = site.ring_for_sealing()?;
    let text = with_sealed(&standing.text, &ring, &standing.account.binding("password"), &secret)?;
    site.put(own, &text, Existing::Replace)?;
    output::say(format_args!("{own}: the secret is sealed with key {}", ring.sealing().id()));
    Ok(ExitStatus::Ok)
}

/// A refresh token that stands sealed in the file is replaced there; else the state keeps it.
fn consent_again(arguments: &Arguments, site: &Site, standing: &Standing) -> Result<ExitStatus, Failure> {
    let account = &standing.account;
    let ring = site.ring_for_sealing()?;
    let Consent { granted, .. } = consent::ask(site, account, &arguments.renewal, None)?;
    if !arguments.no_verify {
        add::prove(site, account, site.preset(account.provider.as_deref()).as_ref(), &granted.access)?;
    }
    let old = account.sealed().into_iter().find(|(binding, _)| binding.field == "refresh-token");
    let fresh = consent::sealed(account, &ring, &granted, None)?.refresh_token;
    let in_file = match (old, fresh) {
        (Some((_, old)), Some(fresh)) => {
            site.put(&account.address, &standing.text.replace(old, &fresh), Existing::Replace)?;
            true
        }
        _ => false,
    };
    consent::adopt(site, account, &granted, in_file)?;
    output::say(format_args!("{}: the consent is kept", account.address));
    Ok(ExitStatus::Ok)
}
