//! The SMTP client (RFC 5321, RFC 6409): connection, TLS, SASL, transactions, and the stage of every reply.
//!
//! A session's life is a chain of types: [`connect`] gives a [`Greeted`] session, which is [secured](Greeted::secure), then
//! [authenticated](Secured::authenticate); only an [`Authenticated`] one has a way to send. It carries transaction after
//! transaction, and tells when its server closed it. Nothing here knows what an account is.
//!
//! ```
//! use sendvia::submission::{Authenticated, Credentials, Dial, Failure, Greeted, Secured};
//!
//! async fn log_in(greeted: Greeted, dial: &Dial, credentials: &Credentials) -> Result<Authenticated, Failure> {
//!     greeted.secure(dial).await?.authenticate(credentials).await
//! }
//! ```
//!
//! A password can't go out over a session that is not secured, nor a message over one that is not logged in:
//!
//! ```compile_fail,E0599
//! # use sendvia::submission::{Authenticated, Credentials, Failure, Greeted};
//! async fn log_in(greeted: Greeted, credentials: &Credentials) -> Result<Authenticated, Failure> {
//!     greeted.authenticate(credentials).await
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use sendvia::message::Message;
//! # use sendvia::submission::{Recipients, Secured};
//! # use sendvia::wire::envelope::Envelope;
//! async fn send(mut secured: Secured, envelope: &Envelope, message: &Message) {
//!     let _ = secured.send(envelope, message, Recipients::PerRecipient, &|| Ok(())).await;
//! }
//! ```
//!
//! A round trip is what a delivery costs: what a server allows to be sent together goes out in one write, and what it
//! does not allow never goes out early.

mod chat;
mod command;
mod content;
pub mod credentials;
mod failure;
mod happy_eyeballs;
mod local;
pub mod pool;
mod route;
mod sasl;
mod session;
mod stream;
mod survey;
mod tls;
mod transaction;

pub use credentials::{Credentials, Proof};
pub use failure::{Failure, FailureKind};
pub use local::Local;
pub use route::{Proxy, Route};
pub use session::{Authenticated, Greeted, Secured, connect, login};
pub use survey::{Survey, TlsSeen, addresses, survey};
pub use tls::TlsTrust;
pub use transaction::{IsWhole, RecipientOutcome, Recipients};

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// How a session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first octet (RFC 8314 section 3.3).
    Implicit,
    /// STARTTLS (RFC 3207), demanded.
    StartTls,
    /// None; then a password only crosses to this very host, unless danger is asked for.
    None,
}

/// A submission server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name in A-labels, or an address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the session is protected.
    pub protection: Protection,
}

/// Everything that a session needs before its login.
pub struct Dial {
    /// Where to.
    pub endpoint: Endpoint,
    /// By which way.
    pub route: Arc<Route>,
    /// Whom to believe.
    pub trust: Arc<TlsTrust>,
    /// Our name in EHLO: a domain name or an address literal.
    pub ehlo_name: String,
    /// Limits of each wait.
    pub timeouts: Timeouts,
    /// When all of it must be over.
    pub deadline: Option<Instant>,
    /// Whether a password may cross an unprotected connection to another host.
    pub danger_plaintext_auth: bool,
    /// Gets every line of the dialogue behind `C: ` or `S: `, secrets hidden.
    pub dialogue: Option<UnboundedSender<String>>,
}

/// Time limits of the waits (RFC 5321 section 4.5.3.2, scaled to the patience of an MTA that waits for us).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, for each address.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// EHLO and STARTTLS.
    pub ehlo: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// Each step of AUTH.
    pub auth: Duration,
    /// MAIL and RSET.
    pub mail: Duration,
    /// Each RCPT.
    pub rcpt: Duration,
    /// DATA's 354.
    pub data: Duration,
    /// The server taking the next block of octets.
    pub block: Duration,
    /// The reply to the whole message.
    pub final_reply: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let seconds = Duration::from_secs;
        Timeouts {
            connect: seconds(30),
            greeting: seconds(60),
            ehlo: seconds(60),
            tls: seconds(30),
            auth: seconds(60),
            mail: seconds(60),
            rcpt: seconds(120),
            data: seconds(120),
            block: seconds(180),
            final_reply: seconds(600),
        }
    }
}
