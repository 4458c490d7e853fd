//! By which way a delivery goes.
//!
//! The account's routes, else its provider's, else the configuration's, in their order. A way that is refused or fails
//! before AUTH has risked nothing of the message, so the next one is tried in the same delivery. That is remembered for
//! each provider: what is refused is closed, what leads nowhere is tried last, until one delivery finds that it works
//! again. After AUTH there is no other way: a message never goes out by two.

use super::Relay;
use super::breaker::{Breaker, unreachable};
use super::memory::Memory;
use crate::account::{Account, Server, TlsMode};
use crate::config::{ProxyConfig, RouteConfig, Way};
use crate::secret::SecretString;
use crate::secret::private;
use crate::secret::source::SecretSource;
use crate::state::Subject;
use crate::submission::{Proxy, Route};
use crate::verdict::Outcome;
use crate::wire::text::with_hint;
use secrecy::ExposeSecret;
use std::path::Path;

/// The longest login file that is read, in octets.
const LONGEST_LOGIN: u64 = 4096;

/// The ways of an account, the best first.
///
/// # Errors
/// The [`Outcome`] of an account that names a route which does not exist.
pub(super) fn in_order(
    relay: &Relay,
    account: &Account,
    memory: &mut Memory<'_>,
    breaker: &mut Breaker<'_>,
) -> Result<Vec<RouteConfig>, Outcome> {
    let ways = configured(relay, account)?;
    if ways.len() < 2 {
        return Ok(ways);
    }
    let mut is_last = |way: &RouteConfig| breaker.enter(memory, &unreachable(&subject(way, account)), None).is_err();
    let (last, mut first): (Vec<_>, Vec<_>) = ways.into_iter().partition(|way| is_last(way));
    first.extend(last);
    Ok(first)
}

/// The ways of an account that lead to its provider itself, for a login that is to show its own credentials.
///
/// # Errors
/// As [`in_order`].
pub(super) fn to_provider(relay: &Relay, account: &Account) -> Result<Vec<RouteConfig>, Outcome> {
    let mut ways = configured(relay, account)?;
    ways.retain(|way| !matches!(way.way, Way::Upstream(_)));
    if ways.is_empty() {
        ways.push(direct());
    }
    Ok(ways)
}

fn direct() -> RouteConfig {
    RouteConfig { name: "direct".to_owned(), way: Way::Direct }
}

fn configured(relay: &Relay, account: &Account) -> Result<Vec<RouteConfig>, Outcome> {
    let config = relay.config();
    let routes = &config.routes;
    let of_provider = account.provider.as_deref().map(|name| config.presets.routes_to(name)).unwrap_or_default();
    let (whose, names) = match (account.routes.as_slice(), of_provider) {
        ([], []) if routes.is_empty() => return Ok(vec![direct()]),
        ([], []) => return Ok(routes.clone()),
        ([], names) => (format!("provider {}", account.provider_name()), names),
        (names, _) => (format!("account {}", account.address), names),
    };
    let find = |name: &String| {
        let found = routes.iter().find(|route| route.name == *name).cloned();
        found.or_else(|| (name == "direct").then(direct)).ok_or_else(|| Outcome::Local {
            problem: format!("{whose}: routes: there is no route {name:?} in sendvia.yaml"),
        })
    };
    names.iter().map(find).collect()
}

/// What a way is called in the state: with the provider that it leads to, or the upstream in its place.
pub(super) fn subject(way: &RouteConfig, account: &Account) -> Subject {
    match &way.way {
        Way::Upstream(upstream) => Subject::route(&way.name, &upstream.to_string()),
        _ => Subject::route(&way.name, &provider(account)),
    }
}

/// What the account's provider is called among others: its preset's name, else its server.
pub(super) fn provider(account: &Account) -> String {
    let server = &account.submission;
    account.provider.clone().unwrap_or_else(|| format!("{}:{}", server.host, server.port))
}

/// What its login is called there.
pub(super) fn credentials(way: &RouteConfig, account: &Account) -> Subject {
    match &way.way {
        Way::Upstream(upstream) => Subject::credentials(&upstream.to_string()),
        Way::Direct | Way::Local(_) | Way::Socks5(_) | Way::Connect(_) => {
            Subject::credentials(&account.address.folded())
        }
    }
}

/// The account as this way sees it: an upstream has a server and a login of its own.
///
/// # Errors
/// The [`Outcome`] of a login that can't be read.
pub(super) fn account_by(way: &RouteConfig, account: &Account) -> Result<Account, Outcome> {
    let Way::Upstream(upstream) = &way.way else { return Ok(account.clone()) };
    let (login, password) = login(way, upstream)?.ok_or_else(|| Outcome::Local {
        problem: format!("route {}: an upstream needs a login: name a `login_file`", way.name),
    })?;
    let tls = if upstream.port == 465 { TlsMode::Implicit } else { TlsMode::StartTls };
    Ok(Account {
        login,
        secret: SecretSource::Plain(password),
        provider: None,
        names_server: true,
        submission: Server { host: upstream.host.clone(), port: upstream.port, tls },
        mechanisms: None,
        danger_plaintext_auth: false,
        ..account.clone()
    })
}

/// The way as the submission takes it.
///
/// # Errors
/// The [`Outcome`] of a login that can't be read.
pub(super) fn route(way: &RouteConfig) -> Result<Route, Outcome> {
    let proxy = |configured: &ProxyConfig| {
        Ok(Proxy { host: configured.host.clone(), port: configured.port, login: login(way, configured)? })
    };
    Ok(match &way.way {
        Way::Direct | Way::Upstream(_) => Route::Direct,
        Way::Local(address) => Route::Local(*address),
        Way::Socks5(configured) => Route::Socks5(proxy(configured)?),
        Way::Connect(configured) => Route::Connect(proxy(configured)?),
    })
}

/// `USER:PASSWORD` in the first line of the way's file.
fn login(way: &RouteConfig, proxy: &ProxyConfig) -> Result<Option<(String, SecretString)>, Outcome> {
    let Some(file) = &proxy.login_file else { return Ok(None) };
    read_login(file).map(Some).map_err(|problem| Outcome::Local { problem: format!("route {}: {problem}", way.name) })
}

fn read_login(file: &Path) -> Result<(String, SecretString), String> {
    let octets = private::read(file, LONGEST_LOGIN).map_err(|error| with_hint(&error, error.hint()))?;
    let line = octets.split(|octet| matches!(octet, b'\n' | b'\r')).next().unwrap_or_default();
    let text = std::str::from_utf8(line).ok().map(|line| SecretString::from(line.to_owned()));
    let pair = text.as_ref().and_then(|text| text.expose_secret().split_once(':'));
    let (user, password) = pair.ok_or_else(|| format!("{}: expected USER:PASSWORD", file.display()))?;
    Ok((user.to_owned(), SecretString::from(password.to_owned())))
}
