//! From start to end of the service's process: sockets, readiness, reload, stop.

use super::activation::{adopt, serves};
use super::watched::Watched;
use super::{Drained, Limits, Listener, Live, Protocol, Service, SocketError, enclosure};
use crate::config::{Config, Listen, ListenAddress};
use crate::fence;
use crate::log;
use crate::process::Signals;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::io;
use std::sync::Arc;
use thiserror::Error;

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Neither the configuration nor systemd names a socket.
    #[error("no socket to serve: `listen` names none, and systemd passed none")]
    NoSocket,
    /// Signals or threads.
    #[error("{0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            StartError::Socket(error) => error.hint(),
            StartError::NoSocket => Some("listen: {policy: \"unix:/run/sendvia/policy\"}".to_owned()),
            StartError::System(_) => None,
        }
    }
}

/// Serves on `listeners` until a signal ends it: SIGTERM and SIGINT let transactions finish, a second one does not; SIGHUP,
/// and a change of the configuration's file, make `reload` read it again.
///
/// # Errors
/// [`StartError`]; then nothing was served.
pub async fn run(
    config: Config,
    listeners: Vec<Listener>,
    reload: impl Fn() -> Option<Config>,
) -> Result<Drained, StartError> {
    raise_descriptors();
    let mut signals = Signals::new()?;
    let mut file = Watched::new(config.file.as_deref());
    let live = Arc::new(Live::new(config));
    let service = Service::new(Arc::clone(&live), Limits::default());
    let fence = fence::raised().map_or_else(|| "off".to_owned(), ToString::to_string);
    log::info(&format!("started, {} sockets; fence: {fence}", listeners.len()));
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("fence: {fence}"))]);
    let stopping = async {
        until_stop(&mut signals, &mut file, || take_over(&live, &reload)).await;
        log::info("stopping: transactions under way are finished");
        tell(&[NotifyState::Stopping]);
    };
    let mut impatient = Signals::new()?;
    let drained = tokio::select! {
        drained = service.serve(listeners, stopping) => drained,
        () = second_stop(&mut impatient) => Drained::Partly,
        () = keep_watchdog() => Drained::Partly,
    };
    log::info(match drained {
        Drained::Wholly => "stopped",
        Drained::Partly => "stopped while transactions were under way: the MTA tries them again",
    });
    Ok(drained)
}

/// Every socket of systemd, and those that it did not pass. No runtime is needed.
///
/// # Errors
/// [`StartError`]; then none is left behind.
pub fn listeners(listen: &Listen) -> Result<Vec<Listener>, StartError> {
    let mut listeners = adopt(listen)?;
    let adopted = listeners.len();
    for (_, protocol) in Protocol::ALL {
        for address in protocol.addresses(listen) {
            warn_of_strangers(protocol, address);
            if !serves(&listeners[..adopted], protocol, address) {
                listeners.push(Listener::bind(protocol, address)?);
            }
        }
    }
    match listeners.is_empty() {
        true => Err(StartError::NoSocket),
        false => Ok(listeners),
    }
}

/// Nothing here asks a client who it is.
fn warn_of_strangers(protocol: Protocol, address: &ListenAddress) {
    if let ListenAddress::Tcp(address) = address
        && !address.ip().is_loopback()
    {
        log::warning(&format!("{} listens on {address}: whoever reaches it may ask", protocol.name()));
    }
}

/// A configuration that can't be used changes nothing.
fn take_over(live: &Live, reload: &impl Fn() -> Option<Config>) {
    tell(&reloading());
    match reload() {
        None => log::warning("reload: the configuration in force is kept"),
        Some(config) => replace(live, config),
    }
    tell(&[NotifyState::Ready]);
}

/// sd_notify(3) wants the time beside it, so that an older word is not taken for a newer one.
fn reloading() -> Vec<NotifyState<'static>> {
    [Some(NotifyState::Reloading), NotifyState::monotonic_usec_now().ok()].into_iter().flatten().collect()
}

fn replace(live: &Live, config: Config) {
    if let Some(path) = fence::raised().and_then(|raised| enclosure::outside(&config, raised)) {
        let path = path.display();
        log::warning(&format!("reload: {path} is outside of the fence, which can't be widened: restart the service"));
        return log::warning("reload: the configuration in force is kept");
    }
    if config.listen != live.config().listen {
        log::warning("reload: other sockets in `listen` count after a restart");
    }
    live.replace(config);
    log::info("reload: the new configuration is in force");
}

/// systemd's watchdog, for as long as the runtime turns; never over.
async fn keep_watchdog() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(patience / 2);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// Tells systemd, where it is there to be told.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warning(&format!("systemd can't be told: {error}"));
    }
}

/// As many descriptors as the system lets us have; what it does not is noticed at accept.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The first is for a peaceful end.
async fn second_stop(signals: &mut Signals) {
    signals.stop().await;
    signals.stop().await;
}

async fn until_stop(signals: &mut Signals, file: &mut Watched, reload: impl Fn()) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hang_up.recv() => {
                file.note();
                reload();
            }
            () = file.changed() => reload(),
        }
    }
}
