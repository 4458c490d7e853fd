//! A person's consent to OAuth 2.0: by a code that is typed anywhere (RFC 8628), or by a browser (RFC 7636).

use super::super::failure::Failure;
use super::super::{ask, output, runtime};
use super::change::Site;
use crate::account::Account;
use crate::secret::http::HttpClient;
use crate::secret::key::KeyRing;
use crate::secret::oauth::{Client, ClientSecrets, Granted, OAuthSource, code, device};
use crate::secret::{SecretSource, SecretString, source};
use crate::state::{self, Clock, Ledger, Subject};
use crate::verdict::ExitStatus;
use crate::yaml::Item;
use clap::Args;
use std::path::{Path, PathBuf};

/// The site's application, as it is registered at the provider.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Registration {
    /// Log in with OAuth 2.0, as the application of this id that you registered at the provider
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) client_id: Option<String>,
    /// The file of the application's secret, where it has one
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(super) client_secret_file: Option<PathBuf>,
    /// The directory at Microsoft
    #[arg(long, value_name = "TENANT", requires = "client_id")]
    tenant: Option<String>,
    /// The token endpoint of a provider that sendvia does not know
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) token_endpoint: Option<String>,
    /// Its device authorization endpoint, for a code that is typed anywhere
    #[arg(long, value_name = "URL", requires = "token_endpoint")]
    device_endpoint: Option<String>,
    /// Its authorization endpoint, for a browser
    #[arg(long, value_name = "URL", requires = "token_endpoint")]
    authorization_endpoint: Option<String>,
    /// What is asked for, where that is not the provider's usual scope
    #[arg(long, value_name = "SCOPE", requires = "client_id")]
    scope: Option<String>,
    #[command(flatten)]
    pub(super) renewal: Renewal,
}

/// How a person agrees.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Renewal {
    /// Agree to OAuth 2.0 in a browser even where a code could be typed
    #[arg(long)]
    browser: bool,
}

/// What a person agreed to.
pub(super) struct Consent {
    pub(super) granted: Granted,
    pub(super) client_secret: Option<SecretString>,
}

/// Secrets as the account's file holds them.
pub(super) struct Sealed {
    pub(super) client_secret: Option<String>,
    pub(super) refresh_token: Option<String>,
}

impl Registration {
    /// `{oauth: {...}}`; whether there is a client secret must be known before it is sealed.
    pub(super) fn item(&self, client_secret: Option<String>, refresh_token: Option<String>) -> Item {
        let mut entries = Vec::new();
        let stated = [
            ("client_id", &self.client_id),
            ("tenant", &self.tenant),
            ("token_endpoint", &self.token_endpoint),
            ("device_endpoint", &self.device_endpoint),
            ("authorization_endpoint", &self.authorization_endpoint),
            ("scope", &self.scope),
        ];
        entries.extend(stated.into_iter().filter_map(|(key, value)| Some((key, Item::text(value.as_ref()?)))));
        let sealed = |text: String| Item::Map(vec![("sealed", Item::text(text))]);
        entries.extend(client_secret.map(|text| ("client_secret", sealed(text))));
        entries.extend(refresh_token.map(|text| ("refresh_token", sealed(text))));
        Item::Map(vec![("oauth", Item::Map(entries))])
    }
}

/// The account's OAuth 2.0 settings.
fn settings(account: &Account) -> Result<&OAuthSource, Failure> {
    match &account.secret {
        SecretSource::OAuth(oauth) => Ok(oauth),
        _ => Err(Failure::usage(
            format_args!("{} logs in with a password, and has no tokens", account.address),
            "`sendvia account add ADDRESS --client-id ID` makes an account that has",
        )),
    }
}

/// Asks the person. The application's secret comes from `file`, else from the account.
pub(super) fn ask(site: &Site, account: &Account, renewal: &Renewal, file: Option<&Path>) -> Result<Consent, Failure> {
    let oauth = settings(account)?;
    let custody = site.config.custody();
    let binding = account.binding("password");
    runtime::block_on(async {
        let client_secret = match file {
            Some(file) => Some(source::first_line(file)?),
            None => oauth.secrets(custody.vault(), &binding).client_secret().await.map_err(Failure::new)?,
        };
        let (http, client) = (custody.http(), &oauth.client);
        let granted = match client.device_endpoint.is_some() && !renewal.browser {
            true => by_code(http, client, client_secret.as_ref()).await?,
            false => by_browser(http, client, client_secret.as_ref(), &account.login).await?,
        };
        Ok(Consent { granted, client_secret })
    })?
}

async fn by_code(http: &HttpClient, client: &Client, secret: Option<&SecretString>) -> Result<Granted, Failure> {
    let refused = |error: device::DeviceError| Failure::new(error).status(ExitStatus::NoPermission);
    let code = device::begin(http, client, secret).await.map_err(refused)?;
    output::say(format_args!("open {} and enter the code {}", code.verification_uri, code.user_code));
    if let Some(complete) = &code.verification_uri_complete {
        output::say(format_args!("or open {complete}"));
    }
    device::wait(http, client, secret, &code).await.map_err(refused)
}

/// The browser comes back to this host, or the person pastes where it ended.
async fn by_browser(
    http: &HttpClient,
    client: &Client,
    secret: Option<&SecretString>,
    login: &str,
) -> Result<Granted, Failure> {
    let refused = |error: code::CodeError| Failure::new(error).status(ExitStatus::NoPermission);
    let authorization = code::begin(client, login).await.map_err(refused)?;
    output::say(format_args!("open {}", authorization.url));
    let code = match ask::is_possible() {
        false => authorization.arrival().await.map_err(refused)?,
        true => {
            output::say("if the browser is on another machine, paste the URL that it ends on here:");
            let pasted = tokio::task::spawn_blocking(|| ask::line(""));
            tokio::select! {
                code = authorization.arrival() => code.map_err(refused)?,
                line = pasted => {
                    let line = line.map_err(|_| Failure::new("standard input can't be read"))??;
                    authorization.pasted(&line).map_err(refused)?
                }
            }
        }
    };
    authorization.redeem(http, client, secret, &code).await.map_err(refused)
}

/// Seals what the account's file is to hold.
pub(super) fn sealed(
    account: &Account,
    ring: &KeyRing,
    granted: &Granted,
    client_secret: Option<&SecretString>,
) -> Result<Sealed, Failure> {
    let oauth = settings(account)?;
    let binding = account.binding("password");
    let seal = |secret: Option<&SecretString>, binding| secret.map(|secret| ring.seal(&binding, secret)).transpose();
    Ok(Sealed {
        client_secret: seal(client_secret, oauth.client_secret_binding(&binding))?,
        refresh_token: seal(granted.refresh.as_ref(), oauth.refresh_binding(&binding))?,
    })
}

/// Keeps the access token, too, so that the first delivery need not ask for one.
pub(super) fn adopt(site: &Site, account: &Account, granted: &Granted, in_file: bool) -> Result<(), Failure> {
    let oauth = settings(account)?;
    let custody = site.config.custody();
    let binding = account.binding("password");
    runtime::block_on(custody.adopt(oauth, &binding, granted, in_file))??;
    // Tokens change by themselves, so a delivery can't tell that these are new ones. Without a state nothing was closed.
    let state = state::Sqlite::new(&site.config.state, Clock::System);
    let _ = state.lift(&Subject::credentials(&account.address.folded()));
    Ok(())
}
