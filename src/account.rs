//! What an account is, where accounts are kept, and what is known of the providers.
//!
//! - [`Account`]: an address, the login and secret at its provider, and who may use it.
//! - [`Store`]: finds the account of a sender; [`open`] gives the store that the configuration names.
//! - [`preset`]: providers' servers and rules, as data with sources.
//! - [`refusal`]: what providers' replies mean.
//!
//! Which delivery uses an account is decided in `relay`; nothing here connects anywhere.

mod address;
mod by_login;
mod directory;
mod error;
mod file;
mod file_stamp;
mod name;
pub mod preset;
pub mod refusal;
mod server;
mod sqlite;
mod store;
mod submitter;
#[cfg(test)]
mod suite;
mod terms;

pub use address::AccountAddress;
pub use by_login::by_login;
pub use directory::Directory;
pub use error::AccountError;
pub use file::{Context, read as read_file};
pub use file_stamp::FileStamp;
pub use name::{is_digest_of as is_digest, of as file_name};
pub use server::{Server, TlsMode, UnknownTlsMode};
pub use sqlite::Sqlite;
pub use store::{Existing, Found, Place, Rule, Store, Surveyed, Written, open};
pub use submitter::{Authorise, Submitter, User};
pub use terms::{
    ENVELOPE_FROM_RULES, EnvelopeFromRule, HEADER_FROM_RULES, HeaderFromRule, RECEIVED, Received, USER_AGENT, UserAgent,
};

use crate::secret::SecretSource;
use crate::secret::sealed::{Binding, Destination};
use crate::wire::mailbox::Mailbox;
use crate::wire::sasl::Mechanism;
use std::path::PathBuf;

/// One account at a provider, with all that a delivery needs to know of it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whose account it is; for an alias, the address of its target.
    pub address: AccountAddress,
    /// The authentication identity.
    pub login: String,
    /// The preset's name, where the account names a provider.
    pub provider: Option<String>,
    /// Where to submit.
    pub submission: Server,
    /// Whether the file itself names the server, rather than leaving it to the provider's preset.
    pub names_server: bool,
    /// Where the password or token comes from.
    pub secret: SecretSource,
    /// Who may use it. Nobody, unless listed.
    pub users: Vec<User>,
    /// Addresses that may stand in the header From beside the login.
    pub identities: Vec<Mailbox>,
    /// What is done about a header From that is not the account's.
    pub header_from: HeaderFromRule,
    /// What is done about a reverse-path that is not the account's.
    pub envelope_from: EnvelopeFromRule,
    /// These SASL mechanisms only, if named.
    pub mechanisms: Option<Vec<Mechanism>>,
    /// Switched off: its mail is deferred.
    pub disabled: bool,
    /// What happens to fields that tell where the customer is.
    pub received: Received,
    /// What happens to fields that name the customer's mail program.
    pub user_agent: UserAgent,
    /// Whether the password may cross a connection without TLS to a host that is not this one.
    pub danger_plaintext_auth: bool,
    /// The names of routes to try in this order instead of the configuration's.
    pub routes: Vec<String>,
    /// Limits that stand instead of the preset's.
    pub limits: preset::Limits,
    /// The file it was read from, after symlinks.
    pub origin: PathBuf,
    /// The Unix user who owns that file, and so may use the account at a shell.
    pub owner_uid: Option<u32>,
    /// Where its aliases are.
    pub(crate) aliases: Aliases,
}

/// How an account's other addresses are known.
#[derive(Clone, Debug)]
pub(crate) enum Aliases {
    /// Symlinks to its file in this directory, looked up when asked for.
    Symlinks(PathBuf),
    /// These, folded.
    Listed(Vec<String>),
}

impl Default for Aliases {
    fn default() -> Aliases {
        Aliases::Listed(Vec::new())
    }
}

impl Account {
    /// Whether `submitter` may use this account. `authorise: mta` leaves that to the MTA, which knows nothing of the
    /// Unix users at this host: they are asked for in any case.
    pub fn admits(&self, submitter: &Submitter, authorise: Authorise) -> bool {
        match submitter {
            Submitter::UnixUser { uid, .. } if self.owner_uid == Some(*uid) => true,
            Submitter::UnixUser { .. } => self.users.iter().any(|user| user.includes(submitter)),
            Submitter::Nobody | Submitter::Login(_) => {
                authorise == Authorise::Mta || self.users.iter().any(|user| user.includes(submitter))
            }
        }
    }

    /// Whether `address` may stand in the header From: the login, what `identities` lists, an alias; the account's own
    /// address where the login is not one, and every address of its domain where it serves a domain.
    pub fn is_identity(&self, address: &Mailbox) -> bool {
        let folded = address.folded();
        self.own_address().folded() == folded
            || self.identities.iter().any(|identity| identity.folded() == folded)
            || self.address.covers(address)
            || self.is_alias(&folded)
    }

    /// The address that the provider takes as this account's: the login where it is an address, else the account's own,
    /// else the first of its identities.
    pub fn own_address(&self) -> Mailbox {
        self.login_address()
            .or_else(|| self.address.mailbox().cloned())
            .or_else(|| self.identities.first().cloned())
            .unwrap_or_else(|| self.address.postmaster())
    }

    /// The login, where it is an address.
    pub fn login_address(&self) -> Option<Mailbox> {
        Mailbox::parse(&self.login).ok().filter(|mailbox| !mailbox.domain().is_empty())
    }

    /// What the account's secret `field` is sealed for: this account, this login, and this place to send it to.
    pub fn binding(&self, field: &str) -> Binding {
        let server = &self.submission;
        let destination = match &self.provider {
            Some(provider) if !self.names_server => Destination::Provider(provider.clone()),
            _ => Destination::Server { host: server.host.clone(), port: server.port, tls: server.tls.to_string() },
        };
        Binding { account: self.address.folded(), field: field.to_owned(), login: self.login.clone(), destination }
    }

    /// Every sealed text of its secret, with what that is sealed for.
    pub fn sealed(&self) -> Vec<(Binding, &str)> {
        let binding = self.binding("password");
        match &self.secret {
            SecretSource::Sealed(text) => vec![(binding, text.as_str())],
            SecretSource::OAuth(oauth) => oauth.sealed(&binding),
            _ => Vec::new(),
        }
    }

    /// The provider's name for logs and verdicts: the preset's, else the server's.
    pub fn provider_name(&self) -> &str {
        self.provider.as_deref().unwrap_or(&self.submission.host)
    }

    /// Whether the address, folded, is an alias.
    fn is_alias(&self, folded: &str) -> bool {
        let directory = match &self.aliases {
            Aliases::Listed(aliases) => return aliases.iter().any(|alias| alias == folded),
            Aliases::Symlinks(directory) => directory,
        };
        let Ok(address) = Mailbox::parse(folded) else { return false };
        let name = name::of_mailbox(&address);
        let is_target = self.origin.file_name().is_some_and(|own| *own == *name);
        !is_target && std::fs::canonicalize(directory.join(name)).is_ok_and(|target| target == self.origin)
    }
}
