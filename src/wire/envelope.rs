//! The envelope of one message, with the delivery status notification parameters of RFC 3461.

use super::mailbox::{Mailbox, ReversePath};

/// From whom, to whom, and what the MTA said of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// MAIL FROM.
    pub reverse_path: ReversePath,
    /// RCPT TO, in the order given; never empty when a delivery begins.
    pub recipients: Vec<Recipient>,
    /// RET (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID (RFC 3461 section 4.4), as xtext, just as it stood in the command.
    pub envid: Option<String>,
    /// Whether the MTA said SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// What the MTA said of the body; `None` where the way in cannot tell.
    pub body: Option<BodyType>,
}

/// A recipient with its notification parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// RCPT TO.
    pub mailbox: Mailbox,
    /// NOTIFY (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// ORCPT (RFC 3461 section 4.2): `addr-type;xtext`, just as it stood in the command.
    pub orcpt: Option<String>,
}

/// How much of the message a notification gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header section.
    Headers,
}

/// When a notification is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Never.
    Never,
    /// On at least one of these.
    On {
        /// Delivered.
        success: bool,
        /// Failed for good.
        failure: bool,
        /// Delayed.
        delay: bool,
    },
}

/// BODY (RFC 6152, RFC 3030).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyType {
    /// 7BIT
    SevenBit,
    /// 8BITMIME
    EightBitMime,
}

impl Envelope {
    /// An envelope without any parameter.
    pub fn new(reverse_path: ReversePath, recipients: Vec<Mailbox>) -> Envelope {
        let recipients = recipients.into_iter().map(Recipient::from).collect();
        Envelope { reverse_path, recipients, ret: None, envid: None, smtputf8: false, body: None }
    }
}

impl From<Mailbox> for Recipient {
    fn from(mailbox: Mailbox) -> Recipient {
        Recipient { mailbox, notify: None, orcpt: None }
    }
}
