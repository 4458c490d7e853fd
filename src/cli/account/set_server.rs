//! `sendvia account set-server`: another provider or server for an account. A secret sealed for the old one is sealed for
//! the new one: the administrator says so here, while whoever merely edits the file collects no password.

use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;
use super::change::{Site, address};
use super::draft::{server_item, stated_server};
use crate::account::{Existing, TlsMode};
use crate::verdict::ExitStatus;
use crate::yaml::{self, Item};
use clap::Args;
use zeroize::Zeroizing;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The provider's name; its server, unless a host is named
    #[arg(long, value_name = "NAME", required_unless_present = "host")]
    provider: Option<String>,
    /// The server's name or address
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Its port; 465 for implicit TLS, else 587
    #[arg(long, value_name = "PORT", requires = "host")]
    port: Option<u16>,
    /// implicit, starttls or none; what the port stands for if not given
    #[arg(long, value_name = "MODE", requires = "host")]
    tls: Option<TlsMode>,
    /// The account's address
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Sets the server.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let standing = site.standing(&address(&arguments.address)?)?;
    let own = &standing.account.address;
    let text = edited(arguments, standing.text)?;
    let text = site.sealed_again(&standing.account, own, text)?;
    site.put(own, &text, Existing::Replace)?;
    let account = site.standing(own)?.account;
    output::say(format_args!("{own}: {}, tls {}", account.submission, account.submission.tls));
    Ok(ExitStatus::Ok)
}

fn edited(arguments: &Arguments, text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    let provider = arguments.provider.as_ref().map(Item::text);
    let text = yaml::set(&text, "provider", provider.as_ref())?;
    let server =
        arguments.host.as_ref().map(|host| server_item(&stated_server(host.clone(), arguments.port, arguments.tls)));
    Ok(yaml::set(&text, "submission", server.as_ref())?)
}
