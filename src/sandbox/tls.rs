//! A throw-away CA and a server certificate of it, made anew at each start and never written with their keys.

use super::{Listener, SandboxError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What a start makes.
pub(super) struct Throwaway {
    pub(super) ca_pem: String,
    pub(super) acceptor: TlsAcceptor,
}

/// Makes the CA, and a certificate for `localhost`, the loopback addresses, the addresses listened on and `names`.
pub(super) fn throwaway(names: &[String], listeners: &[Listener]) -> Result<Throwaway, SandboxError> {
    let wrong = |error: rcgen::Error| SandboxError::Certificate(error.to_string());
    let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate().map_err(wrong)?).map_err(wrong)?;
    let key = KeyPair::generate().map_err(wrong)?;
    let certificate = server(names, listeners).map_err(wrong)?.signed_by(&key, &authority).map_err(wrong)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private))
        .map_err(|error| SandboxError::Certificate(error.to_string()))?;
    Ok(Throwaway { ca_pem: authority.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "sendvia sandbox throw-away CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(names: &[String], listeners: &[Listener]) -> Result<CertificateParams, rcgen::Error> {
    let mut all: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    all.extend(listeners.iter().map(|listener| listener.address.ip().to_string()));
    all.extend(names.iter().cloned());
    let mut params = CertificateParams::new(all.into_iter().collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "sendvia sandbox");
    Ok(params)
}
