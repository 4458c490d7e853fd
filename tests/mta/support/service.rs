//! `sendvia serve` as a plain process, under the user and the configuration that `contrib/` names.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::lab::{Lab, contrib, user};
use super::provider::{Provider, SECRET};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service. Dropping it kills it, without a chance to clear up.
pub(crate) struct Service(Child);

impl Service {
    /// Started, with an answer on each of these sockets.
    pub(crate) fn start(lab: &Lab, sockets: &[impl AsRef<str>]) -> Self {
        let child = Command::new("setpriv")
            .args(["--reuid", "sendvia", "--regid", "sendvia", "--clear-groups", "--pdeathsig", "KILL", "--"])
            .args([env!("CARGO_BIN_EXE_sendvia"), "serve", "--config", &lab.text("etc/sendvia.yaml")])
            .stdin(Stdio::null())
            .spawn()
            .expect("sendvia starts");
        let end = Instant::now() + PATIENCE;
        for socket in sockets.iter().map(AsRef::as_ref) {
            while UnixStream::connect(lab.path(socket)).is_err() {
                assert!(Instant::now() < end, "nobody answers on {socket}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Self(child)
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0.id())).expect("it runs").count()
    }

    /// Kills it, as no memory left does.
    pub(crate) fn kill(self) {}
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lays down a `sendvia.yaml` of `contrib/` with this lab's sockets in it, its private file `key`, and the directory
/// `sockets` for the MTA's `group`; `installed` is where that is in `contrib/`.
pub(crate) fn configure(
    lab: &Lab,
    yaml: &str,
    provider: &dyn Provider,
    installed: &str,
    sockets: &str,
    group: &str,
    key: &str,
) {
    let (owner, own_group) = user("sendvia");
    let (_, group) = user(group);
    chown(lab.directory("state"), Some(owner), Some(own_group)).expect("owner");
    let directory = lab.directory(sockets);
    chown(&directory, Some(owner), Some(group)).expect("owner");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o2750)).expect("mode");
    let path = lab.write(&format!("etc/{key}"), "0123456789abcdef0123456789abcdef0123456789abcdef\n");
    chown(&path, Some(owner), Some(own_group)).expect("owner");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    let text = contrib(yaml, &[(installed, &lab.text(sockets))]);
    let (authority, state) = (provider.authority(), lab.text("state"));
    lab.write("etc/sendvia.yaml", format!("{text}tls: {{ca_file: {authority}}}\nstate: {state}\nlog: {{to: none}}\n"));
}

/// An account at the provider for the customer who is called as its local-part.
pub(crate) fn account(lab: &Lab, address: &str, provider: &dyn Provider) {
    let (host, port, tls) = (provider.address().ip(), provider.address().port(), provider.tls());
    let login = address.split('@').next().unwrap_or_default();
    lab.account(
        address,
        &format!(
            "provider: gmx\nsubmission: {{host: {host}, port: {port}, tls: {tls}}}\nsecret: {{plain: {SECRET}}}\nusers: [{login}]\n"
        ),
    );
}
