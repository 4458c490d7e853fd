//! GNU SASL as a submission server: SCRAM with channel binding, by another TLS library and another SCRAM than ours.

use super::ca::Certificate;
use super::daemon::Daemon;
use super::lab::Lab;
use super::log::Log;
use super::provider::{ANNA, Provider, REFUSED, SECRET, files};
use super::sink::Arrived;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The program beside this file.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mta/support/gsasl_provider.py");

/// RFC 9266 section 2.
const LABEL: &str = "EXPORTER-Channel-Binding";

/// It ends with the test.
pub(crate) struct GsaslProvider {
    _daemon: Daemon,
    log: Log,
    address: SocketAddr,
    authority: String,
    kept: PathBuf,
}

impl GsaslProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        Self::with(lab, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", LABEL)
    }

    /// Somebody has taken the better mechanism out of the offer.
    pub(crate) fn start_weakened(lab: &Lab) -> Self {
        Self::with(lab, "SCRAM-SHA-256", LABEL)
    }

    /// Somebody has a TLS session of his own with the client.
    pub(crate) fn start_behind_another(lab: &Lab) -> Self {
        Self::with(lab, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "EXPORTER-Somebody")
    }

    fn with(lab: &Lab, mechanisms: &str, label: &str) -> Self {
        let certificate = Certificate::new(lab, "gsasl/tls");
        let (address, kept) = (lab.free_address(), lab.directory("gsasl/kept"));
        let password = lab.write("gsasl/password", SECRET).display().to_string();
        let (ip, port, directory) = (address.ip().to_string(), address.port().to_string(), kept.display().to_string());
        let server = ["-W", "ignore", PROGRAM, &ip, &port, &certificate.certificate, &certificate.key];
        let rest = [ANNA, &password, REFUSED, &directory, mechanisms, label];
        let mut daemon = Daemon::start("/usr/bin/python3", &[&server[..], &rest[..]].concat());
        let log = Log::follow(daemon.stdout());
        log.wait_for("start of the server", |line| line == "ready");
        Self { _daemon: daemon, log, address, authority: certificate.authority, kept }
    }
}

impl Provider for GsaslProvider {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn tls(&self) -> &'static str {
        "implicit"
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

    fn log(&self) -> Option<&Log> {
        Some(&self.log)
    }
}
