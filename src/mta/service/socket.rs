//! Sockets that the service listens on: made, taken over from a dead instance, or passed by systemd.
//!
//! A Unix socket is bound beside its place and moved there, so that nobody connects before its mode is right, and the
//! file of a dead instance is replaced at once. A lock file says whether an instance lives, and a probe whether anything
//! else answers there. The mode is 0660 and the group that of the directory where that is setgid: whoever may not write
//! to the socket can't connect.

use super::Protocol;
use crate::config::ListenAddress;
use crate::mta::lmtp::Channel;
use rustix::fs::FlockOperation;
use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Connections that wait to be taken; the kernel takes less where `net.core.somaxconn` says so.
const BACKLOG: i32 = 1024;

/// Who may connect to a socket that we made: our user and the socket's group.
const MODE: u32 = 0o660;

/// The same for submissions: everybody of this host, and each is known by his user id.
const MODE_FOR_ALL: u32 = 0o666;

/// A socket and what is spoken on it.
pub struct Listener {
    pub(super) protocol: Protocol,
    pub(super) socket: Socket,
}

/// A socket that clients can connect to: made before there is a runtime, and so before the fence.
pub(super) enum Socket {
    Unix {
        listener: StdUnixListener,
        /// The file that we made, and take away again.
        made: Option<Made>,
    },
    Tcp(StdTcpListener),
}

/// The same, taking connections.
pub(super) enum Accepting {
    Unix {
        listener: UnixListener,
        /// Where its file is now: one that was bound beside its place has another address.
        file: Option<PathBuf>,
        _made: Option<Made>,
    },
    Tcp(TcpListener),
}

/// A connection, and who is at its other end.
pub(super) enum Accepted {
    Unix(UnixStream, Peer),
    Tcp(TcpStream, Peer),
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of this host, as the kernel tells it.
    Unix {
        /// Its effective user id when it connected.
        uid: u32,
    },
    /// An address, which proves nothing.
    Tcp(SocketAddr),
}

impl Peer {
    /// Whoever the kernel says it is.
    pub(super) fn uid(&self) -> Option<u32> {
        match self {
            Peer::Unix { uid } => Some(*uid),
            Peer::Tcp(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Unix { uid } => write!(f, "user id {uid}"),
            Peer::Tcp(address) => address.fmt(f),
        }
    }
}

/// Why there is no socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The system refused.
    #[error("{address}: {source}")]
    Io {
        /// Which.
        address: String,
        /// What it said.
        source: io::Error,
    },
    /// Somebody serves it already.
    #[error("{}: another instance serves this socket", .0.display())]
    Served(PathBuf),
    /// Something else is there.
    #[error("{}: expected a socket or nothing, but found another kind of file", .0.display())]
    NotASocket(PathBuf),
    /// systemd passed one that the configuration does not know.
    #[error(
        "systemd passed a socket called {0:?}, which is none of lmtp, policy, map, submission and metrics and has no address of `listen`"
    )]
    Unknown(String),
}

impl SocketError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            SocketError::Served(_) => Some("stop the other one, or leave the sockets to systemd".to_owned()),
            SocketError::NotASocket(path) => Some(format!("look at it, then: rm {}", path.display())),
            SocketError::Unknown(_) => Some("name it in the unit: FileDescriptorName=policy".to_owned()),
            SocketError::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("make the socket's directory first".to_owned()),
                io::ErrorKind::PermissionDenied => Some("let the user this runs as write to the directory".to_owned()),
                _ => None,
            },
        }
    }

    fn io(address: impl fmt::Display) -> impl FnOnce(io::Error) -> SocketError {
        move |source| SocketError::Io { address: address.to_string(), source }
    }
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn bind(protocol: Protocol, address: &ListenAddress) -> Result<Listener, SocketError> {
        let socket = match address {
            ListenAddress::Unix(path) => bind_unix(path, mode(protocol))?,
            ListenAddress::Tcp(address) => Socket::Tcp(bind_tcp(*address).map_err(SocketError::io(address))?),
        };
        Ok(Listener { protocol, socket })
    }

    /// Speaks `protocol` on a socket that somebody else made and will take away.
    ///
    /// # Errors
    /// [`SocketError::Io`].
    pub(super) fn adopt_unix(protocol: Protocol, listener: StdUnixListener) -> Result<Listener, SocketError> {
        listener.set_nonblocking(true).map_err(SocketError::io(protocol.name()))?;
        Ok(Listener { protocol, socket: Socket::Unix { listener, made: None } })
    }

    /// The same by TCP.
    ///
    /// # Errors
    /// [`SocketError::Io`].
    pub(super) fn adopt_tcp(protocol: Protocol, listener: StdTcpListener) -> Result<Listener, SocketError> {
        listener.set_nonblocking(true).map_err(SocketError::io(protocol.name()))?;
        Ok(Listener { protocol, socket: Socket::Tcp(listener) })
    }

    /// The TCP address, where it has one: the port may have been the system's to choose.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix { .. } => None,
        }
    }
}

impl Socket {
    /// Where it listens, as the configuration would write it.
    pub(super) fn address(&self) -> Option<ListenAddress> {
        match self {
            Socket::Unix { listener, .. } => {
                listener.local_addr().ok()?.as_pathname().map(|path| ListenAddress::Unix(path.to_owned()))
            }
            Socket::Tcp(listener) => listener.local_addr().ok().map(ListenAddress::Tcp),
        }
    }

    /// The file that we made for it.
    pub(super) fn made(&self) -> Option<&Path> {
        match self {
            Socket::Unix { made, .. } => made.as_ref().map(|made| made.path.as_path()),
            Socket::Tcp(_) => None,
        }
    }

    /// Takes connections from here on; inside a runtime.
    pub(super) fn accepting(self) -> io::Result<Accepting> {
        let made = self.made().map(Path::to_owned);
        let file = made.or_else(|| match self.address() {
            Some(ListenAddress::Unix(path)) => Some(path),
            _ => None,
        });
        Ok(match self {
            Socket::Unix { listener, made } => {
                Accepting::Unix { listener: UnixListener::from_std(listener)?, file, _made: made }
            }
            Socket::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener)?),
        })
    }
}

impl Accepting {
    /// Whether what `peer` says can only come from the MTA. The kernel let nobody connect whom the socket's mode
    /// forbids; where it forbids nobody, the peer has to be root, our own user or the socket's owner.
    pub(super) fn channel(&self, peer: &Peer) -> Channel {
        let Peer::Unix { uid } = peer else { return Channel::OfAnybody };
        let file = match self {
            Accepting::Unix { file, .. } => file.as_ref().and_then(|file| fs::metadata(file).ok()),
            Accepting::Tcp(_) => None,
        };
        let is_closed_to_others = file.as_ref().is_some_and(|file| file.mode() & 0o002 == 0);
        let is_known = [Some(0), Some(rustix::process::geteuid().as_raw()), file.map(|file| file.uid())];
        match is_closed_to_others || is_known.contains(&Some(*uid)) {
            true => Channel::OfMta,
            false => Channel::OfAnybody,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Accepting::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::Unix { uid: stream.peer_cred()?.uid() };
                Ok(Accepted::Unix(stream, peer))
            }
            Accepting::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Replies are short and waited for.
                let _ = stream.set_nodelay(true);
                Ok(Accepted::Tcp(stream, Peer::Tcp(address)))
            }
        }
    }
}

/// A socket's file, taken away with us unless it is another's by then.
pub(super) struct Made {
    path: PathBuf,
    inode: (u64, u64),
    /// Says that we live.
    _lock: File,
}

impl Drop for Made {
    fn drop(&mut self) {
        if inode(&self.path) == Some(self.inode) {
            // What can't be removed is replaced by the next instance.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn mode(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Submission => MODE_FOR_ALL,
        Protocol::Lmtp | Protocol::Policy | Protocol::Map | Protocol::Metrics => MODE,
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<StdTcpListener> {
    let listener = StdTcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind_unix(path: &Path, mode: u32) -> Result<Socket, SocketError> {
    let io = |source| SocketError::Io { address: path.display().to_string(), source };
    let lock = lock(path)?;
    check_is_free(path)?;
    let beside = beside(path, ".new");
    let _ = fs::remove_file(&beside);
    let listener = StdUnixListener::bind(&beside).map_err(io)?;
    rustix::net::listen(&listener, BACKLOG).map_err(|errno| io(errno.into()))?;
    listener.set_nonblocking(true).map_err(io)?;
    let placed = fs::set_permissions(&beside, Permissions::from_mode(mode)).and_then(|()| fs::rename(&beside, path));
    placed.map_err(io)?;
    let inode = inode(path).ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
    Ok(Socket::Unix { listener, made: Some(Made { path: path.to_owned(), inode, _lock: lock }) })
}

/// Held for as long as an instance lives, and gone with it however it dies.
fn lock(path: &Path) -> Result<File, SocketError> {
    let io = |source| SocketError::Io { address: path.display().to_string(), source };
    let file = File::options().create(true).append(true).open(beside(path, ".lock")).map_err(io)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(SocketError::Served(path.to_owned())),
        Err(errno) => Err(io(errno.into())),
    }
}

/// Nothing is there, or a socket on which nobody answers.
fn check_is_free(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SocketError::io(path.display())(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => Err(SocketError::NotASocket(path.to_owned())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => Err(SocketError::Served(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(SocketError::io(path.display())(error)),
        },
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(path: &Path) -> Result<Listener, SocketError> {
        Listener::bind(Protocol::Policy, &ListenAddress::Unix(path.to_owned()))
    }

    #[test]
    fn a_socket_is_for_user_and_group_and_goes_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy");
        let listener = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        drop(listener);
        assert!(!path.exists());
        assert!(bind(&path).is_ok(), "the next instance");
    }

    #[test]
    fn a_second_instance_is_refused_and_leaves_the_first_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy");
        let _first = bind(&path).unwrap();
        assert!(matches!(bind(&path), Err(SocketError::Served(_))));
        std::os::unix::net::UnixStream::connect(&path).expect("the first one still listens");
    }

    #[test]
    fn a_strangers_socket_is_not_taken_over_but_a_dead_ones_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy");
        let stranger = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(bind(&path), Err(SocketError::Served(_))));
        drop(stranger);
        let _listener = bind(&path).expect("nobody answers there");
        std::os::unix::net::UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_no_socket_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_socket_that_another_put_in_the_place_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy");
        let listener = bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
    }
}
