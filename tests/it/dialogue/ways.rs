//! The ways to a server: from an address of ours, through a SOCKS5 proxy, through CONNECT, with and without a login.

use super::player::{Setup, credentials, dial, told};
use sendvia::submission::{self, Proxy, Route};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy does with who asks.
#[derive(Clone, Copy)]
enum Manner {
    /// Takes anybody through.
    Open,
    /// Only `proxy` with the password `p:w`.
    Guarded,
    /// Nobody.
    Closed,
}

/// A greeting, a capability and a welcome; whom the server saw.
async fn serve(listener: &TcpListener) -> IpAddr {
    let (mut stream, peer) = listener.accept().await.unwrap();
    let mut octets = [0; 1024];
    for said in ["220 x.example\r\n", "250-x.example\r\n250 AUTH PLAIN\r\n", "235 welcome\r\n"] {
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(stream.read(&mut octets).await.unwrap() > 0);
    }
    peer.ip()
}

/// Takes octets to the server and back, the greeting together with what the proxy itself says.
async fn join(mut client: TcpStream, server: u16, granted: &[u8]) {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await.unwrap();
    let mut octets = vec![0; 1024];
    let length = server.read(&mut octets).await.unwrap();
    client.write_all(&[granted, &octets[..length]].concat()).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// An HTTP proxy for one request (RFC 9110 section 9.3.6); the request.
async fn http_proxy(listener: &TcpListener, manner: Manner, server: u16) -> Vec<String> {
    let mut client = BufReader::new(listener.accept().await.unwrap().0);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        match line.strip_suffix("\r\n").expect("CRLF") {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    assert!(client.buffer().is_empty(), "nothing goes ahead of the answer");
    let knows = lines.iter().any(|line| line == "Proxy-Authorization: Basic cHJveHk6cDp3");
    let mut client = client.into_inner();
    match manner {
        Manner::Open => join(client, server, b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await,
        Manner::Guarded if knows => join(client, server, b"HTTP/1.0 200 OK\r\n\r\n").await,
        Manner::Guarded => client.write_all(b"HTTP/1.1 407 Who are you?\r\n\r\n").await.unwrap(),
        Manner::Closed => client.write_all(b"HTTP/1.1 403 Not there\r\n\r\n").await.unwrap(),
    }
    lines
}

/// A SOCKS5 proxy for one request (RFC 1928, RFC 1929); the request.
async fn socks_proxy(listener: &TcpListener, manner: Manner, server: u16) -> Vec<String> {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut octets = vec![0; 1024];
    let length = client.read(&mut octets).await.unwrap();
    let methods = octets[2..length].to_vec();
    assert_eq!((octets[0], usize::from(octets[1])), (5, methods.len()));
    let method = match manner {
        Manner::Guarded if methods.contains(&2) => 2,
        Manner::Guarded => 0xff,
        Manner::Open | Manner::Closed => 0,
    };
    client.write_all(&[5, method]).await.unwrap();
    if method == 0xff {
        return Vec::new();
    }
    if method == 2 {
        let length = client.read(&mut octets).await.unwrap();
        let knows = octets[..length] == *b"\x01\x05proxy\x03p:w";
        client.write_all(&[1, u8::from(!knows)]).await.unwrap();
    }
    let length = client.read(&mut octets).await.unwrap();
    // CONNECT to a domain name.
    assert_eq!(octets[..4], [5, 1, 0, 3]);
    let name = String::from_utf8_lossy(&octets[5..length - 2]).into_owned();
    match manner {
        Manner::Closed => client.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap(),
        Manner::Open | Manner::Guarded => join(client, server, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 25]).await,
    }
    vec![name]
}

fn proxy(listener: &TcpListener, login: Option<&str>) -> Proxy {
    let login = login.map(|password| ("proxy".to_owned(), password.into()));
    Proxy { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port(), login }
}

/// What a login by `route` comes to, where the server is called `host`.
async fn log_in(route: Route, host: &str, port: u16) -> String {
    let mut dial = dial(port, &Setup::default());
    dial.route = Arc::new(route);
    dial.endpoint.host = host.to_owned();
    dial.danger_plaintext_auth = true;
    match submission::login(&dial, &credentials()).await {
        Ok(session) => {
            session.quit().await;
            "logged in".to_owned()
        }
        Err(failure) => told(&failure),
    }
}

#[tokio::test]
async fn a_local_address_is_where_the_server_sees_the_client() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let local = IpAddr::from([127, 0, 0, 9]);
    let (seen, ended) = tokio::join!(serve(&server), log_in(Route::Local(local), "127.0.0.1", port));
    assert_eq!((seen, ended.as_str()), (local, "logged in"));
}

#[tokio::test]
async fn a_proxy_is_asked_by_name_and_takes_the_session_through() {
    for (manner, login) in [(Manner::Open, None), (Manner::Guarded, Some("p:w"))] {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let by_http = log_in(Route::Connect(proxy(&listener, login)), "mail.x.example", 587);
        let (asked, _, ended) = tokio::join!(http_proxy(&listener, manner, port), serve(&server), by_http);
        let request = ["CONNECT mail.x.example:587 HTTP/1.1", "Host: mail.x.example:587"];
        assert_eq!((&asked[..2], ended.as_str()), (&request.map(str::to_owned)[..], "logged in"));
        let by_socks = log_in(Route::Socks5(proxy(&listener, login)), "mail.x.example", 587);
        let (asked, _, ended) = tokio::join!(socks_proxy(&listener, manner, port), serve(&server), by_socks);
        assert_eq!((asked, ended.as_str()), (vec!["mail.x.example".to_owned()], "logged in"));
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_connection_that_failed() {
    for (manner, login) in [(Manner::Closed, None), (Manner::Guarded, None), (Manner::Guarded, Some("wrong"))] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let by_http = log_in(Route::Connect(proxy(&listener, login)), "mail.x.example", 587);
        let (_, ended) = tokio::join!(http_proxy(&listener, manner, 0), by_http);
        assert_eq!(ended, "failed at connect: connection");
        if login.is_some() {
            continue;
        }
        let by_socks = log_in(Route::Socks5(proxy(&listener, login)), "mail.x.example", 587);
        let (_, ended) = tokio::join!(socks_proxy(&listener, manner, 0), by_socks);
        assert_eq!(ended, "failed at connect: connection");
    }
}
