//! A small, strict submission server: for `sendvia demo`, for trying a set-up without a provider, and for the tests.
//!
//! It behaves as GMX does unless told otherwise: several lines to a reply, no enhanced status codes, no PIPELINING,
//! and the rules that GMX is known for ([`Rule`]). It is strict where a provider is lenient: what breaks the protocol
//! is recorded as a fault, and a message that could smuggle another one is refused. It owns a throw-away CA, the
//! messages it took (files, see [`Kept`]) and a journal of what happened (`events.jsonl`), and is no part of a real
//! delivery: nothing but `cli` and the tests imports it.

mod account;
mod auth;
mod command;
mod connection;
mod dialogue;
mod envelope;
mod header;
mod intake;
mod journal;
mod listener;
mod login;
mod receive;
mod replies;
mod rule;
mod session;
mod tls;
mod transaction;

pub use account::Users;
pub use dialogue::Dialogue;
pub use journal::{Counters, Kept, KeptRecipient};
pub use rule::{Rule, RuleError, Stage};

use journal::Journal;
use rule::RuleBook;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a listener begins TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// By STARTTLS (port 587).
    StartTls,
    /// From the first octet on (port 465).
    Implicit,
    /// Whichever the client begins with: a ClientHello, or silence until the greeting.
    Auto,
    /// Never; AUTH is taken in clear.
    None,
}

/// One address to listen on.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    /// How TLS begins there.
    pub tls: TlsMode,
}

/// What the server says it can do; SIZE, AUTH and STARTTLS are always offered where they apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 2920
    pub pipelining: bool,
    /// RFC 3030
    pub chunking: bool,
    /// RFC 6152
    pub eight_bit_mime: bool,
    /// RFC 6531
    pub smtputf8: bool,
    /// RFC 3461
    pub dsn: bool,
    /// RFC 2034
    pub enhanced_status_codes: bool,
}

/// A SASL mechanism that the server can offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 4616
    Plain,
    /// The old one of two prompts.
    Login,
    /// Google's, an access token in place of the password.
    XOAuth2,
    /// RFC 7628, likewise.
    OAuthBearer,
}

/// How to run the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listeners: Vec<Listener>,
    /// Where messages and the journal are kept; made if missing.
    pub dir: PathBuf,
    /// Whom to let in.
    pub users: Users,
    /// The rules in force from the start.
    pub rules: Vec<Rule>,
    /// A file whose lines are more rules, read anew whenever a rule is looked up.
    pub rules_file: Option<PathBuf>,
    /// What EHLO offers.
    pub extensions: Extensions,
    /// The mechanisms that EHLO offers, in this order.
    pub mechanisms: Vec<Mechanism>,
    /// Names for which the certificate is good, beside `localhost` and the loopback addresses.
    pub names: Vec<String>,
    /// Whether messages are counted but not kept.
    pub discard: bool,
    /// Where every line spoken goes.
    pub dialogue: Option<Dialogue>,
}

/// Why the server can't start.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// An address can't be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The directory for the messages can't be made or written.
    #[error("{}: {source}", path.display())]
    Directory {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The throw-away CA can't be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
}

/// What all sessions share.
struct Shared {
    rules: RuleBook,
    users: Users,
    extensions: Extensions,
    mechanisms: Vec<Mechanism>,
    journal: Journal,
    acceptor: tokio_rustls::TlsAcceptor,
    dialogue: Option<Dialogue>,
}

/// A running server. Dropping it stops it.
pub struct Sandbox {
    addresses: Vec<(TlsMode, SocketAddr)>,
    ca_pem: String,
    dir: PathBuf,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Options {
    /// GMX as its captures show it, on two ports of the loopback address that the system chooses (STARTTLS and
    /// implicit TLS), with GMX's rules, letting in any login; messages are kept below `dir`.
    pub fn gmx(dir: &Path) -> Options {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options {
            listeners: vec![
                Listener { address: loopback, tls: TlsMode::StartTls },
                Listener { address: loopback, tls: TlsMode::Implicit },
            ],
            dir: dir.to_owned(),
            users: Users::anyone(),
            rules: Rule::of_gmx(),
            rules_file: None,
            extensions: Extensions::default(),
            mechanisms: vec![Mechanism::Login, Mechanism::Plain],
            names: Vec::new(),
            discard: false,
            dialogue: None,
        }
    }
}

impl Sandbox {
    /// Starts the server on the current runtime. When this returns, its addresses accept connections.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub async fn start(options: Options) -> Result<Sandbox, SandboxError> {
        let journal = Journal::open(&options.dir, options.discard)
            .map_err(|source| SandboxError::Directory { path: options.dir.clone(), source })?;
        let tls::Throwaway { ca_pem, acceptor } = tls::throwaway(&options.names, &options.listeners)?;
        let shared = Arc::new(Shared {
            rules: RuleBook::new(options.rules, options.rules_file),
            users: options.users,
            extensions: options.extensions,
            mechanisms: options.mechanisms,
            journal,
            acceptor,
            dialogue: options.dialogue,
        });
        let (stop, stopping) = watch::channel(false);
        let (mut addresses, mut listeners) = (Vec::new(), JoinSet::new());
        for listener in options.listeners {
            let (address, socket) = listener::bind(listener.address).await?;
            addresses.push((listener.tls, address));
            listeners.spawn(listener::serve(socket, listener.tls, Arc::clone(&shared), stopping.clone()));
        }
        Ok(Sandbox { addresses, ca_pem, dir: options.dir, shared, stop, listeners })
    }

    /// Every address listened on, in the order of the options.
    pub fn addresses(&self) -> &[(TlsMode, SocketAddr)] {
        &self.addresses
    }

    /// The first address with this kind of TLS.
    pub fn address(&self, tls: TlsMode) -> Option<SocketAddr> {
        self.addresses.iter().find(|(mode, _)| *mode == tls).map(|(_, address)| *address)
    }

    /// The certificate of the throw-away CA, to be trusted by a client.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Where messages and the journal are kept.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The messages taken so far.
    pub fn messages(&self) -> Vec<Kept> {
        self.shared.journal.messages()
    }

    /// What broke the protocol so far, in words.
    pub fn faults(&self) -> Vec<String> {
        self.shared.journal.faults()
    }

    /// How often things happened so far.
    pub fn counters(&self) -> Counters {
        self.shared.journal.counters()
    }

    /// Replaces the rules; sessions under way heed the new ones from their next command on.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        self.shared.rules.replace(rules);
    }

    /// Replaces whom to let in.
    pub fn users(&self) -> &Users {
        &self.shared.users
    }

    /// Waits until `done` holds of the counters; looks again at each event.
    pub async fn wait_until(&self, done: impl Fn(&Counters) -> bool) {
        self.shared.journal.wait_until(done).await;
    }

    /// Stops listening and cuts the sessions under way.
    pub async fn stop(mut self) {
        // The receivers' side may be gone already; then there is nothing to stop.
        let _ = self.stop.send(true);
        while self.listeners.join_next().await.is_some() {}
    }
}

impl TlsMode {
    /// The name used on the command line and in the ready line.
    pub fn name(self) -> &'static str {
        match self {
            TlsMode::StartTls => "starttls",
            TlsMode::Implicit => "implicit",
            TlsMode::Auto => "auto",
            TlsMode::None => "none",
        }
    }
}

impl Mechanism {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
        }
    }
}

#[cfg(test)]
mod tests;
