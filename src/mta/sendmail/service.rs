//! Submitting by the resident service, where the caller may not read the sender's account: the service has the secret,
//! which never enters the caller's process, and the kernel tells it who he is.

use super::Trouble;
use crate::account::{AccountError, Place};
use crate::config::{Config, ListenAddress};
use crate::message::Message;
use crate::mta::delivery::{Desk, IsWhole};
use crate::relay::{account_of, hand_over};
use crate::verdict::Outcome;
use crate::wire::envelope::Envelope;
use crate::wire::mailbox::ReversePath;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The system's configuration, which may be none of the users' business.
const CONFIG: &str = "/etc/sendvia/sendvia.yaml";

/// Where the service takes submissions, for those who can't read where.
const SOCKET: &str = "/run/sendvia/submission";

/// What is known of a configuration that the caller may not read: that a service takes submissions.
pub(super) fn config_without_reading() -> Option<Config> {
    let is_forbidden = std::fs::File::open(CONFIG).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    if !is_forbidden || !Path::new(SOCKET).exists() {
        return None;
    }
    let mut config = Config::beside(Path::new(CONFIG).parent()?);
    config.listen.submission = vec![ListenAddress::Unix(SOCKET.into())];
    Some(config)
}

/// The service's socket, where it has one and the sender's account is not the caller's to read.
pub(super) fn socket_for(desk: &Desk, sender: &ReversePath) -> Option<PathBuf> {
    let config = desk.relay().config();
    let socket = socket_of(config)?;
    match account_of(desk.relay().store(), &config.null_sender, sender) {
        Err(AccountError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Some(socket),
        Err(AccountError::Database { .. }) => Some(socket),
        // Whose sender it is shows in the envelope; nothing is found out by asking.
        _ => None,
    }
}

/// The same before any sender is known: where the accounts are another user's. Root reads them all.
pub(super) fn socket_for_dialogue(config: &Config) -> Option<PathBuf> {
    let socket = socket_of(config)?;
    let (Place::Directory(place) | Place::Sqlite(place)) = &config.accounts;
    let uid = rustix::process::getuid().as_raw();
    let is_own = uid == 0 || std::fs::metadata(place).is_ok_and(|metadata| metadata.uid() == uid);
    (!is_own).then_some(socket)
}

fn socket_of(config: &Config) -> Option<PathBuf> {
    config.listen.submission.iter().find_map(|address| match address {
        ListenAddress::Unix(path) => Some(path.clone()),
        ListenAddress::Tcp(_) => None,
    })
}

/// Hands a message over.
pub(super) async fn submit(
    socket: &Path,
    envelope: &Envelope,
    message: &Message,
    is_whole: &IsWhole,
    deadline: Option<Instant>,
) -> Result<Outcome, Trouble> {
    match hand_over(socket, envelope, message, is_whole, deadline).await {
        Ok(outcome) => Ok(outcome),
        Err(Outcome::Refused { reply, .. }) => Err(Trouble::refused_by_service(&reply)),
        Err(outcome) => Err(Trouble::from(&outcome)),
    }
}
