//! TCP to whichever address of a host answers first (RFC 8305).

use super::failure::Failure;
use crate::verdict::Stage;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// RFC 8305 section 5: how long an address is tried alone.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to `host`, `limit` for each address.
pub(super) async fn connect(
    host: &str,
    port: u16,
    local: Option<IpAddr>,
    limit: Duration,
) -> Result<TcpStream, Failure> {
    let addresses = addresses(host, port, local, limit).await?;
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut faults = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(attempt(address, local, limit));
        }
        let has_more = waiting.len() > 0;
        let ended = tokio::select! {
            ended = attempts.join_next() => ended,
            () = tokio::time::sleep(ATTEMPT_DELAY), if has_more => continue,
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(fault))) => faults.push(fault),
            Some(Err(error)) => faults.push(error.to_string()),
            None if !has_more => break,
            None => {}
        }
    }
    Err(Failure::connection(Stage::Connect, faults.join(", ")))
}

async fn attempt(address: SocketAddr, local: Option<IpAddr>, limit: Duration) -> Result<TcpStream, String> {
    let connecting = async {
        let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        if let Some(local) = local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.connect(address).await
    };
    match timeout(limit, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("{address}: {error}")),
        Err(_) => Err(format!("{address}: no answer within {} s", limit.as_secs())),
    }
}

/// The host's addresses, families in turn, the resolver's first choice first.
async fn addresses(host: &str, port: u16, local: Option<IpAddr>, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let fault = |detail: String| Failure::connection(Stage::Connect, format!("{host}: {detail}"));
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = timeout(limit, lookup_host((host, port))).await;
    let found = found.map_err(|_| fault("its addresses can't be looked up in time".to_owned()))?;
    let all: Vec<SocketAddr> = found
        .map_err(|error| fault(error.to_string()))?
        .filter(|address| local.is_none_or(|local| local.is_ipv6() == address.is_ipv6()))
        .collect();
    if all.is_empty() { Err(fault("it has no address".to_owned())) } else { Ok(in_turn(all)) }
}

fn in_turn(all: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [preferred.next(), other.next()];
        if pair.iter().all(Option::is_none) {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_resolvers_choice_comes_first() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let all = ["[::1]:1", "[::2]:1", "127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1"].map(address);
        let expected = ["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "127.0.0.3:1"].map(address);
        assert_eq!(in_turn(all.to_vec()), expected);
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connected = connect("127.0.0.1", port, None, Duration::from_secs(5)).await.expect("a connection");
        assert_eq!(connected.peer_addr().expect("a peer").port(), port);
        drop((listener, connected));
        let refused = connect("127.0.0.1", port, None, Duration::from_secs(5)).await.expect_err("nobody listens");
        assert_eq!(refused.stage, Stage::Connect);
    }
}
