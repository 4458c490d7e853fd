//! `sendvia account add`: finds the provider, takes the secret, proves it by a login, and writes the account sealed.

use super::super::failure::Failure;
use super::super::progress::Waiting;
use super::super::settings::Settings;
use super::super::{ask, output, runtime};
use super::change::{Site, existing, new_address};
use super::consent::{self, Consent, Registration};
use super::discover::{self, Found};
use super::draft::{Destination, Draft, DraftSecret, stated_server};
use super::proof::Diagnosis;
use crate::account::preset::Preset;
use crate::account::{Account, AccountAddress, TlsMode};
use crate::relay::Relay;
use crate::secret::SecretString;
use crate::secret::oauth::provider::Provider;
use crate::verdict::ExitStatus;
use crate::wire::sasl::Mechanism;
use clap::Args;
use std::path::PathBuf;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The provider's name, instead of looking for it
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The submission server, instead of looking for it
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Its port; 465 for implicit TLS, else 587
    #[arg(long, value_name = "PORT", requires = "host")]
    port: Option<u16>,
    /// implicit, starttls or none; what the port stands for if not given
    #[arg(long, value_name = "MODE", requires = "host")]
    tls: Option<TlsMode>,
    /// The authentication identity, where it is not the address
    #[arg(long, value_name = "LOGIN", allow_hyphen_values = true)]
    login: Option<String>,
    /// Who may use the account, separated by commas: SASL logins, unix:NAME, *
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    users: Vec<String>,
    /// Take the password from the first line of this file, - for standard input, instead of asking
    #[arg(long, value_name = "FILE|-")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    registration: Registration,
    /// Write the account without a login that proves the password
    #[arg(long)]
    no_verify: bool,
    /// Show what would be done; ask for nothing, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite an account that is there
    #[arg(long)]
    force: bool,
    /// The account's address, or @ and a domain
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    address: String,
}

/// Adds the account.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.settings)?;
    let address = new_address(&arguments.address)?;
    if !arguments.force && site.store.text(&address)?.is_some() {
        let problem = format!("there is an account {address} already");
        return Err(Failure::new(problem).hint(format!("`sendvia account set-secret {address}`, or `--force`")));
    }
    let found = place(arguments, &site, &address)?;
    let login = login(arguments, &found, &address)?;
    output::say(format_args!("{address}: {} as {login} ({})", found.place, found.source));
    let preset = site.preset(found.place.provider.as_deref());
    preset.iter().filter_map(|preset| preset.note.as_ref()).for_each(|note| output::say(format_args!("note: {note}")));
    if arguments.dry_run {
        output::say("nothing was written: --dry-run");
        return Ok(ExitStatus::Ok);
    }
    if !found.is_sure && !ask::agree(&format!("Send the password to {}?", found.place), "--provider NAME")? {
        return Ok(ExitStatus::No);
    }
    let secret = DraftSecret::Password(SecretString::from(""));
    let mut draft = Draft { address, login, place: found.place, secret, users: arguments.users.clone() };
    match arguments.registration.client_id.is_some() {
        true => with_tokens(arguments, &site, preset.as_ref(), &mut draft)?,
        false => with_password(arguments, &site, preset.as_ref(), &mut draft)?,
    }
    Ok(ExitStatus::Ok)
}

fn place(arguments: &Arguments, site: &Site, address: &AccountAddress) -> Result<Found, Failure> {
    let presets = &site.config.presets;
    let provider = match &arguments.provider {
        None => None,
        Some(name) => Some(presets.find(name).ok_or_else(|| {
            let names: Vec<String> = presets.all().into_iter().map(|preset| preset.name).collect();
            Failure::usage(format_args!("no provider is called {name}"), format!("known: {}", names.join(", ")))
        })?),
    };
    if provider.is_none() && arguments.host.is_none() {
        return discover::find(&site.config, address, ask::is_possible());
    }
    let server = arguments.host.as_ref().map(|host| stated_server(host.to_lowercase(), arguments.port, arguments.tls));
    let place = Destination { provider: provider.map(|preset| preset.name), server };
    Ok(Found { place, login: None, source: "as you say".to_owned(), is_sure: true })
}

/// The address, unless something else is said; a domain's account must be told.
fn login(arguments: &Arguments, found: &Found, address: &AccountAddress) -> Result<String, Failure> {
    match (&arguments.login, &found.login, address) {
        (Some(login), _, _) => Ok(login.clone()),
        (None, Some(login), AccountAddress::Mailbox(_)) => Ok(login.clone()),
        (None, None, AccountAddress::Mailbox(mailbox)) => Ok(mailbox.to_string()),
        (None, _, AccountAddress::Domain(_)) => {
            Err(Failure::usage("a domain's account has no address to log in with", "`--login LOGIN`"))
        }
    }
}

fn with_password(
    arguments: &Arguments,
    site: &Site,
    preset: Option<&Preset>,
    draft: &mut Draft,
) -> Result<(), Failure> {
    if let Some(preset) = preset.filter(|preset| wants_tokens(preset)) {
        let hint = "register an application there, and add `--client-id ID`";
        return Err(Failure::usage(format_args!("{} takes OAuth 2.0 tokens only", preset.name), hint));
    }
    // What is wrong with everything else is told before a password is asked for.
    let account = draft.account(site)?;
    let password = ask::secret(arguments.secret_file.as_deref(), &format!("Password of {}", draft.login))?;
    if !arguments.no_verify {
        prove(site, &account, preset, &password)?;
    }
    draft.secret = DraftSecret::Password(password);
    write(arguments, site, draft)
}

fn wants_tokens(preset: &Preset) -> bool {
    preset.mechanisms.as_ref().is_some_and(|mechanisms| Mechanism::all_take_tokens(mechanisms))
}

/// A person agrees in a browser; the refresh token is what is sealed.
fn with_tokens(arguments: &Arguments, site: &Site, preset: Option<&Preset>, draft: &mut Draft) -> Result<(), Failure> {
    let name = draft.place.provider.clone().unwrap_or_default();
    if Provider::find(&name).is_none() && arguments.registration.token_endpoint.is_none() {
        let problem = format!("no token endpoint is known for {}", draft.place);
        return Err(Failure::usage(
            problem,
            "`--token-endpoint URL`, with `--device-endpoint` or `--authorization-endpoint`",
        ));
    }
    let ring = site.ring_for_sealing()?;
    draft.secret = DraftSecret::Source(arguments.registration.item(None, None));
    let bare = draft.account(site)?;
    let Consent { granted, client_secret } = consent::ask(
        site,
        &bare,
        &arguments.registration.renewal,
        arguments.registration.client_secret_file.as_deref(),
    )?;
    if !arguments.no_verify {
        prove(site, &bare, preset, &granted.access)?;
    }
    let sealed = consent::sealed(&bare, &ring, &granted, client_secret.as_ref())?;
    draft.secret = DraftSecret::Source(arguments.registration.item(sealed.client_secret, sealed.refresh_token));
    let account = draft.account(site)?;
    write(arguments, site, draft)?;
    consent::adopt(site, &account, &granted, granted.refresh.is_some())
}

/// Logs in, and says so.
pub(super) fn prove(
    site: &Site,
    account: &Account,
    preset: Option<&Preset>,
    secret: &SecretString,
) -> Result<(), Failure> {
    let relay = Relay::new(site.config.clone());
    let waiting = Waiting::new("logging in");
    let proven = runtime::block_on(relay.prove(account, Some(secret)))?;
    drop(waiting);
    match proven {
        Ok(proven) => {
            output::say(format_args!("logged in at {} by {}", proven.peer, proven.mechanism));
            Ok(())
        }
        Err(unproven) => Err(Diagnosis::of(account, preset, &unproven).into_failure()),
    }
}

fn write(arguments: &Arguments, site: &Site, draft: &Draft) -> Result<(), Failure> {
    let ring = site.ring_for_sealing()?;
    draft.write(site, &ring, "written by sendvia account add", existing(arguments.force))?;
    output::say(format_args!("{} is written to {}", draft.address, site.config.accounts));
    if draft.users.is_empty() {
        output::say("nobody may use it yet: list who may under `users:`, or add it with `--users LIST`");
    }
    Ok(())
}
