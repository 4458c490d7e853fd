//! What a dialogue offers and bears.

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 5321: one reply for a message.
    Smtp,
    /// RFC 2033: a reply for each recipient.
    Lmtp,
    /// Commands without replies, as Exim's `use_bsmtp` writes them.
    Batch,
}

/// Conditions of one dialogue.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The protocol.
    pub dialect: Dialect,
    /// Our name in greetings.
    pub host: String,
    /// The most recipients of one message; RFC 5321 section 4.5.3.1.8 demands 100.
    pub max_recipients: usize,
    /// The most octets of one message, if there is a limit.
    pub max_size: Option<u64>,
    /// The most commands refused before the client is sent away.
    pub max_errors: u32,
}

impl Terms {
    /// The usual conditions.
    pub fn new(dialect: Dialect, host: impl Into<String>) -> Terms {
        Terms { dialect, host: host.into(), max_recipients: 1000, max_size: None, max_errors: 20 }
    }
}
