//! The envelope in trace fields, as pipe(8) writes it at the head of a message with `flags=DRO`.

use super::Header;
use crate::wire::header::Field;
use crate::wire::mailbox::{Mailbox, MailboxError, ReversePath};

/// What stood at the head of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// `Return-Path:`, by `flags=R`; `<>` is the null reverse-path.
    pub return_path: Option<ReversePath>,
    /// `Delivered-To:`, by `flags=D`.
    pub delivered_to: Option<Mailbox>,
    /// `X-Original-To:`, by `flags=O`: the recipient before aliases.
    pub original_to: Option<Mailbox>,
}

impl Trace {
    /// Whom this delivery is for: Delivered-To, and X-Original-To only without it, because what aliases made of an
    /// address is where the message must go.
    pub fn recipient(&self) -> Option<&Mailbox> {
        self.delivered_to.as_ref().or(self.original_to.as_ref())
    }
}

/// Takes the trace fields at the head off, each at most once: a second one, and any behind another field, came with
/// the message and stays.
///
/// # Errors
/// [`MailboxError`], where one of them holds no address.
pub fn take_trace_fields(header: &mut Header) -> Result<Trace, MailboxError> {
    let mut trace = Trace::default();
    while let Some(field) = header.first() {
        if !take(&mut trace, field)? {
            break;
        }
        header.remove_first();
    }
    Ok(trace)
}

/// Whether `field` was one that was still missing.
fn take(trace: &mut Trace, field: &Field) -> Result<bool, MailboxError> {
    let unfolded = field.unfolded();
    let text = String::from_utf8_lossy(&unfolded);
    if field.is("Return-Path") && trace.return_path.is_none() {
        trace.return_path = Some(ReversePath::parse(&text)?);
    } else if field.is("Delivered-To") && trace.delivered_to.is_none() {
        trace.delivered_to = Some(Mailbox::parse(&text)?);
    } else if field.is("X-Original-To") && trace.original_to.is_none() {
        trace.original_to = Some(Mailbox::parse(&text)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(text: &str) -> Option<Mailbox> {
        Some(Mailbox::parse(text).unwrap())
    }

    #[test]
    fn the_envelope_is_read_and_taken_off() {
        let section = "Return-Path: <anna@gmx.de>\r\nX-Original-To: alias@x.example\r\nDelivered-To: bob@x.example\r\n\
                       Received: y\r\nDelivered-To: earlier@x.example\r\n";
        let (mut header, _) = Header::parse(section.as_bytes());
        let trace = take_trace_fields(&mut header).unwrap();
        assert_eq!(trace.return_path, Some(ReversePath::parse("anna@gmx.de").unwrap()));
        assert_eq!(trace.recipient().cloned(), mailbox("bob@x.example"));
        assert_eq!(trace.original_to, mailbox("alias@x.example"));
        assert_eq!(header.to_octets(), b"Received: y\r\nDelivered-To: earlier@x.example\r\n");
    }

    #[test]
    fn a_null_reverse_path_is_one_and_the_original_recipient_stands_in() {
        let (mut header, _) = Header::parse(b"Return-Path: <>\r\nX-Original-To: bob@x.example\r\nFrom: a@b\r\n");
        let trace = take_trace_fields(&mut header).unwrap();
        assert_eq!(
            (trace.return_path.clone(), trace.recipient().cloned()),
            (Some(ReversePath::Null), mailbox("bob@x.example"))
        );
        assert_eq!(header.count(), 1);
    }

    #[test]
    fn a_second_field_of_a_kind_came_with_the_message() {
        let (mut header, _) = Header::parse(b"Delivered-To: a@x.example\r\nDelivered-To: b@x.example\r\n");
        assert_eq!(take_trace_fields(&mut header).unwrap().recipient().cloned(), mailbox("a@x.example"));
        assert_eq!(header.to_octets(), b"Delivered-To: b@x.example\r\n");
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        let (mut header, _) = Header::parse(b"Delivered-To: \r\n");
        assert!(take_trace_fields(&mut header).is_err());
    }
}
