//! A notice as a message.

use crate::message::{Intake, Limits, Message};
use crate::wire::mailbox::Mailbox;
use crate::wire::text::one_line;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{MessageBuilder, SinglePart};
use std::error::Error;
use std::path::Path;

/// Characters of a subject.
const MAX_SUBJECT: usize = 200;

/// RFC 3834 section 5: nobody answers it by a program.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

/// Composes a message in plain text.
///
/// # Errors
/// What can't be composed or kept.
pub(super) fn composed(
    from: &Mailbox,
    to: &[Mailbox],
    subject: &str,
    body: &str,
    spool: &Path,
) -> Result<Message, String> {
    let envelope = Envelope::new(Some(address(from)), to.iter().map(address).collect());
    let builder = MessageBuilder::new().envelope(envelope.map_err(|error| error.to_string())?).from(mailbox(from));
    let builder = to.iter().fold(builder, |builder, to| builder.to(mailbox(to)));
    let builder = builder.subject(one_line(subject.as_bytes(), MAX_SUBJECT)).header(AutoSubmitted);
    let message = builder.singlepart(SinglePart::plain(body.to_owned())).map_err(|error| error.to_string())?;
    let mut intake = Intake::new(Limits::default(), spool);
    intake.push(&message.formatted()).map_err(|error| error.to_string())?;
    intake.finish().map_err(|error| error.to_string())
}

fn mailbox(mailbox: &Mailbox) -> lettre::message::Mailbox {
    lettre::message::Mailbox::new(None, address(mailbox))
}

/// Our own parser has read it, and takes what lettre's would refuse.
fn address(mailbox: &Mailbox) -> Address {
    let mailbox = mailbox.with_ascii_domain();
    Address::new_dangerous(mailbox.local_part(), mailbox.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_that_a_program_wrote_it_and_its_subject_is_encoded() {
        let address = |text: &str| Mailbox::parse(text).expect("an address");
        let to = [address("a@x.example"), address("\"b c\"@bücher.example")];
        let message = composed(&address("mta@x.example"), &to, "grün\r\nBcc: x@y", "Grüße\n", Path::new("/tmp"));
        let header = message.expect("a message").header;
        let body = |name: &str| String::from_utf8_lossy(&header.find(name).expect(name).unfolded()).trim().to_owned();
        assert_eq!(body("Auto-Submitted"), "auto-generated");
        assert_eq!(body("To"), "a@x.example, \"b c\"@xn--bcher-kva.example");
        assert!(body("Subject").starts_with("=?utf-8?") && !header.contains("Bcc"), "{}", body("Subject"));
        assert!(!header.is_eight_bit());
    }
}
