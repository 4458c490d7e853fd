//! TLS to a server: certificate and name verified, 1.2 or later.

use super::failure::{Failure, FailureKind};
use crate::secret::trust;
use crate::verdict::Stage;
use crate::wire::text::with_hint;
use rustls::{ClientConfig, ProtocolVersion};
use rustls_pki_types::ServerName;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The label of `tls-exporter` (RFC 9266 section 2).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Whom to believe. Nothing is read before the first handshake; sessions are resumed between those who share it.
#[derive(Debug, Default)]
pub struct TlsTrust {
    ca_file: Option<PathBuf>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl TlsTrust {
    /// The authorities in `ca_file` instead of the system's.
    pub fn new(ca_file: Option<&Path>) -> TlsTrust {
        TlsTrust { ca_file: ca_file.map(Path::to_owned), config: OnceLock::new() }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let read = trust::client_config(self.ca_file.as_deref())
            .map_err(|error| Failure::new(Stage::Tls, FailureKind::Trust(with_hint(&error, error.hint()))))?;
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(read))))
    }

    /// Shakes hands as a client of `host`, within `limit`.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        host: &str,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        shake_hands(self.config()?, stream, host, limit).await
    }
}

/// Shakes hands as a client of `host` by a client's configuration, within `limit`.
pub(super) async fn shake_hands(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    host: &str,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, Failure> {
    let fault = |detail: String| Failure::new(Stage::Tls, FailureKind::Tls(detail));
    let name = ServerName::try_from(host.to_owned()).map_err(|_| fault(format!("{host} is no host name")))?;
    match timeout(limit, TlsConnector::from(config).connect(name, stream)).await {
        Ok(shaken) => shaken.map_err(|error| fault(error.to_string())),
        Err(_) => Err(fault("the handshake takes too long".to_owned())),
    }
}

/// What a SASL mechanism with channel binding signs; only TLS 1.3 has it without further conditions.
pub(super) fn channel_binding(stream: &TlsStream<TcpStream>) -> Option<[u8; 32]> {
    let (_, connection) = stream.get_ref();
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material([0; 32], EXPORTER_LABEL, Some(b"")).ok()
}
