//! Carrying a message out, once it is known by which account.

use super::admission::Admission;
use super::preparation::{Prepared, prepare};
use super::{Relay, outcomes};
use crate::account::Account;
use crate::message::downgrade::{DowngradeError, to_seven_bit};
use crate::message::{Limits, Message};
use crate::submission::{Authenticated, IsWhole, Recipients};
use crate::verdict::{Extension, Outcome};
use std::path::Path;
use std::time::{Duration, Instant};

/// What the MTA's side says of a message beside envelope and octets.
pub struct Handover<'a> {
    /// The MTA's name for the message.
    pub queue_id: Option<&'a str>,
    /// Who gets it where some recipients are refused.
    pub recipients: Recipients,
    /// Whether the message is known to be whole; asked just before its end goes out.
    pub is_whole: IsWhole<'a>,
    /// When the MTA has to have its answer.
    pub deadline: Option<Instant>,
    /// A directory for what does not fit into memory.
    pub spool: &'a Path,
}

/// What became of a message.
#[derive(Debug)]
pub struct Report {
    /// One for each recipient, in the envelope's order.
    pub outcomes: Vec<Outcome>,
    /// The server, as `mail.gmx.net[192.0.2.1]:587`, if one was reached.
    pub relay: Option<String>,
    /// The account's address.
    pub account: String,
    /// Deciding, logging in, sending.
    pub delays: [Duration; 3],
    /// What the administrator should know beside the outcomes, for the log.
    pub notes: Vec<String>,
}

impl Relay {
    /// Delivers a message by the account that `admission` found.
    pub async fn deliver(&self, admission: &Admission, message: Message, handover: &Handover<'_>) -> Report {
        let mut report = Report {
            outcomes: Vec::new(),
            relay: None,
            account: admission.account.address.to_string(),
            delays: [Duration::ZERO; 3],
            notes: Vec::new(),
        };
        let outcomes = self.carry_out(admission, message, handover, &mut report).await;
        let all = |outcome| vec![outcome; admission.envelope.recipients.len()];
        report.outcomes = outcomes.unwrap_or_else(all);
        report
    }

    async fn carry_out(
        &self,
        admission: &Admission,
        message: Message,
        handover: &Handover<'_>,
        report: &mut Report,
    ) -> Result<Vec<Outcome>, Outcome> {
        let account = &admission.account;
        let began = Instant::now();
        let prepared = prepare(account, &admission.envelope, message)?;
        report.notes.clone_from(&prepared.notes);
        report.delays[0] = began.elapsed();
        let began = Instant::now();
        let session = self.log_in(account, handover.deadline).await;
        report.delays[1] = began.elapsed();
        let mut session = session?;
        report.relay = Some(relay_name(account, &session));
        let began = Instant::now();
        let sent = send(account, &mut session, prepared, handover, report).await;
        report.delays[2] = began.elapsed();
        session.quit().await;
        sent
    }
}

async fn send(
    account: &Account,
    session: &mut Authenticated,
    prepared: Prepared,
    handover: &Handover<'_>,
    report: &mut Report,
) -> Result<Vec<Outcome>, Outcome> {
    let Prepared { envelope, mut message, .. } = prepared;
    if message.is_eight_bit() && !session.capabilities().eight_bit_mime {
        let signers = crate::message::dkim::domains(&message.header);
        message = seven_bit(account, &message, handover.spool)?;
        report.notes.extend(
            signers.into_iter().map(|domain| {
                format!("the DKIM signature of {domain} may not hold any more: the server lacks 8BITMIME")
            }),
        );
    }
    let sent = session.send(&envelope, &message, handover.recipients, handover.is_whole).await;
    let sent = sent.map_err(|failure| outcomes::of_failure(account, failure))?;
    Ok(outcomes::of_recipients(account, &envelope, sent))
}

fn seven_bit(account: &Account, message: &Message, spool: &Path) -> Result<Message, Outcome> {
    let provider = account.provider_name().to_owned();
    to_seven_bit(message, Limits::default(), spool).map_err(|error| match error {
        DowngradeError::Impossible(_) => Outcome::ExtensionMissing { provider, extension: Extension::EightBitMime },
        other => Outcome::Local { problem: other.to_string() },
    })
}

fn relay_name(account: &Account, session: &Authenticated) -> String {
    let peer = session.peer();
    format!("{}[{}]:{}", account.submission.host, peer.ip(), peer.port())
}
