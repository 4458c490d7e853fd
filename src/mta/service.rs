//! The resident service: the protocols of [`mta`](super) on sockets, in one process.
//!
//! A [`Service`] takes listeners and what stops it, so it runs in a test as it runs under systemd; signals, reload and
//! readiness are [`run`]'s. A connection costs a task; how many there are is bounded, and beyond the bound clients wait in
//! the system's queue. Configuration is read by each request anew from [`Live`], so a reload drops nothing.

mod activation;
mod enclosure;
mod life;
mod live;
mod metrics;
mod secrets;
mod socket;
mod submission;
mod watched;

pub use activation::adopt;
pub use enclosure::{fence, within};
pub use life::{StartError, listeners, run};
pub use live::Live;
pub use secrets::Secrets;
pub use socket::{Listener, Peer, SocketError};

use super::exchange::exchange;
use super::lmtp::{Channel, Lmtp};
use crate::config::{Listen, ListenAddress};
use crate::log;
use socket::{Accepted, Accepting};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// What is spoken on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Messages, with a reply for each recipient.
    Lmtp,
    /// Postfix's policy delegation.
    Policy,
    /// Postfix's socketmap.
    Map,
    /// SMTP, for the users of this host.
    Submission,
    /// The page for Prometheus.
    Metrics,
}

impl Protocol {
    /// Every one, with its key in `listen:`.
    pub const ALL: [(&str, Protocol); 5] = [
        ("lmtp", Protocol::Lmtp),
        ("policy", Protocol::Policy),
        ("map", Protocol::Map),
        ("submission", Protocol::Submission),
        ("metrics", Protocol::Metrics),
    ];

    /// Its key in `listen:`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Lmtp => "lmtp",
            Protocol::Policy => "policy",
            Protocol::Map => "map",
            Protocol::Submission => "submission",
            Protocol::Metrics => "metrics",
        }
    }

    /// The addresses that `listen` names for it.
    pub fn addresses(self, listen: &Listen) -> &[ListenAddress] {
        match self {
            Protocol::Lmtp => &listen.lmtp,
            Protocol::Policy => &listen.policy,
            Protocol::Map => &listen.map,
            Protocol::Submission => &listen.submission,
            Protocol::Metrics => &listen.metrics,
        }
    }
}

/// How much the service bears.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at once.
    pub connections: u32,
    /// How long a client may be silent.
    pub idle: Duration,
    /// How long a stop waits for transactions under way.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        // A transaction lasts at most four minutes; Postfix closes idle connections to services after 1000 s at most.
        Limits { connections: 4000, idle: minutes(20), grace: minutes(4) + Duration::from_secs(15) }
    }
}

/// Sockets and what answers on them.
pub struct Service {
    live: Arc<Live>,
    limits: Limits,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every transaction was finished.
    Wholly,
    /// Some were still under way when the patience was over.
    Partly,
}

impl Service {
    /// A service that answers by `live`.
    pub fn new(live: Arc<Live>, limits: Limits) -> Service {
        Service { live, limits }
    }

    /// Serves until `stopping` is over and every transaction is finished. Idle connections end at once.
    pub async fn serve(&self, listeners: Vec<Listener>, stopping: impl Future<Output = ()>) -> Drained {
        let (stop, stopped) = watch::channel(false);
        let room = Arc::new(Semaphore::new(self.limits.connections as usize));
        let accepting: Vec<_> = listeners
            .into_iter()
            .map(|listener| tokio::spawn(self.acceptor(&room, &stopped).accept_all(listener)))
            .collect();
        stopping.await;
        // Nobody listening is as good as told.
        let _ = stop.send(true);
        for task in accepting {
            let _ = task.await;
        }
        match timeout(self.limits.grace, room.acquire_many(self.limits.connections)).await {
            Ok(_) => Drained::Wholly,
            Err(_) => Drained::Partly,
        }
    }

    fn acceptor(&self, room: &Arc<Semaphore>, stopped: &watch::Receiver<bool>) -> Acceptor {
        let (room, stopped) = (Arc::clone(room), stopped.clone());
        Acceptor { live: Arc::clone(&self.live), room, stopped, idle: self.limits.idle }
    }
}

/// What each listener's task has.
struct Acceptor {
    live: Arc<Live>,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
    idle: Duration,
}

impl Acceptor {
    /// Takes connections until the service stops; then the socket is gone.
    async fn accept_all(self, listener: Listener) {
        let mut stopped = self.stopped.clone();
        let protocol = listener.protocol;
        let socket = match listener.socket.accepting() {
            Ok(socket) => socket,
            Err(error) => return log::warning(&format!("{}: {error}", protocol.name())),
        };
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&socket) => accepted,
                _ = stopped.wait_for(|is_stopped| *is_stopped) => return,
            };
            let way = |peer: &Peer| Way { protocol, channel: socket.channel(peer), uid: peer.uid() };
            match accepted {
                Ok((room, Accepted::Unix(stream, peer))) => self.spawn(way(&peer), stream, peer, room),
                Ok((room, Accepted::Tcp(stream, peer))) => self.spawn(way(&peer), stream, peer, room),
                Err(error) => {
                    // No descriptors or no memory: others must end first, and a loop would not help them.
                    log::warning(&format!("{}: {error}", protocol.name()));
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// There is room first, so that a connection over the limit waits in the system's queue.
    async fn accept(&self, socket: &Accepting) -> io::Result<(OwnedSemaphorePermit, Accepted)> {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(io::Error::other)?;
        Ok((room, socket.accept().await?))
    }

    fn spawn<S>(&self, way: Way, stream: S, peer: Peer, room: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (live, stopped, idle) = (Arc::clone(&self.live), self.stopped.clone(), self.idle);
        tokio::spawn(async move {
            let _told = TellPanic(way.protocol);
            if let Err(error) = connection(way, stream, &live, idle, stopped).await
                && error.kind() == io::ErrorKind::InvalidData
            {
                log::warning(&format!("{peer}: {error}"));
            }
            drop(room);
        });
    }
}

/// What is spoken on a connection, and what can be said of it.
#[derive(Clone, Copy)]
struct Way {
    protocol: Protocol,
    channel: Channel,
    uid: Option<u32>,
}

async fn connection<S>(
    way: Way,
    mut stream: S,
    live: &Live,
    idle: Duration,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stopping = async move {
        // A service that is gone has stopped.
        let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
    };
    match way.protocol {
        Protocol::Lmtp => Lmtp::new(|| Ok(live.relay()), way.channel).serve(&mut stream, stopping).await.map(drop),
        Protocol::Policy => exchange(&mut stream, &live.policy(), idle, stopping).await,
        Protocol::Map => exchange(&mut stream, &live.maps(), idle, stopping).await,
        Protocol::Submission => submission::answer(&mut stream, way.uid, live, stopping).await,
        Protocol::Metrics => metrics::answer(&mut stream, &live.relay(), stopping).await,
    }
}

/// Tells the log of a panic, which ends one connection and no more; its message is told nobody.
struct TellPanic(Protocol);

impl Drop for TellPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            log::warning(&format!("{}: internal error ended a connection: please report it", self.0.name()));
        }
    }
}

#[cfg(test)]
mod tests;
