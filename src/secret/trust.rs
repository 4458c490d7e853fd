//! Which certificate authorities are believed.
//!
//! The system's bundle is one file and read in one go; scanning its directory takes longer, so that is the fallback. Nothing
//! is read before TLS is about to be spoken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr_iter, memmem};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate's first line, and the beginning of its last (RFC 7468 section 5.1).
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Debian's, and that of those who follow it.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why no certificate authority is believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file can't be read, or is not PEM.
    #[error("certificate authorities: {path}: {detail}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// No certificate authority was found.
    #[error("certificate authorities: none found in {place}")]
    None {
        /// Where.
        place: String,
    },
    /// rustls refused its own provider's protocol versions.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl TrustError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            TrustError::File { .. } => {
                Some("`tls: {ca_file: ...}` names a PEM file with the authorities to believe".to_owned())
            }
            TrustError::None { .. } => {
                Some("install the package ca-certificates, or set `tls: {ca_file: ...}`".to_owned())
            }
            TrustError::Tls(_) => None,
        }
    }
}

/// A TLS client that verifies certificate and name, TLS 1.2 or later.
///
/// `ca_file` replaces the system's authorities; so a site that has its own puts both into one file.
///
/// # Errors
/// [`TrustError`].
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let roots = roots(ca_file)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities that are believed.
///
/// # Errors
/// [`TrustError`].
pub fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let environment = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    if let Some(path) = ca_file.map(Path::to_owned).or(environment) {
        return from_file(&path);
    }
    match from_file(Path::new(BUNDLE)) {
        Ok(roots) => Ok(roots),
        Err(_) => from_system(),
    }
}

fn from_file(path: &Path) -> Result<RootCertStore, TrustError> {
    let fault = |detail: String| TrustError::File { path: path.to_owned(), detail };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let certificates = match plain(&pem) {
        Some(certificates) => certificates,
        None => {
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| fault(error.to_string()))?
        }
    };
    let mut roots = RootCertStore::empty();
    // A bundle may hold certificates that rustls does not take; the others still count.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() { Err(TrustError::None { place: path.display().to_string() }) } else { Ok(roots) }
}

/// The certificates of a file where nothing is unusual, else nothing: the library, which knows all of RFC 7468, decodes in
/// constant time for the sake of private keys, and takes three times as long for what is public.
fn plain(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let (mut certificates, mut rest, mut text) = (Vec::new(), pem, Vec::new());
    while let Some(at) = memmem::find(rest, BEGIN) {
        rest = &rest[at + BEGIN.len()..];
        let end = memmem::find(rest, END)?;
        text.clear();
        let mut from = 0;
        for line_end in memchr_iter(b'\n', &rest[..end]) {
            text.extend_from_slice(rest[from..line_end].trim_ascii_end());
            from = line_end + 1;
        }
        certificates.push(STANDARD.decode(&text).ok()?.into());
        rest = &rest[end..];
    }
    Some(certificates)
}

fn from_system() -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TrustError::None { place: "the system's store".to_owned() }) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_believes_nobody_and_says_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, "nothing\n").expect("a file");
        let error = client_config(Some(&path)).expect_err("no authority");
        assert!(error.to_string().contains("none found"), "{error}");
        assert!(client_config(Some(&directory.path().join("missing"))).is_err());
    }

    #[test]
    fn a_file_is_read_as_the_library_reads_it() {
        let certificates = ["a.example", "b.example"].map(|name| {
            let certificate = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            certificate.cert.pem()
        });
        let both = certificates.concat();
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let rows = [
            (both.clone(), Some(2)),
            (both.replace('\n', "\r\n"), Some(2)),
            (format!("# Some CA\n\n{}{key}{}no line end", certificates[0], certificates[1]), Some(2)),
            (String::new(), Some(0)),
            (certificates[0].replace("-----END CERTIFICATE-----", ""), None),
            (certificates[0].replacen("MII", "M*I", 1), None),
        ];
        for (text, count) in rows {
            let fast = plain(text.as_bytes());
            assert_eq!(fast.as_ref().map(Vec::len), count, "{text}");
            let slow: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
            assert_eq!(fast, slow.ok(), "{text}");
        }
    }

    #[test]
    fn one_authority_is_enough() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.pem");
        let authority = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a certificate");
        std::fs::write(&path, authority.cert.pem()).expect("a file");
        assert!(client_config(Some(&path)).is_ok());
    }
}
