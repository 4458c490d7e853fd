//! Whether the providers' ports can be reached from here. Nobody logs in: a login too many locks accounts.

use super::finding::Findings;
use crate::account::{self, Server};
use crate::config::{Config, Way};
use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

/// How long one connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many servers are tried; more are the same network.
const MOST: usize = 32;

/// Connects to each server of an account, where the route is direct.
pub(super) fn look(config: &Config, findings: &mut Findings) {
    let is_direct = config.routes.is_empty() || config.routes.iter().any(|route| matches!(route.way, Way::Direct));
    if !is_direct {
        return;
    }
    let tries: Vec<_> = servers(config)
        .into_iter()
        .take(MOST)
        .map(|((host, port), address)| {
            (
                thread::spawn({
                    let host = host.clone();
                    move || connect(&host, port)
                }),
                host,
                port,
                address,
            )
        })
        .collect();
    for (running, host, port, address) in tries {
        if let Ok(Err(problem)) = running.join() {
            let why = "the mail of its accounts waits; many networks let no mail ports out";
            let mend =
                format!("let TCP port {port} to {host} out at the firewall, then: sendvia account test {address}");
            findings.error("port", format!("{host}:{port} can't be reached: {problem}"), why, mend);
        }
    }
}

/// Each server once, with an account that uses it.
fn servers(config: &Config) -> BTreeMap<(String, u16), String> {
    let mut servers = BTreeMap::new();
    let store = account::open(&config.accounts, config.presets.clone());
    // What can't be read has its finding already.
    let _ = store.survey(&mut |surveyed| {
        if let Some(account) = surveyed.account.filter(|account| !account.disabled) {
            let Server { host, port, .. } = account.submission;
            servers.entry((host, port)).or_insert_with(|| account.address.to_string());
        }
    });
    servers
}

fn connect(host: &str, port: u16) -> Result<(), String> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
