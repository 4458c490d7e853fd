//! A session's life: greeted, secured, authenticated. Each state has only the commands that it allows.

use super::chat::{Chat, Shown};
use super::credentials::{Credentials, Proof};
use super::failure::{Failure, FailureKind};
use super::sasl::{self, Exchange, SaslError};
use super::stream::Stream;
use super::{Dial, Protection, Route, tls};
use crate::secret::ExposeSecret;
use crate::verdict::Stage;
use crate::wire::capability::Capabilities;
use crate::wire::reply::{Reply, ReplyClass};
use crate::wire::sasl::Mechanism;
use crate::wire::text::with_hint;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

/// Stands for a secret in the dialogue.
const HIDDEN: &str = "********";

/// A session whose server has greeted.
pub struct Greeted {
    chat: Chat,
    peer: SocketAddr,
    greeting: Reply,
    binding: Option<[u8; 32]>,
    is_tls: bool,
}

/// A session over which a password may go, the server's capabilities known.
pub struct Secured {
    chat: Chat,
    peer: SocketAddr,
    host: String,
    port: u16,
    binding: Option<[u8; 32]>,
    capabilities: Capabilities,
}

/// A session that is logged in. It alone can send.
pub struct Authenticated {
    pub(super) chat: Chat,
    pub(super) capabilities: Capabilities,
    /// Whether a transaction was left without its end.
    pub(super) is_dirty: bool,
    peer: SocketAddr,
    mechanism: Mechanism,
    transactions: u64,
    since: Instant,
}

/// Connects, secures and logs in.
///
/// # Errors
/// [`Failure`], with the stage.
pub async fn login(dial: &Dial, credentials: &Credentials) -> Result<Authenticated, Failure> {
    connect(dial).await?.secure(dial).await?.authenticate(credentials).await
}

/// Connects, shakes hands where TLS is implicit, and waits for the greeting.
///
/// # Errors
/// [`Failure`]; a greeting other than 220 is a refusal at [`Stage::Banner`].
pub async fn connect(dial: &Dial) -> Result<Greeted, Failure> {
    let endpoint = &dial.endpoint;
    let connecting = dial.route.connect(&endpoint.host, endpoint.port, dial.timeouts.connect);
    let stream = before_deadline(dial, Stage::Connect, connecting).await?;
    let peer = stream.peer_addr().map_err(|error| Failure::connection(Stage::Connect, error))?;
    let (stream, binding) = match endpoint.protection {
        Protection::Implicit => handshake(dial, stream).await?,
        Protection::StartTls | Protection::None => (Stream::Plain(stream), None),
    };
    let is_tls = matches!(stream, Stream::Tls(_));
    let mut chat = Chat::new(stream, dial);
    let greeting = chat.reply(Stage::Banner).await?;
    match greeting.code {
        220 => Ok(Greeted { chat, peer, greeting, binding, is_tls }),
        _ => Err(Failure::unwelcome(Stage::Banner, greeting)),
    }
}

/// A handshake within its limit and before the deadline.
async fn handshake(dial: &Dial, stream: TcpStream) -> Result<(Stream, Option<[u8; 32]>), Failure> {
    let shaking = dial.trust.handshake(stream, &dial.endpoint.host, dial.timeouts.tls);
    let stream = before_deadline(dial, Stage::Tls, shaking).await?;
    let binding = tls::channel_binding(&stream);
    Ok((Stream::Tls(Box::new(stream)), binding))
}

async fn before_deadline<T>(
    dial: &Dial,
    stage: Stage,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(deadline) = dial.deadline else { return work.await };
    let late = || Failure::new(stage, FailureKind::Deadline);
    tokio::time::timeout_at(deadline.into(), work).await.unwrap_or_else(|_| Err(late()))
}

impl Greeted {
    /// What the server greeted with.
    pub fn greeting(&self) -> &Reply {
        &self.greeting
    }

    /// The server's address, or the proxy's.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// EHLO; STARTTLS and EHLO again where that is the protection. Without TLS only this very host gets a password.
    ///
    /// # Errors
    /// [`Failure`]. A STARTTLS that is missing, refused or followed by anything ends the session.
    pub async fn secure(mut self, dial: &Dial) -> Result<Secured, Failure> {
        let mut reply = ehlo(&mut self.chat, dial).await?;
        if dial.endpoint.protection == Protection::StartTls {
            self = self.start_tls(dial, &Capabilities::parse(&reply)).await?;
            reply = ehlo(&mut self.chat, dial).await?;
        }
        let is_this_host = matches!(*dial.route, Route::Direct | Route::Local(_)) && self.peer.ip().is_loopback();
        if !self.is_tls && !is_this_host && !dial.danger_plaintext_auth {
            return Err(Failure::new(Stage::Auth, FailureKind::Unprotected));
        }
        let capabilities = Capabilities::parse(&reply);
        let (host, port) = (dial.endpoint.host.clone(), dial.endpoint.port);
        Ok(Secured { chat: self.chat, peer: self.peer, host, port, binding: self.binding, capabilities })
    }

    async fn start_tls(mut self, dial: &Dial, capabilities: &Capabilities) -> Result<Greeted, Failure> {
        if !capabilities.starttls {
            let detail = "STARTTLS is not offered".to_owned();
            return Err(Failure::new(Stage::StartTls, FailureKind::Tls(detail)));
        }
        let reply = self.chat.command(Stage::StartTls, b"STARTTLS\r\n", Shown::Lines).await?;
        if reply.code != 220 {
            return Err(Failure::unwelcome(Stage::StartTls, reply));
        }
        // A clean server says nothing more before the handshake.
        let is_early = self.chat.is_early().await;
        match (is_early, self.chat.into_stream()?) {
            (false, Stream::Plain(stream)) => {
                let (stream, binding) = handshake(dial, stream).await?;
                Ok(Greeted { chat: Chat::new(stream, dial), binding, is_tls: true, ..self })
            }
            _ => Err(Failure::connection(Stage::StartTls, "the server closed the connection")),
        }
    }
}

/// EHLO and the server's agreement.
pub(super) async fn ehlo(chat: &mut Chat, dial: &Dial) -> Result<Reply, Failure> {
    let line = format!("EHLO {}\r\n", dial.ehlo_name);
    let reply = chat.command(Stage::Ehlo, line.as_bytes(), Shown::Lines).await?;
    if reply.is_positive() { Ok(reply) } else { Err(Failure::unwelcome(Stage::Ehlo, reply)) }
}

impl Secured {
    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// AUTH (RFC 4954) by the strongest mechanism that both sides can.
    ///
    /// # Errors
    /// [`Failure`] at [`Stage::Auth`]; a weaker mechanism is never tried after it.
    pub async fn authenticate(mut self, credentials: &Credentials) -> Result<Authenticated, Failure> {
        let mechanism = sasl::choose(&self.capabilities, credentials, self.binding.is_some());
        let Some(mechanism) = mechanism else {
            let offered = self.capabilities.auth.clone();
            return Err(Failure::new(Stage::Auth, FailureKind::NoMechanism(offered)));
        };
        let exchange = Exchange::new(mechanism, credentials, &self.host, self.port, self.binding).map_err(unfit)?;
        let (Proof::Password(secret) | Proof::AccessToken(secret)) = &credentials.proof;
        self.chat.conceal(secret.expose_secret());
        self.exchange(mechanism, exchange).await?;
        let now = Instant::now();
        let Secured { chat, peer, capabilities, .. } = self;
        Ok(Authenticated { chat, capabilities, is_dirty: false, peer, mechanism, transactions: 0, since: now })
    }

    async fn exchange(&mut self, mechanism: Mechanism, mut exchange: Exchange) -> Result<(), Failure> {
        let mut line = Zeroizing::new(format!("AUTH {mechanism}"));
        let mut shown = line.to_string();
        if let Some(initial) = exchange.initial_response().map_err(unfit)? {
            line.push(' ');
            line.push_str(&initial);
            shown = format!("{shown} {HIDDEN}");
        }
        line.push_str("\r\n");
        let mut reply = self.chat.command(Stage::Auth, line.as_bytes(), Shown::Instead(&shown)).await?;
        while reply.class() == ReplyClass::Intermediate {
            let challenge = reply.lines.last().map(Vec::as_slice).unwrap_or_default();
            let mut response = match exchange.respond(challenge) {
                Ok(response) => response,
                Err(error) => return Err(self.cancel(error).await),
            };
            response.push_str("\r\n");
            reply = self.chat.command(Stage::Auth, response.as_bytes(), Shown::Instead(HIDDEN)).await?;
        }
        if !reply.is_positive() {
            let note = exchange.error_challenge().map(str::to_owned);
            return Err(Failure { note, ..Failure::refused(Stage::Auth, reply) });
        }
        exchange.finish().map_err(unfit)
    }

    /// Takes back the AUTH command (RFC 4954 section 4), so that the server counts no failed login. The session is over
    /// either way.
    async fn cancel(&mut self, error: SaslError) -> Failure {
        let _ = self.chat.send(Stage::Auth, b"*\r\n", Shown::Lines).await;
        unfit(error)
    }
}

fn unfit(error: SaslError) -> Failure {
    Failure::new(Stage::Auth, FailureKind::Sasl(with_hint(&error, error.hint())))
}

impl Authenticated {
    /// A session that needs no login, with a program of this host: the kernel tells it who we are.
    pub(super) fn by_peer_credentials(chat: Chat, capabilities: Capabilities) -> Authenticated {
        let (peer, mechanism) = (SocketAddr::from(([127, 0, 0, 1], 0)), Mechanism::Plain);
        Authenticated { chat, capabilities, is_dirty: false, peer, mechanism, transactions: 0, since: Instant::now() }
    }

    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The server's address, or the proxy's.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Transactions so far.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Since when it is logged in.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Whether another transaction may begin.
    pub fn is_usable(&self) -> bool {
        self.chat.is_usable()
    }

    /// Looks, without waiting, whether the server has closed the session or said anything since the last transaction;
    /// either makes it unusable.
    pub async fn is_alive(&mut self) -> bool {
        // What has come in since is known once the runtime has asked the system.
        tokio::task::yield_now().await;
        if self.is_usable() && self.chat.is_early().await {
            self.chat.give_up();
        }
        self.is_usable()
    }

    /// Waits until the server closes the idle session or says anything; it is unusable then.
    pub async fn closed(&mut self) {
        self.chat.closed().await;
    }

    /// When everything that follows must be over.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.chat.set_deadline(deadline);
    }

    /// Who gets the lines of the dialogue from here on.
    pub fn set_dialogue(&mut self, dialogue: Option<UnboundedSender<String>>) {
        self.chat.set_dialogue(dialogue);
    }

    /// Says QUIT, and does not wait for the answer.
    pub async fn quit(self) {
        self.chat.quit().await;
    }

    pub(super) fn count(&mut self) {
        self.transactions += 1;
    }
}
