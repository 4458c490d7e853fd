//! Submission servers of Python programs beside this file.

use super::ca::Certificate;
use super::daemon::Daemon;
use super::lab::Lab;
use super::log::Log;
use super::provider::{ANNA, LIMIT, Provider, REFUSED, SECRET, files};
use super::sink::Arrived;
use std::net::SocketAddr;
use std::path::PathBuf;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mta/support");

/// RFC 9266 section 2.
const LABEL: &str = "EXPORTER-Channel-Binding";

/// It ends with the test.
pub(crate) struct PythonProvider {
    _daemon: Daemon,
    log: Log,
    address: SocketAddr,
    tls: &'static str,
    authority: String,
    kept: PathBuf,
}

/// Python's aiosmtpd: lockstep, and DATA alone.
pub(crate) fn aiosmtpd(lab: &Lab) -> PythonProvider {
    PythonProvider::start(lab, "aiosmtpd", "starttls", &[&LIMIT.to_string()])
}

/// GNU SASL: SCRAM with channel binding, by another TLS library and another SCRAM than ours.
pub(crate) fn gsasl(lab: &Lab) -> PythonProvider {
    PythonProvider::start(lab, "gsasl", "implicit", &["SCRAM-SHA-256 SCRAM-SHA-256-PLUS", LABEL])
}

/// Somebody has taken the better mechanism out of the offer.
pub(crate) fn gsasl_weakened(lab: &Lab) -> PythonProvider {
    PythonProvider::start(lab, "gsasl", "implicit", &["SCRAM-SHA-256", LABEL])
}

/// Somebody has a TLS session of his own with the client.
pub(crate) fn gsasl_behind_another(lab: &Lab) -> PythonProvider {
    PythonProvider::start(lab, "gsasl", "implicit", &["SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "EXPORTER-Somebody"])
}

impl PythonProvider {
    fn start(lab: &Lab, name: &str, tls: &'static str, more: &[&str]) -> Self {
        let certificate = Certificate::new(lab, &format!("{name}/tls"));
        let (address, kept) = (lab.free_address(), lab.directory(&format!("{name}/kept")));
        let password = lab.write(&format!("{name}/password"), SECRET).display().to_string();
        let (ip, port, directory) = (address.ip().to_string(), address.port().to_string(), kept.display().to_string());
        let program = format!("{DIRECTORY}/{name}_provider.py");
        let server = ["-W", "ignore", &program, &ip, &port, &certificate.certificate, &certificate.key];
        let rest = [ANNA, &password, REFUSED, &directory];
        let mut daemon = Daemon::start("/usr/bin/python3", &[&server[..], &rest[..], more].concat());
        let log = Log::follow(daemon.stdout());
        log.wait_for("start of the server", |line| line == "ready");
        Self { _daemon: daemon, log, address, tls, authority: certificate.authority, kept }
    }
}

impl Provider for PythonProvider {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn tls(&self) -> &'static str {
        self.tls
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
