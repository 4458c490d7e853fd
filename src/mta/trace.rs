//! The envelope in trace fields at the head of the message, as pipe(8) writes them with `flags=DRO`.

use super::delivery::{Desk, IsWhole, overall};
use super::incoming::{Incoming, LEAST};
use crate::message::Header;
use crate::message::trace::take_trace_fields;
use crate::verdict::Outcome;
use crate::wire::envelope::Envelope;

/// Delivers. The trace fields are taken off.
pub(super) async fn run(
    desk: &Desk,
    incoming: &mut Incoming,
    size: Option<u64>,
    is_whole: &IsWhole,
) -> Result<(), Outcome> {
    let mut message = incoming.message(desk.spool(), size.unwrap_or(LEAST)).await?;
    let admission = desk.admit(envelope(&mut message.header)?)?;
    overall(desk.deliver(desk.elapsed(), &admission, message, is_whole).await).map(drop)
}

fn envelope(header: &mut Header) -> Result<Envelope, Outcome> {
    let protocol = |problem: String| Outcome::Protocol { problem };
    let trace = take_trace_fields(header).map_err(|error| protocol(format!("trace fields: {error}")))?;
    let recipient = trace.recipient().cloned();
    let missing = |name| protocol(format!("no {name} at the head of the message: pipe(8) needs flags=DRO"));
    let reverse_path = trace.return_path.ok_or_else(|| missing("Return-Path"))?;
    Ok(Envelope::new(reverse_path, vec![recipient.ok_or_else(|| missing("Delivered-To"))?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_and_recipient_must_both_stand_there() {
        let rows = [
            ("Return-Path: <a@b.example>\r\nX-Original-To: x@y\r\nDelivered-To: c@d.example\r\n", Some("c@d.example")),
            ("Return-Path: <>\r\nX-Original-To: x@y.example\r\n", Some("x@y.example")),
            ("Return-Path: <a@b.example>\r\nTo: x@y.example\r\n", None),
            ("Delivered-To: c@d.example\r\nFrom: a@b.example\r\n", None),
            ("From: a@b.example\r\n", None),
        ];
        for (section, recipient) in rows {
            let (mut header, _) = Header::parse(section.as_bytes());
            let found = envelope(&mut header).ok().map(|envelope| envelope.recipients[0].mailbox.to_string());
            assert_eq!(found.as_deref(), recipient, "{section}");
        }
    }
}
