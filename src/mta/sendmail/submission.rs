//! `-bm`: one message on stdin, its recipients as arguments or in its header section.

use super::lone_dot::LoneDot;
use super::options::Options;
use super::{Trouble, sender, service};
use crate::account::Submitter;
use crate::message::recipients::take_recipients;
use crate::message::{Header, Intake, Limits, Message};
use crate::mta::delivery::{Desk, overall};
use crate::mta::incoming::{Incoming, refused};
use crate::process::Parent;
use crate::relay::Admission;
use crate::stdio;
use crate::verdict::Outcome;
use crate::wire::envelope::{Envelope, Recipient};
use crate::wire::header::Field;
use crate::wire::header::address::AddressList;
use crate::wire::mailbox::{Mailbox, ReversePath};
use rustix::fs::FileType;
use std::path::Path;

/// Sends; what can be refused without the message is refused before it is read.
pub(super) async fn run(desk: &Desk, options: Options, parent: Parent) -> Result<Outcome, Trouble> {
    if !stdio::stdin_is_open() {
        let problem = "standard input is closed: there is no message";
        return Err(Trouble::usage(problem, "pipe the message in, or redirect a file to it: `< FILE`"));
    }
    let sender = reverse_path(desk, &options)?;
    let socket = service::socket_for(desk, &sender);
    let admitted = |envelope| match &socket {
        Some(socket) => Ok(Admitted::ByService(socket, envelope)),
        None => desk
            .admit(envelope)
            .map(|admission| Admitted::Here(Box::new(admission)))
            .map_err(|outcome| Trouble::from(&outcome)),
    };
    let mut recipients = listed(&options.recipients)?;
    let mut admission = None;
    if !options.takes_recipients {
        let envelope = envelope(&options, sender.clone(), std::mem::take(&mut recipients))?;
        admission = Some(admitted(envelope)?);
    }
    let mut message = message(desk.spool(), options.ignores_dot).await.map_err(|outcome| Trouble::from(&outcome))?;
    let admission = match admission {
        Some(admission) => admission,
        None => {
            add_recipients(&mut recipients, &mut message.header)?;
            admitted(envelope(&options, sender.clone(), recipients)?)?
        }
    };
    add_header_from(&mut message.header, options.name.as_deref(), &sender);
    let is_pipe = is_pipe();
    let is_whole = move || if is_pipe { parent.still_lives() } else { Ok(()) };
    let reading = desk.elapsed();
    match admission {
        Admitted::ByService(socket, envelope) => {
            service::submit(socket, &envelope, &message, &is_whole, desk.deadline(reading)).await
        }
        Admitted::Here(admission) => {
            let outcomes = desk.deliver(reading, &admission, message, &is_whole).await;
            overall(outcomes).map_err(|outcome| Trouble::from(&outcome))
        }
    }
}

/// Who says whether the submitter may.
enum Admitted<'a> {
    /// This process, which has read the account.
    Here(Box<Admission>),
    /// The resident service at this socket, once it has the message.
    ByService(&'a Path, Envelope),
}

/// Why a message from a pipe must not go out when its writer died: it may be cut. A file has its end.
fn is_pipe() -> bool {
    let kind = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode);
    rustix::fs::fstat(std::io::stdin()).is_ok_and(|stat| matches!(kind(stat), FileType::Fifo | FileType::Socket))
}

fn reverse_path(desk: &Desk, options: &Options) -> Result<ReversePath, Trouble> {
    let malformed = |error| Trouble::usage(format!("sender: {error}"), "name one with `-f ADDRESS`");
    match (&options.sender, desk.submitter()) {
        (Some(sender), _) => ReversePath::parse(sender).map_err(malformed),
        (None, Submitter::UnixUser { name, uid }) => {
            sender::default(desk.relay().config(), desk.relay().store(), name, *uid).map_err(malformed)
        }
        (None, Submitter::Nobody | Submitter::Login(_)) => Ok(ReversePath::Null),
    }
}

/// The recipients of the command line: each word may be a list of addresses.
fn listed(words: &[String]) -> Result<Vec<Mailbox>, Trouble> {
    let mut recipients = Vec::new();
    for word in words {
        let list = AddressList::parse(word.as_bytes());
        for address in list.addresses() {
            let mailbox = address.mailbox().map_err(|error| {
                Trouble::usage(
                    format!("recipient: {error}"),
                    "write user@example.org, several with commas between them",
                )
            })?;
            add(&mut recipients, mailbox);
        }
    }
    Ok(recipients)
}

/// Those of the header section, behind those of the command line; Bcc is taken off.
fn add_recipients(recipients: &mut Vec<Mailbox>, header: &mut Header) -> Result<(), Trouble> {
    let found = take_recipients(header)
        .map_err(|error| Trouble::from(&Outcome::Header { problem: format!("To, Cc or Bcc: {error}") }))?;
    found.into_iter().for_each(|mailbox| add(recipients, mailbox));
    Ok(())
}

fn add(recipients: &mut Vec<Mailbox>, mailbox: Mailbox) {
    if !recipients.contains(&mailbox) {
        recipients.push(mailbox);
    }
}

fn envelope(options: &Options, sender: ReversePath, recipients: Vec<Mailbox>) -> Result<Envelope, Trouble> {
    if recipients.is_empty() {
        return Err(Trouble::usage("no recipient", "name them as arguments, or use -t and a To, Cc or Bcc field"));
    }
    if let Some(local) = recipients.iter().find(|mailbox| mailbox.domain().is_empty()) {
        let problem = format!("recipient <{local}> has no domain, and sendvia has no mailboxes of its own");
        return Err(Trouble::usage(problem, "write the whole address"));
    }
    let mut envelope = Envelope::new(sender, recipients);
    envelope.recipients.iter_mut().for_each(|recipient: &mut Recipient| recipient.notify = options.notify);
    (envelope.ret, envelope.envid, envelope.body) = (options.ret, options.envid.clone(), options.body);
    Ok(envelope)
}

async fn message(spool: &Path, ignores_dot: bool) -> Result<Message, Outcome> {
    let mut incoming = Incoming::new()?;
    if ignores_dot {
        return incoming.message(spool, 0).await;
    }
    let mut intake = Intake::new(Limits::default(), spool);
    let (mut dot, mut content) = (LoneDot::default(), Vec::new());
    loop {
        let octets = incoming.next().await?;
        let is_last = octets.is_empty() || dot.push(octets, &mut content);
        intake.push(&content).map_err(refused)?;
        content.clear();
        if is_last {
            break;
        }
    }
    intake.push(&dot.rest()).map_err(refused)?;
    intake.finish().map_err(refused)
}

/// A message without header From gets one: the sender, with `name` as its display name. The null sender has none.
fn add_header_from(header: &mut Header, name: Option<&str>, sender: &ReversePath) {
    let (false, ReversePath::Mailbox(mailbox)) = (header.contains("From"), sender) else { return };
    let body = match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("\"{}\" <{mailbox}>", name.replace(['\\', '"'], "'").replace(char::is_control, " ")),
        None => mailbox.to_string(),
    };
    header.append(Field::new("From", body.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_from_is_added_only_where_none_stands() {
        let sender = ReversePath::parse("anna@gmx.de").unwrap();
        let rows = [
            ("Subject: x\r\n", Some("Anna \"A\"\nX: y"), &sender, "From: \"Anna 'A' X: y\" <anna@gmx.de>\r\n"),
            ("", None, &sender, "From: anna@gmx.de\r\n"),
            ("From: b@x.example\r\n", Some("Anna"), &sender, "From: b@x.example\r\n"),
            ("", Some("Anna"), &ReversePath::Null, ""),
        ];
        for (section, name, sender, expected) in rows {
            let (mut header, _) = Header::parse(section.as_bytes());
            add_header_from(&mut header, name, sender);
            let octets = header.to_octets();
            let fields = String::from_utf8_lossy(&octets);
            assert_eq!(fields.trim_start_matches("Subject: x\r\n"), expected);
        }
    }

    #[test]
    fn a_word_of_the_command_line_may_be_a_list() {
        let words = ["a@x.example, B <b@x.example>", "a@x.example", "-t@x.example"].map(str::to_owned);
        let found: Vec<String> = listed(&words).unwrap().iter().map(Mailbox::to_string).collect();
        assert_eq!(found, ["a@x.example", "b@x.example", "-t@x.example"]);
        assert!(listed(&["a b@x.example".to_owned()]).is_err());
    }
}
