//! A throw-away certification authority, made by openssl as an administrator would.

use super::daemon::run;
use super::lab::Lab;

/// A server's certificate and key, and the authority that vouches for it; paths of PEM files.
pub(crate) struct Certificate {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certificate {
    /// Makes an authority and a certificate for the lab's own address, in the lab's directory `name`.
    pub(crate) fn new(lab: &Lab, name: &str) -> Self {
        lab.directory(name);
        let file = |file: &str| lab.text(&format!("{name}/{file}"));
        let made = Self { authority: file("ca.pem"), certificate: file("server.pem"), key: file("server.key") };
        let authority_key = file("ca.key");
        let names = format!("subjectAltName=DNS:localhost,IP:{}", lab.address());
        request("/CN=sendvia tests", &authority_key, &made.authority, &["-addext", "keyUsage=critical,keyCertSign"]);
        let signed = ["-CA", &made.authority, "-CAkey", &authority_key];
        let leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", &names];
        request("/CN=localhost", &made.key, &made.certificate, &[&signed[..], &leaf[..]].concat());
        made
    }
}

fn request(subject: &str, key: &str, out: &str, more: &[&str]) {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    run("openssl", &[&["req", "-x509", "-subj", subject, "-keyout", key, "-out", out], &curve[..], more].concat());
}
