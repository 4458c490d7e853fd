//! What the messages leave through: submission servers.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The customer's account at every provider here: its address is its login.
pub(crate) const ANNA: &str = "anna@gmx.example";
/// Its password.
pub(crate) const SECRET: &str = "s3cret of anna";

/// A submission server that takes mail from [`ANNA`] with [`SECRET`].
pub(crate) trait Provider {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
    /// How TLS begins there, in an account's words: `starttls` or `implicit`.
    fn tls(&self) -> &'static str;
    /// Who vouches for its certificate: a PEM file.
    fn authority(&self) -> String;
    /// The messages that arrived.
    fn messages(&self) -> Vec<Vec<u8>>;
    /// Waits until `count` messages are there, and returns the last of them.
    ///
    /// # Panics
    /// When they do not come.
    fn wait_for(&self, count: usize) -> Vec<u8>;
}

/// What the files of a directory hold, in the order of their names.
pub(crate) fn files(directory: &std::path::Path, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        entries.filter(|entry| wanted(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}
