//! A look at a server, as far as it lets one: greeting, TLS, capabilities. Nothing is sent but EHLO, STARTTLS and QUIT.
//!
//! A certificate that does not verify is told, and is no end: whoever looks wants to know what is there. That is why
//! this is no [session](super::session): there is no AUTH and no MAIL here that could go over such a connection.

mod looking;

use super::chat::{Chat, Shown};
use super::failure::{Failure, FailureKind};
use super::session::ehlo;
use super::stream::Stream;
use super::tls::shake_hands;
use super::{Dial, Protection};
use crate::verdict::Stage;
use crate::wire::reply::Reply;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What was seen.
#[derive(Debug, Default)]
pub struct Survey {
    /// Our address and the server's, or the proxy's.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// What the server greeted with.
    pub greeting: Option<Reply>,
    /// Its reply to EHLO in the clear, where TLS is not implicit.
    pub clear: Option<Reply>,
    /// TLS, once it was there.
    pub tls: Option<TlsSeen>,
    /// The reply to EHLO inside TLS.
    pub ehlo: Option<Reply>,
    /// What ended the look before all of it was seen.
    pub end: Option<Failure>,
}

/// What a handshake showed.
#[derive(Debug)]
pub struct TlsSeen {
    /// `TLSv1.3`, `TLSv1.2`
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// Whether certificate and name are verified; else what is wrong.
    pub certificate: Result<(), String>,
}

/// Looks at the server of `dial` at `host`, which is its name or one of its addresses; the certificate must be for the
/// endpoint's name.
pub async fn survey(dial: &Dial, host: &str, ca_file: Option<&Path>) -> Survey {
    let mut survey = Survey::default();
    let looked = tokio::time::timeout(limit(dial), survey.look(dial, host, ca_file)).await;
    survey.end = match looked {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(_) => Some(Failure::new(Stage::Unknown, FailureKind::Deadline)),
    };
    survey
}

/// Long enough for every wait once.
fn limit(dial: &Dial) -> Duration {
    let waits = dial.timeouts;
    waits.connect * 2 + waits.greeting + waits.tls + waits.ehlo * 3
}

/// The addresses of `host`, as the resolver gives them.
///
/// # Errors
/// What the resolver said.
pub async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let found = tokio::net::lookup_host((host, port)).await;
    let mut found: Vec<SocketAddr> = found.map_err(|error| Failure::connection(Stage::Connect, error))?.collect();
    found.sort_by_key(|address| (address.is_ipv6(), *address));
    found.dedup();
    Ok(found)
}

impl Survey {
    async fn look(&mut self, dial: &Dial, host: &str, ca_file: Option<&Path>) -> Result<(), Failure> {
        let endpoint = &dial.endpoint;
        let stream = dial.route.connect(host, endpoint.port, dial.timeouts.connect).await?;
        self.ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
        let stream = match endpoint.protection {
            Protection::Implicit => self.shake_hands(dial, stream, ca_file).await?,
            Protection::StartTls | Protection::None => Stream::Plain(stream),
        };
        let mut chat = Chat::new(stream, dial);
        let greeting = chat.reply(Stage::Banner).await?;
        self.greeting = Some(greeting.clone());
        if greeting.code != 220 {
            return Err(Failure::refused(Stage::Banner, greeting));
        }
        if endpoint.protection != Protection::Implicit {
            self.clear = Some(ehlo(&mut chat, dial).await?);
            chat = self.start_tls(chat, dial, ca_file).await?;
        }
        self.ehlo = Some(ehlo(&mut chat, dial).await?);
        chat.quit().await;
        Ok(())
    }

    async fn start_tls(&mut self, mut chat: Chat, dial: &Dial, ca_file: Option<&Path>) -> Result<Chat, Failure> {
        let reply = chat.command(Stage::StartTls, b"STARTTLS\r\n", Shown::Lines).await?;
        if reply.code != 220 {
            return Err(Failure::refused(Stage::StartTls, reply));
        }
        match chat.into_stream()? {
            Stream::Plain(stream) => Ok(Chat::new(self.shake_hands(dial, stream, ca_file).await?, dial)),
            Stream::Tls(_) | Stream::Unix(_) => Err(Failure::connection(Stage::StartTls, "TLS within TLS")),
        }
    }

    async fn shake_hands(&mut self, dial: &Dial, stream: TcpStream, ca_file: Option<&Path>) -> Result<Stream, Failure> {
        let fault = |detail: String| Failure::new(Stage::Tls, FailureKind::Tls(detail));
        let (config, found) = looking::client(ca_file).map_err(fault)?;
        let stream = shake_hands(Arc::new(config), stream, &dial.endpoint.host, dial.timeouts.tls).await?;
        let verdict = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.tls = Some(seen(&stream, verdict.unwrap_or_else(|| Err("it was not looked at".to_owned()))));
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn seen(stream: &TlsStream<TcpStream>, certificate: Result<(), String>) -> TlsSeen {
    let (_, connection) = stream.get_ref();
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS").replace('_', ".");
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
    TlsSeen { version, cipher: suite, certificate }
}

impl Survey {
    /// A look that could not be taken.
    pub fn failed(problem: &str) -> Survey {
        Survey { end: Some(Failure::connection(Stage::Connect, problem)), ..Survey::default() }
    }
}
