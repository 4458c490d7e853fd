//! Who submitted a message, proved by its signed field.
//!
//! Postfix names the queue id by XFORWARD, and only a field of the policy service for that id is believed. Exim does not,
//! and only a field of Exim's own is believed, if it is the one field there is. Either only over a channel that the MTA
//! alone has.

use super::Channel;
use crate::account::Submitter;
use crate::config::LoginFieldConfig;
use crate::log;
use crate::message::Message;
use crate::secret::login_field::{LOGIN_FIELD, LoginKey};
use crate::state::{Clock, Moment};
use crate::verdict::Outcome;
use crate::wire::mailbox::ReversePath;
use std::path::Path;
use std::time::Duration;

/// A service of ours was down while the message was submitted: the MTA keeps it, and may send it by the pipe transport.
const UNSIGNED: &str = "submitted with a login, but without its signed field: `sendvia policy` did not answer at DATA; \
    the pipe transport has the login";

/// A message as it came.
pub(super) struct Arrival<'a> {
    pub(super) channel: Channel,
    /// By XFORWARD.
    pub(super) queue_id: Option<&'a str>,
    pub(super) sender: &'a ReversePath,
    pub(super) message: &'a Message,
}

/// What is known of its submission.
pub(super) struct Proof {
    pub(super) submitter: Submitter,
    pub(super) queue_id: Option<String>,
}

impl Arrival<'_> {
    /// Who submitted: the login of a field that is believed. A key that can't be read is our trouble, and not the same
    /// as no login.
    pub(super) fn proof(&self, config: Option<&LoginFieldConfig>) -> Result<Proof, Outcome> {
        let nobody = Proof { submitter: Submitter::Nobody, queue_id: self.queue_id.map(str::to_owned) };
        let (Some(config), Channel::OfMta) = (config, self.channel) else { return Ok(nobody) };
        let now = Clock::System.now();
        match (self.queue_id, &config.key_file, &config.exim_key_file) {
            (Some(queue_id), Some(file), _) => {
                let submitter = self.by_postfix(queue_id, file, now, config.lifetime)?;
                Ok(Proof { submitter, ..nobody })
            }
            (None, _, Some(file)) => self.by_exim(file, now, config.lifetime).map(|proof| proof.unwrap_or(nobody)),
            _ => Ok(nobody),
        }
    }

    fn by_postfix(&self, queue_id: &str, file: &Path, now: Moment, lifetime: Duration) -> Result<Submitter, Outcome> {
        let fields = self.fields();
        if fields.is_empty() {
            return match has_logged_in(self.message, queue_id) {
                true => Err(Outcome::Local { problem: UNSIGNED.to_owned() }),
                false => Ok(Submitter::Nobody),
            };
        }
        let key = key(file)?;
        for body in fields {
            // A customer may have put one of his own beside ours.
            match key.verify(&body, queue_id, self.sender, now, lifetime) {
                Ok(login) => return Ok(Submitter::Login(login)),
                Err(disbelief) => log::warning(&format!("{queue_id}: {LOGIN_FIELD} is not believed: {disbelief}")),
            }
        }
        Ok(Submitter::Nobody)
    }

    fn by_exim(&self, file: &Path, now: Moment, lifetime: Duration) -> Result<Option<Proof>, Outcome> {
        let fields = self.fields();
        let [body] = fields.as_slice() else {
            if !fields.is_empty() {
                log::warning(&format!("{} fields {LOGIN_FIELD} are not believed: {WANTED}", fields.len()));
            }
            return Ok(None);
        };
        match key(file)?.verify_exim(body, self.sender, now, lifetime) {
            Ok(claim) => {
                let submitter = claim.login.map_or(Submitter::Nobody, Submitter::Login);
                Ok(Some(Proof { submitter, queue_id: Some(claim.queue_id) }))
            }
            Err(disbelief) => {
                log::warning(&format!("{LOGIN_FIELD} is not believed: {disbelief}"));
                Ok(None)
            }
        }
    }

    fn fields(&self) -> Vec<Vec<u8>> {
        self.message.header.find_all(LOGIN_FIELD).map(|field| field.unfolded()).collect()
    }
}

/// What Exim's transport should have done.
const WANTED: &str = "the transport needs `headers_remove` of this field";

fn key(file: &Path) -> Result<LoginKey, Outcome> {
    LoginKey::read(file).map_err(|error| Outcome::Local { problem: error.to_string() })
}

/// Whether Postfix took the message from a client that had logged in: the field that its smtpd puts on top names our
/// queue id, and the protocol with the `A` of RFC 3848. This only keeps a message in the queue that would be bounced, so
/// nobody gains by forging it.
fn has_logged_in(message: &Message, queue_id: &str) -> bool {
    let Some(received) = message.header.find_all("Received").next().map(|field| field.unfolded()) else { return false };
    let received = String::from_utf8_lossy(&received);
    let words: Vec<&str> = received.split([' ', '\t', ';']).collect();
    let behind = |word| words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1)).copied();
    let with = behind("with").unwrap_or_default();
    behind("id") == Some(queue_id) && matches!(with, "ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Intake, Limits};

    #[test]
    fn only_postfixs_own_field_about_this_message_tells_of_a_login() {
        let received = |with: &str, id: &str| {
            format!(
                "Received: from x (unknown [192.0.2.7])\r\n\tby mx.example (Postfix) with {with} id {id}\r\n\tfor <b@x>; now\r\n"
            )
        };
        let rows = [
            (received("ESMTPSA", "4Xq1zY"), true),
            (received("ESMTPA", "4Xq1zY"), true),
            (received("ESMTPS", "4Xq1zY"), false),
            (received("ESMTPSA", "another"), false),
            (received("ESMTP", "4Xq1zY") + &received("ESMTPSA", "4Xq1zY"), false),
            (String::new(), false),
        ];
        for (fields, expected) in rows {
            let mut intake = Intake::new(Limits::default(), Path::new("/nonexistent"));
            intake.push(format!("{fields}From: a@b\r\n\r\nx\r\n").as_bytes()).unwrap();
            assert_eq!(has_logged_in(&intake.finish().unwrap(), "4Xq1zY"), expected, "{fields}");
        }
    }
}
