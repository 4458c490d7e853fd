//! A submission server, as an account or a provider names it.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How a session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// `implicit`: TLS from the first octet (RFC 8314).
    Implicit,
    /// `starttls`: demanded before AUTH (RFC 3207).
    StartTls,
    /// `none`
    None,
}

/// Host, port and protection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// A host name in A-labels, or an address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the session is protected.
    pub tls: TlsMode,
}

/// The words of the configuration.
pub(crate) const TLS_MODES: [(&str, TlsMode); 3] =
    [("implicit", TlsMode::Implicit), ("starttls", TlsMode::StartTls), ("none", TlsMode::None)];

/// Not one of the words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected implicit, starttls or none")]
pub struct UnknownTlsMode;

impl TlsMode {
    /// What a port stands for where nothing is said.
    pub fn of_port(port: u16) -> TlsMode {
        if port == 465 { TlsMode::Implicit } else { TlsMode::StartTls }
    }

    /// The port that stands for this protection where nothing is said.
    pub fn usual_port(self) -> u16 {
        if self == TlsMode::Implicit { 465 } else { 587 }
    }
}

impl FromStr for TlsMode {
    type Err = UnknownTlsMode;

    fn from_str(text: &str) -> Result<TlsMode, UnknownTlsMode> {
        TLS_MODES.iter().find(|(word, _)| *word == text).map(|(_, mode)| *mode).ok_or(UnknownTlsMode)
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsMode::Implicit => "implicit",
            TlsMode::StartTls => "starttls",
            TlsMode::None => "none",
        })
    }
}

/// `mail.gmx.net:465`
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
