//! The server's side of SMTP, LMTP and batch SMTP, without I/O: octets in, events and replies out.
//!
//! [`Dialogue`] is fed what a client sent and asked for the next [`Event`] until it is starving. It decides the order of
//! commands and all replies but one: what became of a message is the caller's to say ([`Dialogue::conclude`]).
//! [`serve`] runs a dialogue on any stream.

mod dialogue;
mod replies;
mod serve;
mod terms;
mod transaction;

pub use dialogue::Dialogue;
pub use serve::{Deliver, Ended, serve};
pub use terms::{Dialect, Terms};
pub use transaction::{Mail, XForward};

/// What happened in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// All octets are used up: send the replies, then read more.
    Starving,
    /// A message begins.
    Begin(Box<Mail>),
    /// Some of its octets, dot-stuffing undone: [`Dialogue::content`] has them.
    Content,
    /// It is whole. The caller delivers it and says what became of it by [`Dialogue::conclude`].
    End,
    /// It will never be whole: forget it.
    Abandoned,
    /// The dialogue is over: send the replies, then close.
    Closed,
    /// Batch SMTP has nobody to reply to: what came can't be understood, and the whole batch is worth nothing.
    Broken(String),
}
