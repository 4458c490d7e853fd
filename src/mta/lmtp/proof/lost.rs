//! A login that was there and did not get through to us: the mistake of a set-up, which shall not bounce a customer's
//! mail.
//!
//! The message is kept in the queue where it would be refused for want of a login, until the set-up is mended. Nobody gains
//! by feigning this: what is kept is not sent.

use super::Arrival;
use crate::config::LoginFieldConfig;
use crate::message::Message;

impl Arrival<'_> {
    /// Why nothing proves a login of this message, and the remedy; `None` where nothing hints at a login, and where a field
    /// could be verified and was none of ours.
    pub(super) fn lost(&self, config: Option<&LoginFieldConfig>) -> Option<String> {
        let fields = self.fields();
        let has_logged_in = has_logged_in(self.message, self.queue_id);
        if fields.is_empty() && !has_logged_in {
            return None;
        }
        let what = match fields.is_empty() {
            true => "submitted with a login, but without its signed field",
            false => "the signed field of its login can't be verified",
        };
        let Some(config) = config else { return Some(format!("{what}: sendvia.yaml has no `login_field`")) };
        let is_of_policy = fields.is_empty() || fields.iter().any(|body| is_of_policy(body));
        match (self.queue_id, &config.key_file, &config.exim_key_file) {
            (Some(_), None, _) => Some(format!("{what}: `login_field` has no `key_file`")),
            (None, _, None) => Some(format!("{what} without the queue id: {XFORWARD}")),
            (None, Some(_), Some(_)) if is_of_policy => Some(format!("{what}: no queue id came: {XFORWARD}")),
            // Forged, of another message, or too old: as if there were none, and the log says why.
            _ if !fields.is_empty() => None,
            (Some(_), ..) => Some(format!("{what}: {UNSIGNED}")),
            (None, ..) => Some(format!("{what}: {UNSIGNED_BY_EXIM}")),
        }
    }
}

const XFORWARD: &str = "the transport needs `lmtp_send_xforward_command = yes`";

/// The policy service was down while the message was submitted: the pipe transport may have it.
const UNSIGNED: &str = "`sendvia policy` did not answer at DATA; the pipe transport has the login";

const UNSIGNED_BY_EXIM: &str = "the transport needs `headers_add` of it";

/// Whether a field has the form of those that the policy service signs for Postfix: Exim's have another digest.
fn is_of_policy(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).split([';', ' ', '\t']).any(|word| word == "a=sha256")
}

/// Whether the MTA took the message from a client that had logged in: the field that it puts on top names the protocol
/// with the `A` of RFC 3848, which Exim writes in small letters, and our queue id where we have one.
fn has_logged_in(message: &Message, queue_id: Option<&str>) -> bool {
    let with = of_received(message, "with").unwrap_or_default().to_ascii_uppercase();
    let is_ours = queue_id.is_none_or(|queue_id| of_received(message, "id").as_deref() == Some(queue_id));
    is_ours && matches!(with.as_str(), "ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA")
}

/// What the topmost Received field says behind this word.
pub(super) fn of_received(message: &Message, word: &str) -> Option<String> {
    let received = message.header.find("Received")?.unfolded();
    let received = String::from_utf8_lossy(&received);
    let mut words = received.split([' ', '\t', ';', '\r', '\n']).filter(|word| !word.is_empty());
    words.find(|one| *one == word)?;
    words.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::Channel;
    use super::*;
    use crate::message::{Intake, Limits};
    use crate::secret::login_field::LOGIN_FIELD;
    use crate::wire::mailbox::ReversePath;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    fn message(fields: &str) -> Message {
        let mut intake = Intake::new(Limits::default(), Path::new("/nonexistent"));
        intake.push(format!("{fields}From: a@b\r\n\r\nx\r\n").as_bytes()).unwrap();
        intake.finish().unwrap()
    }

    fn received(with: &str, id: &str) -> String {
        format!(
            "Received: from x (unknown [192.0.2.7])\r\n\tby mx.example (Postfix) with {with} id {id}\r\n\tfor <b@x>; now\r\n"
        )
    }

    #[test]
    fn only_the_mtas_own_field_about_this_message_tells_of_a_login() {
        let exim = "Received: from [192.0.2.7] (helo=pc)\r\n\tby mx.example with esmtpsa  (TLS1.3) tls X\r\n\t\
            (Exim 4.96)\r\n\t(envelope-from <a@b>)\r\n\tid 1vNabc-000001-2x\r\n\tfor b@x;\r\n\tnow\r\n";
        let id = Some("4Xq1zY");
        let rows = [
            (received("ESMTPSA", "4Xq1zY"), id, true),
            (received("ESMTPA", "4Xq1zY"), id, true),
            (received("ESMTPS", "4Xq1zY"), id, false),
            (received("ESMTPSA", "another"), id, false),
            (received("ESMTPSA", "another"), None, true),
            (received("ESMTP", "4Xq1zY") + &received("ESMTPSA", "4Xq1zY"), id, false),
            (received("ESMTP", "4Xq1zY") + &received("ESMTPSA", "4Xq1zY"), None, false),
            (exim.to_owned(), None, true),
            (exim.replace("esmtpsa", "esmtps"), None, false),
            (String::new(), id, false),
            (String::new(), None, false),
        ];
        for (fields, queue_id, expected) in rows {
            assert_eq!(has_logged_in(&message(&fields), queue_id), expected, "{fields}");
        }
    }

    #[test]
    fn what_lost_a_login_is_named_and_a_field_that_is_none_of_ours_is_no_loss() {
        let config = |key: bool, exim: bool| {
            let file = |is_there: bool| is_there.then(|| PathBuf::from("/nonexistent"));
            Some(LoginFieldConfig { key_file: file(key), exim_key_file: file(exim), lifetime: Duration::ZERO })
        };
        let of = |digest: &str| format!("{LOGIN_FIELD}: v=1; a={digest}; q=4Xq1zY\r\n");
        let (policy, exim, login) = (of("sha256"), of("sha1"), received("ESMTPSA", "4Xq1zY"));
        let (id, none) = (Some("4Xq1zY"), String::new());
        let disbelieved = policy.clone() + &login;
        let rows = [
            (&none, id, config(true, true), None),
            (&none, None, None, None),
            (&policy, id, None, Some("no `login_field`")),
            (&login, id, None, Some("no `login_field`")),
            (&policy, id, config(false, true), Some("no `key_file`")),
            (&policy, None, config(true, false), Some("lmtp_send_xforward_command")),
            (&policy, None, config(true, true), Some("lmtp_send_xforward_command")),
            (&login, None, config(true, false), Some("lmtp_send_xforward_command")),
            (&login, None, config(true, true), Some("lmtp_send_xforward_command")),
            (&login, id, config(true, false), Some("`sendvia policy` did not answer")),
            (&login, None, config(false, true), Some("headers_add")),
            (&policy, id, config(true, false), None),
            (&exim, None, config(true, true), None),
            (&disbelieved, id, config(true, false), None),
        ];
        for (fields, queue_id, config, expected) in rows {
            let message = message(fields);
            let arrival = Arrival { channel: Channel::OfMta, queue_id, sender: &ReversePath::Null, message: &message };
            let lost = arrival.lost(config.as_ref());
            let is_expected = match (&lost, expected) {
                (Some(lost), Some(expected)) => lost.contains(expected),
                (lost, expected) => lost.is_none() && expected.is_none(),
            };
            assert!(is_expected, "{fields} {queue_id:?} {config:?}: {lost:?}");
        }
    }
}
