//! Ours: owners of accounts, key and state, the trust store, and what is closed for now.

use super::finding::Findings;
use crate::account::Place;
use crate::config::{Config, KeySource};
use crate::secret::trust;
use crate::setup::{HostUser, host_user};
use crate::state::{Clock, Ledger as _, Sqlite};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Looks at what `user` has to read and write.
pub(super) fn look(config: &Config, user: Option<&str>, findings: &mut Findings) {
    let name = user.unwrap_or("sendvia");
    if let Some(account) = host_user(name) {
        look_at_owners(config, name, account, findings);
    }
    if let Err(error) = trust::client_config(config.ca_file.as_deref()) {
        let why = "no server's certificate can be verified, so nothing is sent";
        let mend = match &config.ca_file {
            None => "apt install ca-certificates",
            Some(_) => "have `tls: {ca_file: ...}` name a PEM file with the authorities to believe",
        };
        findings.error("trust", error.to_string(), why, mend.to_owned());
    }
    look_at_closures(config, findings);
}

fn look_at_owners(config: &Config, name: &str, user: HostUser, findings: &mut Findings) {
    if let Place::Directory(directory) = &config.accounts {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
            look_at_owner(&file, name, user, findings);
        }
    }
    if let KeySource::File(key) = config.key_source() {
        look_at_owner(&key, name, user, findings);
    }
    match fs::metadata(&config.state) {
        Ok(metadata) if metadata.uid() == user.uid => {}
        _ => {
            let state = config.state.display();
            let what = format!("{state}: expected a directory of {name}'s");
            let why = "what outlives a delivery (pauses, limits, tokens) can't be kept: mail goes out, and what was refused is tried each time";
            findings.error("state", what, why, format!("install -d -o {name} -g {name} -m 0700 {state}"));
        }
    }
}

/// His own, or root's and readable by his group.
fn look_at_owner(file: &Path, name: &str, user: HostUser, findings: &mut Findings) {
    let Ok(metadata) = fs::metadata(file) else { return };
    let by_group = metadata.uid() == 0 && metadata.gid() == user.gid && metadata.mode() & 0o040 != 0;
    if metadata.uid() != user.uid && !by_group {
        let file = file.display();
        let what = format!("{file}: belongs to user {}, and {name} has to read it", metadata.uid());
        findings.error(
            "owner",
            what,
            "what can't be read defers the mail of its senders",
            format!("chown {name}: {file}"),
        );
    }
}

fn look_at_closures(config: &Config, findings: &mut Findings) {
    if !config.state.is_dir() {
        return;
    }
    let state = Sqlite::new(&config.state, Clock::System);
    let now = state.clock().now();
    for closure in state.closures().unwrap_or_default().into_iter().filter(|closure| now < closure.until) {
        let (kind, name) = (closure.subject.kind.name(), closure.subject.name);
        let what = format!("{kind} {name} is closed for now: {}", closure.reason);
        findings.warning("closed", what, "its mail waits until the pause is over", "sendvia status".to_owned());
    }
}
