//! Who submitted a message, proved by its signed field.
//!
//! Postfix names the queue id by XFORWARD, and only a field of the policy service for that id is believed. Exim does not,
//! and only a field of Exim's own is believed, if it is the one field there is. Either only over a channel that the MTA
//! alone has. Where nothing is believed and the set-up may be to blame, [`lost`] says so.

mod lost;

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
    /// Why there is no login although there may have been one: a gap of ours, not the message's. What would be refused for
    /// want of a login is to stay in the queue, then; what needs none goes out.
    pub(super) lost: Option<String>,
}

impl Arrival<'_> {
    /// Who submitted: the login of a field that is believed. A key that can't be read is our trouble, and not the same
    /// as no login.
    pub(super) fn proof(&self, config: Option<&LoginFieldConfig>) -> Result<Proof, Outcome> {
        let nobody = |lost| Proof { submitter: Submitter::Nobody, queue_id: self.queue_id.map(str::to_owned), lost };
        if self.channel == Channel::OfAnybody {
            return Ok(nobody(None));
        }
        let proven = match config {
            Some(config) => self.verified(config)?,
            None => None,
        };
        Ok(proven.unwrap_or_else(|| nobody(self.lost(config))))
    }

    fn verified(&self, config: &LoginFieldConfig) -> Result<Option<Proof>, Outcome> {
        let now = Clock::System.now();
        match (self.queue_id, &config.key_file, &config.exim_key_file) {
            (Some(queue_id), Some(file), _) => self.by_postfix(queue_id, file, now, config.lifetime),
            (None, _, Some(file)) => self.by_exim(file, now, config.lifetime),
            _ => Ok(None),
        }
    }

    fn by_postfix(
        &self,
        queue_id: &str,
        file: &Path,
        now: Moment,
        lifetime: Duration,
    ) -> Result<Option<Proof>, Outcome> {
        let fields = self.fields();
        if fields.is_empty() {
            return Ok(None);
        }
        let key = key(file)?;
        for body in fields {
            // A customer may have put one of his own beside ours.
            match key.verify(&body, queue_id, self.sender, now, lifetime) {
                Ok(login) => {
                    let queue_id = Some(queue_id.to_owned());
                    return Ok(Some(Proof { submitter: Submitter::Login(login), queue_id, lost: None }));
                }
                Err(disbelief) => self.warn(&format!("{LOGIN_FIELD} is not believed: {disbelief}")),
            }
        }
        Ok(None)
    }

    fn by_exim(&self, file: &Path, now: Moment, lifetime: Duration) -> Result<Option<Proof>, Outcome> {
        let fields = self.fields();
        let [body] = fields.as_slice() else {
            if !fields.is_empty() {
                self.warn(&format!("{} fields {LOGIN_FIELD} are not believed: {WANTED}", fields.len()));
            }
            return Ok(None);
        };
        match key(file)?.verify_exim(body, self.sender, now, lifetime) {
            Ok(claim) => {
                let submitter = claim.login.map_or(Submitter::Nobody, Submitter::Login);
                Ok(Some(Proof { submitter, queue_id: Some(claim.queue_id), lost: None }))
            }
            Err(disbelief) => {
                self.warn(&format!("{LOGIN_FIELD} is not believed: {disbelief}"));
                Ok(None)
            }
        }
    }

    /// By the queue id that the MTA's own Received field has, where it told none: `sendvia trace` finds it by that.
    fn warn(&self, text: &str) {
        let queue_id = self.queue_id.map(str::to_owned).or_else(|| lost::of_received(self.message, "id"));
        log::warning(&format!("{}: {text}", log::queue_name(queue_id.as_deref())));
    }

    fn fields(&self) -> Vec<Vec<u8>> {
        self.message.header.find_all(LOGIN_FIELD).map(|field| field.unfolded()).collect()
    }
}

/// What Exim's transport should have done.
const WANTED: &str = "the transport needs `headers_remove` of this field";

fn key(file: &Path) -> Result<LoginKey, Outcome> {
    LoginKey::read(file).map_err(|error| Outcome::Local { problem: format!("login_field: {error}") })
}
