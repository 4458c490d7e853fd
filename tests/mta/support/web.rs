//! An HTTPS server for one test: one page, under the names of its certificate, on port 443 of the lab's own address.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A running server; it ends with the test's process.
pub(crate) struct Web {
    /// Who vouches for it, as PEM.
    pub(crate) authority: String,
    page: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub(crate) fn start(address: Ipv4Addr, names: &[&str]) -> Web {
        let (config, authority) = identity(names);
        let web = Web { authority, page: Arc::default(), asked: Arc::default() };
        let listener = TcpListener::bind((address, 443)).expect("port 443");
        let (page, asked, config) = (Arc::clone(&web.page), Arc::clone(&web.asked), Arc::new(config));
        std::thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let mut stream = BufReader::new(StreamOwned::new(connection, peer));
                let mut line = String::new();
                let mut target = String::new();
                // A client that does not trust the certificate ends here.
                while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                    if target.is_empty() {
                        target = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    }
                    line.clear();
                }
                if target.is_empty() {
                    continue;
                }
                asked.lock().expect("no panic").push(target);
                let page = page.lock().expect("no panic").clone();
                let status = if page.is_empty() { "404 Not Found" } else { "200 OK" };
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
                let _ = stream.get_mut().write_all((head + &page).as_bytes());
                stream.get_mut().conn.send_close_notify();
                let _ = stream.get_mut().flush();
            }
        });
        web
    }

    /// What it answers from now on; nothing is 404.
    pub(crate) fn page(&self, text: &str) {
        *self.page.lock().expect("no panic") = text.to_owned();
    }

    /// The targets of all requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn identity(names: &[&str]) -> (ServerConfig, String) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "web tests");
    let pem = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let leaf = CertificateParams::new(names).expect("parameters").signed_by(&key, &issuer).expect("signed");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    (config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).expect("a pair"), pem)
}
