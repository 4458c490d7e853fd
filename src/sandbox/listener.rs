//! Sockets: accepting connections until the server stops.

use super::session::Session;
use super::{SandboxError, Shared, TlsMode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a client on a port of either kind has to begin TLS before it is greeted in clear.
const CLIENT_HELLO_WITHIN: Duration = Duration::from_millis(150);

pub(super) async fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), SandboxError> {
    let listen = |source| SandboxError::Listen { address, source };
    let socket = TcpListener::bind(address).await.map_err(listen)?;
    Ok((socket.local_addr().map_err(listen)?, socket))
}

/// Serves `socket` until `stopping` turns true or its sender is gone; sessions end with it.
pub(super) async fn serve(socket: TcpListener, tls: TlsMode, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => break,
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => {
                    sessions.spawn(converse(stream, peer, tls, Arc::clone(&shared)));
                }
                // Out of descriptors, or a client that went away: the next accept tells.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = sessions.join_next() => {}
        }
    }
    // Whoever stopped us may rely on it that no session goes on.
    sessions.shutdown().await;
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the server too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn converse(stream: TcpStream, peer: SocketAddr, tls: TlsMode, shared: Arc<Shared>) {
    // Without it a reply may wait for the client's delayed ACK; failing to set it harms nobody.
    let _ = stream.set_nodelay(true);
    let tls = match tls {
        TlsMode::Auto => detect(&stream).await,
        stated => stated,
    };
    Session::new(stream, peer, tls, shared).run().await;
}

/// A ClientHello comes unasked and begins with the handshake record type, 22.
async fn detect(stream: &TcpStream) -> TlsMode {
    let mut first = [0];
    match tokio::time::timeout(CLIENT_HELLO_WITHIN, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == 22 => TlsMode::Implicit,
        _ => TlsMode::StartTls,
    }
}
