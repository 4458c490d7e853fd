//! `sendvia account set-secret`: another password, sealed.

use super::super::failure::Failure;
use super::super::settings::Settings;
use super::super::{ask, output};
use super::change::{Site, address, with_sealed};
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
        let problem = format!("{own} logs in with OAuth 2.0 tokens, and has no password");
        return Err(Failure::usage(problem, format!("`sendvia account add {own} --force` makes it anew")));
    }
    let secret = ask::secret(arguments.secret_file.as_deref(), &format!("Password of {own}"))?;
    let ring = site.ring_for_sealing()?;
    let text = with_sealed(&standing.text, &ring, &standing.account.binding("password"), &secret)?;
    site.put(own, &text, Existing::Replace)?;
    output::say(format_args!("{own}: the secret is sealed with key {}", ring.sealing().id()));
    Ok(ExitStatus::Ok)
}
