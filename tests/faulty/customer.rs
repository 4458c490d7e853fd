//! The site with its customers: an account each, and a proxy of his own before the provider.

use crate::proxy::Proxy;
use sendvia::sandbox::{Sandbox, TlsMode};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What all customers share.
pub(crate) struct Site {
    directory: PathBuf,
    provider: u16,
}

/// One customer.
pub(crate) struct Customer {
    pub(crate) number: usize,
    pub(crate) site: Arc<Site>,
    pub(crate) proxy: Proxy,
}

pub(crate) fn address(number: usize) -> String {
    format!("customer{number}@gmx.de")
}

pub(crate) fn password(number: usize) -> String {
    format!("password-of-{number}")
}

impl Site {
    pub(crate) fn new(directory: &Path, sandbox: &Sandbox) -> Site {
        fs::write(directory.join("ca.pem"), sandbox.ca_pem()).unwrap();
        fs::create_dir(directory.join("accounts.d")).unwrap();
        let provider = sandbox.address(TlsMode::StartTls).unwrap().port();
        Site { directory: directory.to_owned(), provider }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The file in which everything is kept that outlives a process.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state/state.db")
    }
}

impl Customer {
    pub(crate) fn new(site: Arc<Site>, number: usize) -> Customer {
        let proxy = Proxy::start(site.provider);
        let text = format!(
            "provider: gmx\nsubmission: {{host: localhost, port: {}, tls: starttls}}\nsecret: {{plain: {}}}\nusers: [login{number}]\n",
            proxy.port(),
            password(number)
        );
        let file = site.path(&format!("accounts.d/{}.yaml", address(number)));
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Customer { number, site, proxy }
    }

    /// A configuration of the attempt's own: by its EHLO the provider tells which attempt brought a message.
    pub(crate) fn config(&self, attempt: &str) -> PathBuf {
        let file = self.site.path(&format!("lane{}.yaml", self.number));
        let text = format!(
            "tls: {{ca_file: ca.pem}}\nstate: state\nlog: {{to: none}}\nehlo_name: {attempt}\n\
             timeouts: {{connect: 5s, greeting: 5s, ehlo: 5s, tls: 5s, auth: 5s, mail: 5s, rcpt: 5s, data: 5s, final_reply: 5s}}\n\
             breakers: {{{}}}\n",
            ["credentials", "host", "account", "quota", "logins"]
                .map(|name| format!("{name}: {{first: 1s, longest: 1s}}"))
                .join(", ")
        );
        fs::write(&file, text).unwrap();
        file
    }
}
