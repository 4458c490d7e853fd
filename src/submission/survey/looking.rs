//! TLS with whoever is there, for looking only: what is wrong with the certificate is kept, and the session goes on.
//!
//! A session on it has no way to log in or send; [`super`] offers neither.

use crate::secret::trust;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Verifies, remembers, and lets pass.
#[derive(Debug)]
struct Onlooker {
    verifier: Result<Arc<WebPkiServerVerifier>, String>,
    provider: Arc<CryptoProvider>,
    found: Found,
}

/// What verification found wrong, once there was a handshake.
pub(super) type Found = Arc<Mutex<Option<Result<(), String>>>>;

/// A client that talks to anybody, and where it leaves what it found.
pub(super) fn client(ca_file: Option<&Path>) -> Result<(ClientConfig, Found), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = trust::roots(ca_file).map_err(|error| error.to_string());
    let verifier = roots.and_then(|roots| {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        builder.build().map_err(|error| error.to_string())
    });
    let found = Found::default();
    let onlooker = Onlooker { verifier, provider: Arc::clone(&provider), found: Arc::clone(&found) };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?.dangerous();
    Ok((builder.with_custom_certificate_verifier(Arc::new(onlooker)).with_no_client_auth(), found))
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = match &self.verifier {
            Err(problem) => Err(problem.clone()),
            Ok(verifier) => verifier
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(drop)
                .map_err(|error| error.to_string()),
        };
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
