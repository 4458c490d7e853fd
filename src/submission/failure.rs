//! How a session can end before its message is accepted.

use crate::verdict::{Extension, Stage};
use crate::wire::reply::{Reply, ReplyClass};
use std::fmt;
use std::io;

/// An end, with the stage at which it came.
#[derive(Debug)]
pub struct Failure {
    /// Where in the dialogue.
    pub stage: Stage,
    /// What happened.
    pub kind: FailureKind,
    /// What the server said beside its reply: the JSON of a refused access token.
    pub note: Option<String>,
    /// Whether the message can be tried again in another session without any risk of a double: the server closed the
    /// session before it replied to anything of the transaction, or said 421 to MAIL.
    pub is_untouched: bool,
}

/// What happened.
#[derive(Debug)]
pub enum FailureKind {
    /// The server said no.
    Refused(Reply),
    /// Name look-up, TCP, a proxy, a lost connection, silence, nonsense.
    Connection(String),
    /// The handshake, the certificate, or a STARTTLS that is not offered or not clean.
    Tls(String),
    /// Our own list of certificate authorities can't be used.
    Trust(String),
    /// The session is not protected, and the password may not cross it.
    Unprotected,
    /// The message was sent whole, and no reply to it came.
    Unanswered(String),
    /// No mechanism that server, credentials and account share; what the server offers.
    NoMechanism(Vec<String>),
    /// The SASL exchange went wrong: an unfit password, or a server that did not prove itself.
    Sasl(String),
    /// The message needs what the server lacks.
    ExtensionMissing(Extension),
    /// The message is over the server's limit.
    TooLarge {
        /// Octets of the message.
        size: u64,
        /// The server's limit in octets.
        limit: u64,
    },
    /// The message was found to be cut, and was not completed.
    Cut(String),
    /// The message could not be read.
    Source(io::Error),
    /// The deadline passed.
    Deadline,
}

impl Failure {
    pub(super) fn new(stage: Stage, kind: FailureKind) -> Failure {
        Failure { stage, kind, note: None, is_untouched: false }
    }

    pub(super) fn connection(stage: Stage, detail: impl fmt::Display) -> Failure {
        Failure::new(stage, FailureKind::Connection(detail.to_string()))
    }

    pub(super) fn refused(stage: Stage, reply: Reply) -> Failure {
        Failure::new(stage, FailureKind::Refused(reply))
    }

    /// A reply other than the one that lets the session go on: a refusal, or of a class that answers nothing here.
    pub(super) fn unwelcome(stage: Stage, reply: Reply) -> Failure {
        match reply.class() {
            ReplyClass::Transient | ReplyClass::Permanent => Failure::refused(stage, reply),
            ReplyClass::Completed | ReplyClass::Intermediate => {
                Failure::connection(stage, format!("unexpected reply {reply}"))
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.stage;
        match &self.kind {
            FailureKind::Refused(reply) => write!(f, "{stage}: {reply}"),
            FailureKind::Connection(detail)
            | FailureKind::Tls(detail)
            | FailureKind::Trust(detail)
            | FailureKind::Sasl(detail)
            | FailureKind::Cut(detail) => write!(f, "{stage}: {detail}"),
            FailureKind::Unprotected => write!(f, "{stage}: without TLS no password is sent"),
            FailureKind::Unanswered(detail) => write!(f, "{stage}: no reply: {detail}"),
            FailureKind::NoMechanism(offered) => {
                write!(f, "{stage}: no usable SASL mechanism among {:?}", offered.join(" "))
            }
            FailureKind::ExtensionMissing(extension) => write!(f, "{stage}: the server lacks {extension:?}"),
            FailureKind::TooLarge { size, limit } => write!(f, "{stage}: {size} octets, but at most {limit}"),
            FailureKind::Source(error) => write!(f, "{stage}: reading the message: {error}"),
            FailureKind::Deadline => write!(f, "{stage}: the deadline passed"),
        }
    }
}

impl std::error::Error for Failure {}
