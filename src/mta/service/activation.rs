//! Sockets passed by systemd (sd_listen_fds(3)): each is known by its name (`FileDescriptorName=policy`, or a unit called
//! `sendvia-policy.socket`), else by its address in `listen`, else by the name of its file (`/run/sendvia/policy`).

use super::{Listener, Protocol, SocketError};
use crate::config::{Listen, ListenAddress};
use listenfd::ListenFd;
use std::io;
use std::os::unix::net::UnixListener;

/// The sockets that were passed; none where systemd is not there. Once.
///
/// # Errors
/// [`SocketError`], for one that nobody knows.
pub fn adopt(listen: &Listen) -> Result<Vec<Listener>, SocketError> {
    let mut passed = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    (0..passed.len()).map(|index| adopt_one(&mut passed, index, names.next().unwrap_or_default(), listen)).collect()
}

/// The addresses that `adopted` sockets serve already.
pub(super) fn serves(adopted: &[Listener], protocol: Protocol, address: &ListenAddress) -> bool {
    adopted.iter().any(|listener| listener.protocol == protocol && listener.socket.address().as_ref() == Some(address))
}

fn adopt_one(passed: &mut ListenFd, index: usize, name: &str, listen: &Listen) -> Result<Listener, SocketError> {
    let io = |source: io::Error| SocketError::Io { address: format!("socket {name} of systemd"), source };
    // What is of another kind stays where it is.
    if let Ok(Some(listener)) = passed.take_unix_listener(index) {
        let address = unix_address(&listener);
        let protocol = protocol(name, address.as_ref(), listen)?;
        return Listener::adopt_unix(protocol, listener);
    }
    let listener = passed.take_tcp_listener(index).map_err(io)?;
    let listener = listener.ok_or_else(|| SocketError::Unknown(name.to_owned()))?;
    let address = listener.local_addr().ok().map(ListenAddress::Tcp);
    let protocol = protocol(name, address.as_ref(), listen)?;
    Listener::adopt_tcp(protocol, listener)
}

fn unix_address(listener: &UnixListener) -> Option<ListenAddress> {
    let address = listener.local_addr().ok()?;
    address.as_pathname().map(|path| ListenAddress::Unix(path.to_owned()))
}

fn protocol(name: &str, address: Option<&ListenAddress>, listen: &Listen) -> Result<Protocol, SocketError> {
    let plain = name.strip_suffix(".socket").unwrap_or(name);
    let plain = plain.strip_prefix("sendvia-").unwrap_or(plain);
    let called = |name: &str| Protocol::ALL.iter().find(|(known, _)| *known == name);
    let by_address = || {
        let listens = |protocol: &Protocol| address.is_some_and(|address| protocol.addresses(listen).contains(address));
        Protocol::ALL.iter().find(|(_, protocol)| listens(protocol))
    };
    let by_file = || match address {
        Some(ListenAddress::Unix(path)) => path.file_name().and_then(|name| name.to_str()).and_then(called),
        _ => None,
    };
    let found = called(plain).or_else(by_address).or_else(by_file).map(|(_, protocol)| *protocol);
    found.ok_or_else(|| SocketError::Unknown(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_known_by_its_name_or_its_address() {
        let unix = |path: &str| ListenAddress::Unix(path.into());
        let listen = Listen { map: vec![unix("/run/m")], ..Listen::default() };
        let rows = [
            ("policy", None, Some(Protocol::Policy)),
            ("lmtp", None, Some(Protocol::Lmtp)),
            ("sendvia-policy.socket", None, Some(Protocol::Policy)),
            ("sendvia-map", None, Some(Protocol::Map)),
            ("policy", Some(unix("/run/m")), Some(Protocol::Policy)),
            ("sendvia.socket", Some(unix("/run/m")), Some(Protocol::Map)),
            ("unknown", Some(unix("/run/m")), Some(Protocol::Map)),
            ("unknown", Some(unix("/run/other")), None),
            ("sendvia.socket", Some(unix("/var/spool/postfix/sendvia/lmtp")), Some(Protocol::Lmtp)),
            ("", None, None),
        ];
        for (name, address, expected) in rows {
            assert_eq!(protocol(name, address.as_ref(), &listen).ok(), expected, "{name} {address:?}");
        }
    }
}
