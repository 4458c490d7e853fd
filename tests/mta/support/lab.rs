//! The directory and the loopback address of one test, and sendvia as installed there.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::daemon::run;

/// One test's private world. Every server in it listens on the same address of its own, so that no port it was
/// given can be taken by another test, or by an outgoing connection, before the server binds it.
pub(crate) struct Lab {
    directory: TempDir,
    address: Ipv4Addr,
}

impl Lab {
    /// A new directory that the MTAs' users may enter, with an empty `accounts.d` for sendvia in it.
    pub(crate) fn new() -> Self {
        let directory = TempDir::with_prefix("sendvia-mta-").expect("a temporary directory");
        open_to_all(directory.path());
        let [a, b, c, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
        let lab = Self { directory, address: Ipv4Addr::new(127, a | 1, b, c.clamp(1, 254)) };
        lab.directory("etc/accounts.d");
        lab.install(env!("CARGO_BIN_EXE_sendvia"));
        lab
    }

    /// The address that this lab's servers listen on.
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Where `name` is in this lab.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as text, for configuration files and command lines.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A port that nothing listens on.
    pub(crate) fn free_address(&self) -> SocketAddr {
        let listener = TcpListener::bind((self.address, 0)).expect("a loopback port");
        listener.local_addr().expect("bound")
    }

    /// Makes a directory that every user may enter.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a directory");
        let mut entered = self.directory.path().to_owned();
        for part in Path::new(name) {
            entered.push(part);
            open_to_all(&entered);
        }
        path
    }

    /// Writes a file that every user may read.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
        path
    }

    /// What a file holds.
    pub(crate) fn read(&self, name: &str) -> String {
        let octets = fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Puts a shell script in sendvia's place. It finds a directory that its user may write in as `$GIVEN`.
    pub(crate) fn stand_in(&self, script: &str) {
        let given = self.directory("given");
        fs::set_permissions(&given, fs::Permissions::from_mode(0o777)).expect("mode");
        let path = self.write("stand-in", format!("#!/bin/sh\nGIVEN={}\n{script}\n", given.display()));
        open_to_all(&path);
        self.install(&path.display().to_string());
    }

    /// Writes an account, readable by sendvia's user alone.
    pub(crate) fn account(&self, address: &str, yaml: &str) {
        let path = self.write(&format!("etc/accounts.d/{address}.yaml"), yaml);
        let (user, group) = user("sendvia");
        chown(&path, Some(user), Some(group)).expect("owner");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    }

    /// The command that the MTA runs as sendvia: `program` under this lab's configuration. `exec` keeps the MTA's
    /// process its parent, as it is where sendvia is installed.
    pub(crate) fn install(&self, program: &str) {
        let script = format!("#!/bin/sh\nSENDVIA_CONFIG={} exec {program} \"$@\"\n", self.text("etc/sendvia.yaml"));
        let path = self.write("sendvia", script);
        open_to_all(&path);
    }
}

/// The user and the group of a user's name.
///
/// # Panics
/// When there is none: `tests/install-peers` makes them.
pub(crate) fn user(name: &str) -> (u32, u32) {
    let entry = run("getent", &["passwd", name]);
    let mut fields = entry.trim().split(':').skip(2).map(|field| field.parse().expect("a number"));
    (fields.next().expect("a user"), fields.next().expect("a group"))
}

/// Lets every user enter a directory or run a file.
fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
}

/// A file of `contrib/`, with the installed paths that an administrator would adapt put in.
pub(crate) fn contrib(name: &str, paths: &[(&str, &str)]) -> String {
    let mut text = repository(&format!("contrib/{name}"));
    for (installed, here) in paths.iter().filter(|(installed, _)| !installed.is_empty()) {
        assert!(text.contains(installed), "contrib/{name} does not name {installed}");
        text = text.replace(installed, here);
    }
    text
}

/// A file of this repository.
pub(crate) fn repository(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
