//! What the fence leaves within, by the configuration: what that names, where it stands, and the sockets' files.
//!
//! A fence can't be widened, so a configuration that names something outside counts after a restart alone.

use super::Listener;
use crate::account::Place;
use crate::config::{Config, KeySource, LoginFieldConfig, RouteConfig, Way};
use crate::fence::{Fence, Raised};
use crate::log;
use crate::mta::incoming::spool_directory;
use crate::state;
use std::path::{Path, PathBuf};

/// What a service by `config` may reach wherever it listens; nothing is made for it.
pub fn within(config: &Config) -> Fence {
    Fence { read: read(config), write: vec![config.state.clone()], remove: Vec::new() }
}

/// The fence for a service by `config` that listens on `listeners`. The state's directory has to be there by then, and is
/// made.
pub fn fence(config: &Config, listeners: &[Listener]) -> Fence {
    if let Err(error) = state::make_directory(&config.state) {
        log::warning(&format!("{error}"));
    }
    let sockets = listeners.iter().filter_map(|listener| listener.socket.made().map(directory_of));
    Fence { write: vec![config.state.clone(), spool_directory(config)], remove: sockets.collect(), ..within(config) }
}

/// What `config` needs and the fence keeps from it.
pub(super) fn outside(config: &Config, raised: &Raised) -> Option<PathBuf> {
    let Fence { read, write, .. } = within(config);
    let unread = read.into_iter().find(|path| !raised.lets_read(path));
    unread.or_else(|| write.into_iter().find(|path| !raised.lets_write(path)))
}

/// Files are replaced by renaming, so it is the directories that are read.
fn read(config: &Config) -> Vec<PathBuf> {
    let accounts = match &config.accounts {
        Place::Directory(directory) => directory.clone(),
        Place::Sqlite(file) => directory_of(file),
    };
    let key = match config.key_source() {
        KeySource::File(file) => Some(file),
        KeySource::Credential(_) | KeySource::Command(_) => None,
    };
    // Where a link leads that is turned to another version now and then.
    let target = config.file.as_ref().and_then(|file| file.canonicalize().ok());
    let login_field = config.login_field.iter().flat_map(login_keys);
    let proxies = config.routes.iter().filter_map(login_file);
    let files = config.file.iter().cloned().chain(target).chain(key).chain(config.ca_file.clone());
    let directories = files.chain(login_field).chain(proxies).map(|file| directory_of(&file));
    let templates = config.notify.templates.clone();
    [accounts].into_iter().chain(directories).chain(templates).chain(config.fence.read.iter().cloned()).collect()
}

fn login_keys(field: &LoginFieldConfig) -> impl Iterator<Item = PathBuf> {
    [field.key_file.clone(), field.exim_key_file.clone()].into_iter().flatten()
}

fn login_file(route: &RouteConfig) -> Option<PathBuf> {
    match &route.way {
        Way::Direct | Way::Local(_) => None,
        Way::Socks5(proxy) | Way::Connect(proxy) | Way::Upstream(proxy) => proxy.login_file.clone(),
    }
}

/// A file in the root directory stands for itself: nobody means the whole host.
fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if parent != Path::new("/") => parent.to_owned(),
        _ => file.to_owned(),
    }
}
