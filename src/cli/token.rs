//! `sendvia token`: an account's OAuth 2.0 access token, for other programs of whoever may read the account and the key.

use super::account::change::{Site, address};
use super::failure::{Failure, finish};
use super::progress::Waiting;
use super::settings::Settings;
use super::{output, runtime};
use crate::secret::{ExposeSecret, SecretSource};
use crate::verdict::ExitStatus;
use clap::Args;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The account's address
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Prints the token, renewed if need be.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    finish(print(arguments))
}

fn print(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let account = site.standing(&address(&arguments.address)?)?.account;
    if !matches!(account.secret, SecretSource::OAuth(_)) {
        let problem = format!("{} has no OAuth 2.0 token, and passwords are not printed", account.address);
        return Err(Failure::usage(problem, "`sendvia account show ADDRESS` tells where its secret comes from"));
    }
    let custody = site.config.custody();
    let waiting = Waiting::new("asking for a token");
    let token = runtime::block_on(custody.secret(&account.secret, &account.binding("password")))??;
    drop(waiting);
    output::say(token.expose_secret());
    Ok(ExitStatus::Ok)
}
