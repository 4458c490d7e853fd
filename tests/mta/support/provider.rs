//! What the messages leave through: submission servers.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::log::Log;
use super::sink::Arrived;

/// The customer's account at every provider here: its address is its login.
pub(crate) const ANNA: &str = "anna@gmx.example";
/// Another customer's, at the sandbox.
pub(crate) const CARL: &str = "carl@gmx.example";
/// Its password.
pub(crate) const SECRET: &str = "s3cret of anna";
/// A recipient that every provider here refuses.
pub(crate) const REFUSED: &str = "refused@example.org";
/// The largest message in octets that Exim and aiosmtpd take here.
pub(crate) const LIMIT: usize = 5 << 20;

/// A submission server that takes mail from [`ANNA`] with [`SECRET`].
pub(crate) trait Provider {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
    /// How TLS begins there, in an account's words: `starttls` or `implicit`.
    fn tls(&self) -> &'static str;
    /// Who vouches for its certificate: a PEM file.
    fn authority(&self) -> String;
    /// The messages that arrived.
    fn arrived(&self) -> Vec<Arrived>;
    /// Waits for the message with this Message-ID.
    ///
    /// # Panics
    /// When it does not come.
    fn wait_for(&self, message_id: &str) -> Arrived;

    /// What it says.
    fn log(&self) -> Option<&Log> {
        None
    }

    /// How sendvia calls it.
    fn name(&self) -> String {
        self.address().ip().to_string()
    }

    /// How often somebody connected, where that is known to the last one.
    fn connections(&self) -> Option<u64> {
        None
    }

    /// From now on clients are turned away by the greeting: where, if this server can do so.
    fn turn_clients_away(&self) -> Option<SocketAddr> {
        None
    }

    /// Waits until a client got that greeting.
    fn wait_for_client_turned_away(&self) {}
}

/// What the files of a directory hold, in the order of their names.
pub(crate) fn files(directory: &std::path::Path, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        entries.filter(|entry| wanted(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

/// A message whose lines end as a file's do, as it is sent.
pub(crate) fn on_the_wire(message: &[u8]) -> Vec<u8> {
    let line_ends = message.split_inclusive(|octet| *octet == b'\n');
    line_ends.flat_map(|line| [line.strip_suffix(b"\n").unwrap_or(line), b"\r\n"].concat()).collect()
}
