//! An account that is about to be written for the first time.

use super::super::failure::Failure;
use super::change::Site;
use crate::account::preset::Presets;
use crate::account::{Account, AccountAddress, Existing, Server, TlsMode};
use crate::secret::SecretString;
use crate::secret::key::KeyRing;
use crate::yaml::{self, Item};
use zeroize::Zeroizing;

/// What is known of it.
pub(in crate::cli) struct Draft {
    pub(in crate::cli) address: AccountAddress,
    pub(in crate::cli) login: String,
    pub(in crate::cli) place: Destination,
    pub(in crate::cli) secret: DraftSecret,
    pub(in crate::cli) users: Vec<String>,
}

/// Where it submits: by a provider's name, a server, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Destination {
    pub(in crate::cli) provider: Option<String>,
    pub(in crate::cli) server: Option<Server>,
}

/// Where its secret comes from.
pub(in crate::cli) enum DraftSecret {
    /// A password, which is sealed.
    Password(SecretString),
    /// Another source, as the file writes it.
    Source(Item),
}

impl Destination {
    /// `server`, by the name of the provider that takes submissions there.
    pub(in crate::cli) fn of_server(presets: &Presets, server: Server) -> Destination {
        let preset = presets.of_host(&server.host);
        let is_listed = |one: &Server| one.host.eq_ignore_ascii_case(&server.host) && one.port == server.port;
        let is_known = preset.as_ref().is_some_and(|preset| preset.submission.iter().any(is_listed));
        Destination { provider: preset.map(|preset| preset.name), server: (!is_known).then_some(server) }
    }
}

/// `gmx`, `mail.example.org:587`
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.provider, &self.server) {
            (Some(provider), None) => f.write_str(provider),
            (Some(provider), Some(server)) => write!(f, "{provider} at {server}"),
            (None, Some(server)) => server.fmt(f),
            (None, None) => f.write_str("nowhere"),
        }
    }
}

/// The server that a command line names; port and TLS stand for each other, and for STARTTLS without either.
pub(in crate::cli) fn stated_server(host: String, port: Option<u16>, tls: Option<TlsMode>) -> Server {
    let tls = tls.or(port.map(TlsMode::of_port)).unwrap_or(TlsMode::StartTls);
    Server { host, port: port.unwrap_or(tls.usual_port()), tls }
}

impl Draft {
    /// The file's text, a password sealed by `ring`. `origin` is its first line, a comment.
    pub(in crate::cli) fn text(&self, site: &Site, ring: &KeyRing, origin: &str) -> Result<Zeroizing<String>, Failure> {
        match &self.secret {
            DraftSecret::Source(item) => Ok(self.compose(item.clone(), origin)),
            DraftSecret::Password(password) => {
                let sealed = ring.seal(&self.account(site)?.binding("password"), password)?;
                Ok(self.compose(sealed_item(sealed), origin))
            }
        }
    }

    /// The account that it will be; its password is in it only if it comes from elsewhere.
    pub(in crate::cli) fn account(&self, site: &Site) -> Result<Account, Failure> {
        let secret = match &self.secret {
            DraftSecret::Source(item) => item.clone(),
            DraftSecret::Password(_) => sealed_item("v1"),
        };
        site.read(&self.address, &self.compose(secret, ""))
    }

    /// Writes it.
    pub(in crate::cli) fn write(
        &self,
        site: &Site,
        ring: &KeyRing,
        origin: &str,
        existing: Existing,
    ) -> Result<(), Failure> {
        site.put(&self.address, &self.text(site, ring, origin)?, existing)
    }

    fn compose(&self, secret: Item, origin: &str) -> Zeroizing<String> {
        let mut entries = Vec::new();
        if crate::account::is_digest(&self.address) {
            entries.push(("address", Item::text(self.address.to_string())));
        }
        entries.extend(self.place.provider.iter().map(|name| ("provider", Item::text(name))));
        entries.extend(self.place.server.iter().map(|server| ("submission", server_item(server))));
        if self.login != self.address.to_string() {
            entries.push(("login", Item::text(&self.login)));
        }
        entries.push(("secret", secret));
        if !self.users.is_empty() {
            entries.push(("users", Item::texts(&self.users)));
        }
        yaml::compose(&origin.replace(char::is_control, " "), &entries)
    }
}

/// `{host: .., port: .., tls: ..}`
pub(in crate::cli) fn server_item(server: &Server) -> Item {
    Item::Map(vec![
        ("host", Item::text(&server.host)),
        ("port", Item::Number(server.port.into())),
        ("tls", Item::text(server.tls.to_string())),
    ])
}

fn sealed_item(text: impl AsRef<str>) -> Item {
    Item::Map(vec![("sealed", Item::text(text))])
}
