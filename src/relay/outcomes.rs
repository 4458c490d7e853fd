//! What the submission ended with, in the terms of a delivery.

use crate::account::Account;
use crate::account::refusal::{Classification, classify};
use crate::submission::{Failure, FailureKind, RecipientOutcome};
use crate::verdict::{Meaning, Outcome, Stage, Verdict};
use crate::wire::envelope::Envelope;
use crate::wire::reply::Reply;

/// A session that ended before anything could be said of single recipients.
pub(super) fn of_failure(account: &Account, failure: Failure) -> Outcome {
    let provider = account.provider_name().to_owned();
    let address = account.address.to_string();
    let stage = failure.stage;
    match failure.kind {
        FailureKind::Refused(reply) => refused(account, stage, reply),
        FailureKind::Connection(detail) | FailureKind::Tls(detail) => Outcome::Connection { provider, stage, detail },
        FailureKind::Trust(problem) => Outcome::Local { problem },
        FailureKind::Unprotected => Outcome::Credentials { account: address, problem: unprotected(account) },
        FailureKind::Unanswered(detail) => Outcome::Unanswered { provider, detail },
        FailureKind::NoMechanism(offered) => {
            Outcome::Credentials { account: address, problem: no_mechanism(account, &offered) }
        }
        FailureKind::Sasl(problem) => Outcome::Credentials { account: address, problem },
        FailureKind::ExtensionMissing(extension) => Outcome::ExtensionMissing { provider, extension },
        FailureKind::TooLarge { size, limit } => Outcome::TooLarge { provider, size, limit },
        FailureKind::Cut(detail) => Outcome::Cut { detail },
        FailureKind::Source(error) => Outcome::Local { problem: format!("the spooled message can't be read: {error}") },
        FailureKind::Deadline => Outcome::Connection { provider, stage, detail: "the deadline passed".to_owned() },
    }
}

/// One outcome for each recipient. Where nobody got the message because somebody was refused, all of them share that:
/// the MTA has one exit status for them.
pub(super) fn of_recipients(account: &Account, envelope: &Envelope, sent: Vec<RecipientOutcome>) -> Vec<Outcome> {
    let is_withheld = sent.contains(&RecipientOutcome::Withheld);
    let outcomes: Vec<Outcome> = sent.into_iter().map(|one| of_recipient(account, one)).collect();
    let refusal = |outcome: &&Outcome| matches!(outcome, Outcome::Refused { .. });
    let mut refusals = outcomes.iter().zip(&envelope.recipients).filter(|(outcome, _)| refusal(outcome));
    match refusals.next() {
        Some((refusal, to)) if is_withheld => {
            let detail = Verdict::from(refusal).text;
            vec![Outcome::Mixed { recipient: to.mailbox.to_string(), detail }; outcomes.len()]
        }
        _ => outcomes,
    }
}

fn of_recipient(account: &Account, sent: RecipientOutcome) -> Outcome {
    let provider = account.provider_name().to_owned();
    match sent {
        RecipientOutcome::Accepted(reply) => Outcome::Sent { provider, reply },
        RecipientOutcome::Refused { stage, reply } => refused(account, stage, reply),
        RecipientOutcome::Withheld => Outcome::Mixed { recipient: String::new(), detail: String::new() },
    }
}

fn refused(account: &Account, stage: Stage, reply: Reply) -> Outcome {
    let meaning = classified(account, stage, &reply).meaning;
    refused_as(account, stage, reply, meaning)
}

/// What a reply of the account's provider means.
pub(super) fn classified(account: &Account, stage: Stage, reply: &Reply) -> Classification {
    classify(Some(account.provider_name()), stage, reply)
}

/// A refusal whose meaning is known.
pub(super) fn refused_as(account: &Account, stage: Stage, reply: Reply, meaning: Meaning) -> Outcome {
    Outcome::Refused { provider: account.provider_name().to_owned(), stage, reply, meaning }
}

fn unprotected(account: &Account) -> String {
    format!(
        "no password is sent to {} without TLS: set `tls: implicit` or `tls: starttls`, or `danger_plaintext_auth: true`",
        account.submission
    )
}

fn no_mechanism(account: &Account, offered: &[String]) -> String {
    let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(" ") };
    let allowed = account.mechanisms.as_ref().map(|mechanisms| {
        let names: Vec<&str> = mechanisms.iter().map(|mechanism| mechanism.name()).collect();
        format!(", the account allows {}", names.join(" "))
    });
    format!("no common SASL mechanism: {} offers {offered}{}", account.submission, allowed.unwrap_or_default())
}
