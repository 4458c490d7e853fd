//! Python's aiosmtpd as a submission server: lockstep, and DATA alone.

use super::ca::Certificate;
use super::daemon::Daemon;
use super::lab::Lab;
use super::log::Log;
use super::provider::{ANNA, LIMIT, Provider, REFUSED, SECRET, files};
use super::sink::Arrived;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The program beside this file.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mta/support/aiosmtpd_provider.py");

/// It ends with the test.
pub(crate) struct AiosmtpdProvider {
    _daemon: Daemon,
    log: Log,
    address: SocketAddr,
    authority: String,
    kept: PathBuf,
}

impl AiosmtpdProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        let certificate = Certificate::new(lab, "aiosmtpd/tls");
        let (address, kept) = (lab.free_address(), lab.directory("aiosmtpd/kept"));
        let password = lab.write("aiosmtpd/password", SECRET).display().to_string();
        let (ip, port, limit) = (address.ip().to_string(), address.port().to_string(), LIMIT.to_string());
        let directory = kept.display().to_string();
        let arguments = [&ip, &port, &certificate.certificate, &certificate.key, ANNA, &password, REFUSED, &limit];
        let mut daemon =
            Daemon::start("/usr/bin/python3", &[&["-W", "ignore", PROGRAM], &arguments[..], &[&directory]].concat());
        let log = Log::follow(daemon.stdout());
        log.wait_for("start of aiosmtpd", |line| line == "ready");
        Self { _daemon: daemon, log, address, authority: certificate.authority, kept }
    }
}

impl Provider for AiosmtpdProvider {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn tls(&self) -> &'static str {
        "starttls"
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn arrived(&self) -> Vec<Arrived> {
        files(&self.kept, |name| !name.starts_with('.')).into_iter().map(Arrived::from_batch).collect()
    }

    /// It is kept before the reply goes out.
    fn wait_for(&self, message_id: &str) -> Arrived {
        let found = self.arrived().into_iter().find(|arrived| arrived.text().contains(message_id));
        found.unwrap_or_else(|| panic!("{message_id} has not arrived; {}", self.log.text()))
    }
}
