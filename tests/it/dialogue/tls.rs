//! What TLS brings with it that is no part of the dialogue: tickets, new keys, the end of a session; and STARTTLS.

use super::player::{Setup, credentials, dial, taken, told};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sendvia::submission::{self, Authenticated, Protection, RecipientOutcome, Recipients, TlsTrust};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

fn acceptor(directory: &Path) -> (TlsAcceptor, Arc<TlsTrust>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let authorities = directory.join("ca.pem");
    std::fs::write(&authorities, certificate.pem()).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), Arc::new(TlsTrust::new(Some(&authorities))))
}

/// The server's side of a session over TLS.
struct Server(TlsStream<TcpStream>);

impl Server {
    async fn accept(listener: &TcpListener, acceptor: &TlsAcceptor) -> Server {
        let (stream, _) = listener.accept().await.unwrap();
        Server(acceptor.accept(stream).await.unwrap())
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    async fn hear(&mut self) -> String {
        let mut octets = [0; 4096];
        let length = self.0.read(&mut octets).await.unwrap();
        String::from_utf8_lossy(&octets[..length]).into_owned()
    }

    async fn log_in(&mut self) {
        self.say("220 x.example\r\n").await;
        self.hear().await;
        self.say("250-x.example\r\n250 AUTH PLAIN\r\n").await;
        self.hear().await;
        self.say("235 welcome\r\n").await;
    }

    /// A record that bears no octet of the dialogue, as tickets do.
    async fn new_keys(&mut self) {
        self.0.get_mut().1.refresh_traffic_keys().unwrap();
        self.0.flush().await.unwrap();
    }
}

async fn session(listener: &TcpListener, trust: Arc<TlsTrust>) -> Authenticated {
    let mut dial = dial(listener.local_addr().unwrap().port(), &Setup::default());
    dial.endpoint.protection = Protection::Implicit;
    dial.trust = trust;
    submission::login(&dial, &credentials()).await.unwrap()
}

#[tokio::test]
async fn records_without_an_octet_of_the_dialogue_are_no_octets_ahead_of_time() {
    let directory = tempfile::tempdir().unwrap();
    let (acceptor, trust) = acceptor(directory.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let mut server = Server::accept(&listener, &acceptor).await;
        server.log_in().await;
        server.new_keys().await;
        server
    };
    let (mut session, mut server) = tokio::join!(session(&listener, trust), server);
    assert!(session.is_alive().await, "new keys were taken for a reply");
    let idle = tokio::time::timeout(Duration::from_millis(50), session.closed()).await;
    assert!(idle.is_err() && session.is_usable(), "an idle session was taken for a closed one");
    let (envelope, message) = taken(&Setup::default()).unwrap();
    let transaction = async {
        for reply in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n"] {
            server.hear().await;
            server.new_keys().await;
            server.say(reply).await;
            server.new_keys().await;
        }
        server
    };
    let sending = session.send(&envelope, &message, Recipients::PerRecipient, &|| Ok(()));
    let (sent, mut server) = tokio::join!(sending, transaction);
    assert!(matches!(sent.unwrap()[..], [RecipientOutcome::Accepted(_)]));
    assert!(session.is_alive().await);
    server.0.shutdown().await.unwrap();
    assert!(!session.is_alive().await, "a closed session was taken for an idle one");
}

#[tokio::test]
async fn a_closed_idle_session_leaves_the_next_message_untouched() {
    for last_words in ["", "421 4.4.2 idle for too long\r\n"] {
        let directory = tempfile::tempdir().unwrap();
        let (acceptor, trust) = acceptor(directory.path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = async {
            let mut server = Server::accept(&listener, &acceptor).await;
            server.log_in().await;
            server.say(last_words).await;
            server.0.shutdown().await.unwrap();
        };
        let (mut session, ()) = tokio::join!(session(&listener, trust), server);
        let (envelope, message) = taken(&Setup::default()).unwrap();
        let sent = session.send(&envelope, &message, Recipients::PerRecipient, &|| Ok(())).await;
        let failure = sent.unwrap_err();
        assert_eq!(told(&failure), "failed at MAIL: connection, untouched");
        assert!(failure.to_string().contains("closed") || !last_words.is_empty(), "{failure}");
        assert!(!session.is_usable());
    }
}

#[tokio::test]
async fn a_session_is_resumed_by_those_who_share_their_trust() {
    let directory = tempfile::tempdir().unwrap();
    let (acceptor, trust) = acceptor(directory.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for expected in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
        let server = async {
            let mut server = Server::accept(&listener, &acceptor).await;
            server.log_in().await;
            server.0.get_ref().1.handshake_kind().unwrap()
        };
        let (_, kind) = tokio::join!(session(&listener, Arc::clone(&trust)), server);
        assert_eq!(kind, expected);
    }
}

/// Plays STARTTLS up to its reply, which `reply` is; what the client makes of it.
async fn starttls(offer: &str, reply: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut dial = dial(listener.local_addr().unwrap().port(), &Setup::default());
    dial.endpoint.protection = Protection::StartTls;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = [0; 1024];
        for said in ["220 x.example\r\n".to_owned(), format!("250-x.example\r\n250 {offer}\r\n"), reply.to_owned()] {
            let _ = stream.write_all(said.as_bytes()).await;
            let _ = stream.read(&mut octets).await;
        }
    };
    let credentials = credentials();
    let (login, ()) = tokio::join!(submission::login(&dial, &credentials), server);
    login.map(|_| "logged in".to_owned()).unwrap_or_else(|failure| told(&failure))
}

#[tokio::test]
async fn starttls_is_demanded_and_nothing_may_follow_it_in_clear() {
    let rows = [
        ("AUTH PLAIN", "", "failed at STARTTLS: tls"),
        ("STARTTLS", "454 4.7.0 later\r\n", "failed at STARTTLS: refused 454"),
        ("STARTTLS", "502 5.5.1 what?\r\n", "failed at STARTTLS: refused 502"),
        ("STARTTLS", "421 4.3.2 closing\r\n", "failed at STARTTLS: refused 421"),
        ("STARTTLS", "354 what?\r\n", "failed at STARTTLS: connection"),
        ("STARTTLS", "hello world\r\n", "failed at STARTTLS: connection"),
        ("STARTTLS", "", "failed at STARTTLS: connection"),
        ("STARTTLS", "22", "failed at STARTTLS: connection"),
        ("STARTTLS", "220 go\r\n250 AUTH PLAIN\r\n", "failed at STARTTLS: tls"),
        ("STARTTLS", "220 go\r\n2", "failed at STARTTLS: tls"),
        ("STARTTLS", "220 go\r\n", "failed at TLS: tls"),
    ];
    for (offer, reply, expected) in rows {
        assert_eq!(starttls(offer, reply).await, expected, "{offer} {reply}");
    }
}
