//! pipe(8) and its like: the envelope as arguments, the message on stdin up to its end.

use super::delivery::{Desk, IsWhole, overall};
use super::incoming::{Incoming, LEAST};
use crate::verdict::Outcome;
use crate::wire::envelope::Envelope;
use crate::wire::mailbox::{Mailbox, MailboxError, ReversePath};

/// The envelope of the arguments.
///
/// # Errors
/// [`Outcome::Protocol`]: what the MTA passed is its configuration's fault, not the sender's.
pub(super) fn envelope(sender: &str, recipients: &[String]) -> Result<Envelope, Outcome> {
    let reverse_path = ReversePath::parse(sender).map_err(|error| malformed("sender", &error))?;
    let recipients: Result<Vec<Mailbox>, _> = recipients.iter().map(|one| Mailbox::parse(one)).collect();
    Ok(Envelope::new(reverse_path, recipients.map_err(|error| malformed("recipient", &error))?))
}

fn malformed(what: &str, error: &MailboxError) -> Outcome {
    Outcome::Protocol { problem: format!("{what}: {error}") }
}

/// Delivers. What can be refused without the message is refused before a single octet of it was read.
pub(super) async fn run(
    desk: &Desk,
    incoming: &mut Incoming,
    envelope: Envelope,
    size: Option<u64>,
    is_whole: &IsWhole,
) -> Result<(), Outcome> {
    let admission = desk.admit(envelope)?;
    let message = incoming.message(desk.spool(), size.unwrap_or(LEAST)).await;
    let message = message.inspect_err(|outcome| desk.log_unread(&admission.envelope, outcome))?;
    overall(desk.deliver(desk.elapsed(), &admission, message, is_whole).await).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sender_is_the_null_one_and_nothing_is_no_recipient() {
        let to = |address: &str| vec![address.to_owned()];
        for null in ["", "<>"] {
            assert_eq!(envelope(null, &to("b@x.example")).unwrap().reverse_path, ReversePath::Null);
        }
        let dash = envelope("-f@x.example", &to("--user@x.example")).unwrap();
        assert_eq!(dash.recipients[0].mailbox.to_string(), "--user@x.example");
        for (sender, recipient) in [("a@b", ""), ("a@b", "x\r\ny"), ("a\n", "b@x.example")] {
            assert!(matches!(envelope(sender, &to(recipient)), Err(Outcome::Protocol { .. })), "{sender:?}");
        }
    }
}
