//! What the tests ask of an MTA, whichever it is.

use std::net::SocketAddr;

use super::client::Submission;
use super::log::Log;

/// What an MTA did with one recipient of a message, with the text it logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Handed on.
    Sent(String),
    /// Kept in the queue.
    Deferred(String),
    /// Given back to the sender.
    Bounced(String),
}

impl Outcome {
    /// What became of the message, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Sent(_) => "sent",
            Self::Deferred(_) => "deferred",
            Self::Bounced(_) => "bounced",
        }
    }

    /// What the MTA logged.
    pub(crate) fn text(&self) -> &str {
        let (Self::Sent(text) | Self::Deferred(text) | Self::Bounced(text)) = self;
        text
    }
}

/// A running MTA that routes by `contrib/`'s files and has customers with logins.
pub(crate) trait Mta {
    /// Where customers submit.
    fn submission(&self) -> SocketAddr;
    /// What it logs.
    fn log(&self) -> &Log;
    /// What it did with `recipient` of the message `queue_id`, once it has.
    fn outcome(&self, queue_id: &str, recipient: &str) -> Outcome;
    /// The line that sendvia said of `recipient`, as the MTA logged it.
    fn said(&self, queue_id: &str, recipient: &str) -> String;
    /// The ids of the messages in its queue.
    fn queue(&self) -> Vec<String>;
    /// Tries everything in the queue now.
    fn flush(&self);
    /// Waits until nothing more has to be done for a message.
    fn wait_for_end(&self, queue_id: &str);

    /// Submits as the customer `login` and returns the queue id.
    fn submit(&self, login: &str, sender: &str, recipients: &[&str], message: &[u8]) -> String {
        let mut session = Submission::connect(self.submission(), self.log());
        session.login(login, &password(login));
        session.send(sender, recipients, message)
    }
}

/// A customer's password at the MTA under test.
pub(crate) fn password(login: &str) -> String {
    format!("{login} at the firm")
}

/// The customers' logins at the Postfix under test; Exim takes any login with its [`password`].
pub(crate) const LOGINS: [&str; 2] = ["anna", "carl"];
