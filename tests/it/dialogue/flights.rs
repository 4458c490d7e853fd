//! Flights of the client on the wire, counted: what it sends between two things that the server says.

use super::player::{Setup, credentials, dial, taken};
use sendvia::sandbox::{Extensions, Listener, Options, Sandbox, TlsMode};
use sendvia::submission::{self, Protection, Recipients, TlsTrust};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One connection through a proxy: how often the client spoke before the server did.
async fn count(listener: &TcpListener, server: SocketAddr) -> u32 {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut server = TcpStream::connect(server).await.unwrap();
    server.set_nodelay(true).unwrap();
    client.set_nodelay(true).unwrap();
    let (mut asked, mut said) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut flights, mut is_clients_turn) = (0, false);
    loop {
        tokio::select! {
            length = client.read(&mut asked) => match length {
                Ok(length) if length > 0 => {
                    flights += u32::from(!is_clients_turn);
                    is_clients_turn = true;
                    let _ = server.write_all(&asked[..length]).await;
                }
                _ => return flights,
            },
            length = server.read(&mut said) => match length {
                Ok(length) if length > 0 => {
                    is_clients_turn = false;
                    let _ = client.write_all(&said[..length]).await;
                }
                _ => return flights,
            },
        }
    }
}

/// The flights of one message by a server with these extensions, QUIT among them.
async fn flights(tls: TlsMode, extensions: Extensions) -> u32 {
    let directory = tempfile::tempdir().unwrap();
    let listeners = vec![Listener { address: ([127, 0, 0, 1], 0).into(), tls }];
    let usual = Options::gmx(directory.path());
    let sandbox = Sandbox::start(Options { listeners, rules: Vec::new(), extensions, ..usual }).await.unwrap();
    let authorities = directory.path().join("ca.pem");
    std::fs::write(&authorities, sandbox.ca_pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut dial = dial(listener.local_addr().unwrap().port(), &Setup::default());
    dial.trust = Arc::new(TlsTrust::new(Some(&authorities)));
    if tls == TlsMode::Implicit {
        dial.endpoint.protection = Protection::Implicit;
    }
    let converse = async {
        let (envelope, message) = taken(&Setup::default()).unwrap();
        let mut session = submission::login(&dial, &credentials()).await.unwrap();
        session.send(&envelope, &message, Recipients::AllOrNone, &|| Ok(())).await.unwrap();
        session.quit().await;
    };
    let ((), flights) = tokio::join!(converse, count(&listener, sandbox.addresses()[0].1));
    assert_eq!(sandbox.messages().len(), 1);
    flights
}

#[tokio::test]
async fn a_message_takes_the_fewest_flights_that_its_server_allows() {
    let none = Extensions { pipelining: false, chunking: false, ..Extensions::default() };
    let pipelining = Extensions { pipelining: true, ..none };
    let both = Extensions { chunking: true, ..pipelining };
    let rows = [
        // ClientHello, Finished, EHLO, AUTH, the transaction, QUIT.
        (TlsMode::Implicit, both, 6),
        (TlsMode::Implicit, pipelining, 7),
        (TlsMode::Implicit, none, 9),
        (TlsMode::None, both, 4),
    ];
    for (tls, extensions, expected) in rows {
        assert_eq!(flights(tls, extensions).await, expected, "{tls:?} {extensions:?}");
    }
}
