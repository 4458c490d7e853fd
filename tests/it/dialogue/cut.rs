//! A connection that is cut after octet N, for every N of a short dialogue and each direction.
//!
//! Whatever is lost, a message is called accepted only where the server keeps it, nothing is refused for good, and a
//! message that the server keeps without the client knowing is called unanswered, never untouched.

use super::player::{Setup, credentials, dial, taken};
use sendvia::sandbox::{Extensions, Listener, Options, Sandbox, TlsMode};
use sendvia::submission::{self, Failure, FailureKind, Protection, RecipientOutcome, Recipients, TlsTrust};
use sendvia::verdict::Stage;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Octets that may pass from the client and from the server.
#[derive(Clone, Copy)]
struct Cut {
    from_client: u64,
    from_server: u64,
}

const NOWHERE: Cut = Cut { from_client: u64::MAX, from_server: u64::MAX };

/// One connection through a proxy that cuts it; how many octets went each way.
async fn proxy(listener: &TcpListener, server: SocketAddr, cut: Cut) -> (u64, u64) {
    let (client, _) = listener.accept().await.unwrap();
    let server = TcpStream::connect(server).await.unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let (mut up, mut down) = (0, 0);
    // Whichever comes to its end first ends both.
    tokio::select! {
        () = pass(&mut client_in, &mut server_out, cut.from_client, &mut up) => {}
        () = pass(&mut server_in, &mut client_out, cut.from_server, &mut down) => {}
    }
    (up, down)
}

async fn pass(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), most: u64, passed: &mut u64) {
    let mut octets = [0; 4096];
    while *passed < most {
        let left = usize::try_from(most - *passed).unwrap_or(usize::MAX).min(octets.len());
        match from.read(&mut octets[..left]).await {
            Ok(length) if length > 0 && to.write_all(&octets[..length]).await.is_ok() => *passed += length as u64,
            _ => return,
        }
    }
}

async fn sandbox(directory: &Path, tls: TlsMode, extensions: Extensions) -> Sandbox {
    let listener = Listener { address: ([127, 0, 0, 1], 0).into(), tls };
    let usual = Options::gmx(directory);
    Sandbox::start(Options { listeners: vec![listener], rules: Vec::new(), extensions, discard: true, ..usual })
        .await
        .unwrap()
}

struct Place {
    sandbox: Sandbox,
    listener: TcpListener,
    tls: TlsMode,
    trust: Arc<TlsTrust>,
}

impl Place {
    async fn new(directory: &Path, tls: TlsMode, extensions: Extensions) -> Place {
        let sandbox = sandbox(directory, tls, extensions).await;
        let authorities = directory.join("ca.pem");
        std::fs::write(&authorities, sandbox.ca_pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Place { sandbox, listener, tls, trust: Arc::new(TlsTrust::new(Some(&authorities))) }
    }

    /// One message over a connection that is cut; what became of it, whether the server kept it, octets each way.
    async fn send(&self, cut: Cut) -> (Result<Vec<RecipientOutcome>, Failure>, bool, (u64, u64)) {
        let before = self.sandbox.counters().messages;
        let server = self.sandbox.addresses()[0].1;
        let (sent, octets) = tokio::join!(self.converse(), proxy(&self.listener, server, cut));
        self.sandbox.wait_until(|counters| counters.closed == counters.connections && counters.connections > 0).await;
        (sent, self.sandbox.counters().messages > before, octets)
    }

    async fn converse(&self) -> Result<Vec<RecipientOutcome>, Failure> {
        let setup = Setup::default();
        let mut dial = dial(self.listener.local_addr().unwrap().port(), &setup);
        dial.trust = Arc::clone(&self.trust);
        if self.tls == TlsMode::Implicit {
            dial.endpoint.protection = Protection::Implicit;
        }
        let (envelope, message) = taken(&setup).unwrap();
        let mut session = submission::login(&dial, &credentials()).await?;
        let sent = session.send(&envelope, &message, Recipients::PerRecipient, &|| Ok(())).await;
        session.quit().await;
        sent
    }

    async fn check(&self, cut: Cut) {
        let (sent, is_kept, _) = self.send(cut).await;
        let place =
            format!("cut behind {} octets of the client's, {} of the server's", cut.from_client, cut.from_server);
        match sent {
            Ok(outcomes) => {
                assert!(matches!(outcomes[..], [RecipientOutcome::Accepted(_)]), "{place}: {outcomes:?}");
                assert!(is_kept, "{place}: called accepted, and is lost");
            }
            Err(failure) => {
                let is_unknown = matches!(failure.kind, FailureKind::Unanswered(_));
                let is_lost = matches!(failure.kind, FailureKind::Connection(_) | FailureKind::Tls(_));
                assert!(is_unknown || is_lost, "{place}: {failure:?}");
                assert!(is_unknown || !is_kept, "{place}: kept, and not called unknown: {failure:?}");
                assert!(!(is_unknown || is_kept) || !failure.is_untouched, "{place}: {failure:?}");
                assert!(!failure.is_untouched || failure.stage == Stage::Mail, "{place}: {failure:?}");
            }
        }
    }

    /// Every `step`th octet of each direction.
    async fn check_all(&self, step: usize) {
        let (sent, is_kept, (up, down)) = self.send(NOWHERE).await;
        assert!(is_kept && sent.is_ok(), "{sent:?}");
        // Behind the message there is only QUIT and the answer to it.
        for from_client in (0..=up).step_by(step) {
            self.check(Cut { from_client, ..NOWHERE }).await;
        }
        for from_server in (0..=down).step_by(step) {
            self.check(Cut { from_server, ..NOWHERE }).await;
        }
    }
}

#[tokio::test]
async fn a_connection_cut_at_any_octet_neither_loses_nor_refuses_a_message() {
    let both = Extensions { pipelining: true, chunking: true, ..Extensions::default() };
    let rows = [
        (TlsMode::None, Extensions::default(), 1),
        (TlsMode::None, Extensions { pipelining: true, ..Extensions::default() }, 1),
        (TlsMode::None, both, 1),
        (TlsMode::Implicit, both, 11),
    ];
    for (tls, extensions, step) in rows {
        let directory = tempfile::tempdir().unwrap();
        Place::new(directory.path(), tls, extensions).await.check_all(step).await;
    }
}
