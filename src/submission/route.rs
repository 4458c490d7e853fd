//! Ways to a server, as values; which one is taken is decided elsewhere.

use super::failure::Failure;
use super::happy_eyeballs;
use crate::verdict::Stage;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

/// A way to a server.
#[derive(Default)]
pub enum Route {
    /// By the system's routing.
    #[default]
    Direct,
    /// From a local address.
    Local(IpAddr),
    /// Through a SOCKS5 proxy (RFC 1928), which looks the name up.
    Socks5(Proxy),
    /// Through an HTTP proxy's CONNECT (RFC 9110 section 9.3.6).
    Connect(Proxy),
}

/// A proxy, and the login it asks for.
pub struct Proxy {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User and password.
    pub login: Option<(String, SecretString)>,
}

/// The longest answer of an HTTP proxy, in octets.
const MAX_PROXY_ANSWER: usize = 16 * 1024;

impl Route {
    /// A TCP connection to `host`, with `TCP_NODELAY`: a flight is one write, and waits for nothing.
    pub(super) async fn connect(
        &self,
        host: &str,
        port: u16,
        limit: std::time::Duration,
    ) -> Result<TcpStream, Failure> {
        let stream = match self {
            Route::Direct => happy_eyeballs::connect(host, port, None, limit).await?,
            Route::Local(local) => happy_eyeballs::connect(host, port, Some(*local), limit).await?,
            Route::Socks5(proxy) => within(limit, proxy.socks5(host, port, limit)).await?,
            Route::Connect(proxy) => within(limit, proxy.http_connect(host, port, limit)).await?,
        };
        stream.set_nodelay(true).map_err(|error| Failure::connection(Stage::Connect, error))?;
        Ok(stream)
    }
}

async fn within(
    limit: std::time::Duration,
    connecting: impl Future<Output = Result<TcpStream, Failure>>,
) -> Result<TcpStream, Failure> {
    // The proxy's own connection takes its time too.
    match tokio::time::timeout(limit * 2, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(Failure::connection(Stage::Connect, "the proxy does not answer")),
    }
}

impl Proxy {
    fn fault(&self, detail: impl std::fmt::Display) -> Failure {
        Failure::connection(Stage::Connect, format!("proxy {}:{}: {detail}", self.host, self.port))
    }

    async fn dial(&self, limit: std::time::Duration) -> Result<TcpStream, Failure> {
        let connected = happy_eyeballs::connect(&self.host, self.port, None, limit).await;
        connected.map_err(|failure| self.fault(failure))
    }

    async fn socks5(&self, host: &str, port: u16, limit: std::time::Duration) -> Result<TcpStream, Failure> {
        let socket = self.dial(limit).await?;
        let target = (host, port);
        let connected = match &self.login {
            None => Socks5Stream::connect_with_socket(socket, target).await,
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(socket, target, user, password.expose_secret()).await
            }
        };
        connected.map(Socks5Stream::into_inner).map_err(|error| self.fault(error))
    }

    async fn http_connect(&self, host: &str, port: u16, limit: std::time::Duration) -> Result<TcpStream, Failure> {
        let mut socket = self.dial(limit).await?;
        let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"));
        if let Some((user, password)) = &self.login {
            let login = Zeroizing::new(format!("{user}:{}", password.expose_secret()));
            let encoded = Zeroizing::new(STANDARD.encode(login.as_bytes()));
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&encoded);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        socket.write_all(request.as_bytes()).await.map_err(|error| self.fault(error))?;
        let answer = self.http_answer(&mut socket).await?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        if status.is_some_and(|status| (200..300).contains(&status)) { Ok(socket) } else { Err(self.fault(answer)) }
    }

    /// The status line of an answer, read to the end of its header section and not one octet further: what follows is
    /// the server's greeting.
    async fn http_answer(&self, socket: &mut TcpStream) -> Result<String, Failure> {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && !answer.ends_with(b"\n\n") {
            if answer.len() > MAX_PROXY_ANSWER {
                return Err(self.fault("its answer does not end"));
            }
            answer.push(socket.read_u8().await.map_err(|error| self.fault(error))?);
        }
        let line = answer.split(|octet| *octet == b'\n').next().unwrap_or_default();
        Ok(crate::wire::text::one_line(line, 200))
    }
}
