//! What a provider's reply means for this message, this account and this host.
//!
//! [`classify`] asks the rows in [`rules`] in their order; the first that applies decides. Rows are data, and speak of
//! ways of saying things rather than of one server's sentences, so that replies never seen are carried too. Where no
//! row applies, the meaning is [`Meaning::Unknown`], and what follows is left to reply code and stage, with transient
//! as the answer to every doubt. Positive replies need no row.

mod remedy;
mod rule;
mod rules;
mod wait;
mod words;

use crate::verdict::{Disposition, Meaning, Stage};
use crate::wire::reply::{EnhancedStatus, Reply, ReplyClass};
use rule::{Family, Rule, Seen};
use std::time::Duration;
use words::Words;

/// What a reply means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// What it says about message, account or host.
    pub meaning: Meaning,
    /// What the MTA is asked to do.
    pub disposition: Disposition,
    /// How long to wait, where the reply itself says so.
    pub until: Option<Duration>,
    /// Whether other messages of the account, or of this host, would be refused too.
    pub lasting: bool,
    /// What a person can do about it, in a sentence or two.
    pub remedy: &'static str,
    /// The page that the reply points to.
    pub page: Option<String>,
    /// Where such replies are documented or were seen; empty where only the code spoke.
    pub source: &'static str,
}

/// What `reply`, given by `provider` (by any of its names, or a host's) at `stage`, means.
///
/// A reply without a code has the code 0.
pub fn classify(provider: Option<&str>, stage: Stage, reply: &Reply) -> Classification {
    let (meaning, rule) = if is_positive(stage, reply) {
        (Meaning::Delivered, None)
    } else {
        let rule = find(provider.and_then(Family::of), stage, reply);
        (rule.map_or(Meaning::Unknown, |rule| rule.meaning), rule)
    };
    let text = reply.lines_lossy().join(" ");
    let own = rule.map_or("", |rule| rule.remedy);
    Classification {
        meaning,
        disposition: meaning.disposition(stage, reply),
        lasting: is_lasting(meaning, stage) && rule.is_none_or(|rule| !rule.passing),
        until: wait::asked_for(&Words::of(text.as_bytes())),
        remedy: if own.is_empty() { remedy::of(meaning) } else { own },
        page: remedy::page_in(&text),
        source: rule.map_or("", |rule| rule.source),
    }
}

/// Whether a meaning is about more than one message. Behind the login a refusal may quote what another server said of
/// this host, so only what comes before the message closes a route; and a session that is told to log in after it did
/// is no proof that the password is wrong.
fn is_lasting(meaning: Meaning, stage: Stage) -> bool {
    match meaning {
        Meaning::HostRefused => !matches!(stage, Stage::Data | Stage::Final | Stage::Unknown),
        Meaning::CredentialsRefused | Meaning::AppPasswordNeeded => stage == Stage::Auth,
        Meaning::AccountLocked | Meaning::TooManyLogins | Meaning::QuotaExceeded => true,
        Meaning::Delivered
        | Meaning::SenderNotAllowed
        | Meaning::HeaderMalformed
        | Meaning::RecipientUnknown
        | Meaning::Spam
        | Meaning::TooLarge
        | Meaning::Policy
        | Meaning::ServerTrouble
        | Meaning::Unknown => false,
    }
}

/// What a person can do about a refusal of this meaning, where nothing more is known of it.
pub fn remedy_of(meaning: Meaning) -> &'static str {
    remedy::of(meaning)
}

/// How many rows there are.
pub fn number_of_rules() -> usize {
    rules::TABLES.iter().map(|table| table.len()).sum::<usize>() + rules::FALLBACK.len()
}

/// 2yz anywhere; 334 and 354 where they belong.
fn is_positive(stage: Stage, reply: &Reply) -> bool {
    match reply.code {
        334 => matches!(stage, Stage::Auth | Stage::Unknown),
        354 => matches!(stage, Stage::Data | Stage::Unknown),
        _ => reply.class() == ReplyClass::Completed,
    }
}

/// The row that decides: first by what the telling lines say, then by all of them, then by code and stage.
fn find(family: Option<Family>, stage: Stage, reply: &Reply) -> Option<&'static Rule> {
    let see = |lines: &[Vec<u8>]| Seen {
        stage,
        reply,
        family,
        status: status_of(reply),
        words: Words::of(&lines.join(&b' ')),
    };
    let whole = see(&reply.lines);
    let by_words = |seen: &Seen<'_>| rules::TABLES.iter().copied().flatten().find(|rule| rule.applies(seen));
    telling_lines(family, &reply.lines)
        .and_then(|lines| by_words(&see(lines)))
        .or_else(|| by_words(&whole))
        .or_else(|| rules::FALLBACK.iter().find(|rule| rule.applies(&whole)))
}

/// The lines that tell the reason, where others only recite RFC 5321: those behind its phrases, and at United Internet
/// the last but for the pointer to an explanation.
fn telling_lines(family: Option<Family>, lines: &[Vec<u8>]) -> Option<&[Vec<u8>]> {
    let recites = |line: &Vec<u8>| {
        let words = Words::of(line);
        ["requested action not taken", "requested mail action"].iter().any(|phrase| words.has(phrase))
    };
    let explains = |line: &Vec<u8>| Words::of(line).has("for explanation");
    let start = match family {
        Some(Family::UnitedInternet) => lines.iter().rposition(|line| !line.is_empty() && !explains(line))?,
        _ => lines.iter().rposition(recites)? + 1,
    };
    lines.get(start..).filter(|rest| !rest.is_empty())
}

/// The enhanced status code at the start of a line, or written `#5.7.1` as qmail does.
fn status_of(reply: &Reply) -> Option<EnhancedStatus> {
    let marked = || {
        let text = reply.lines.join(&b' ');
        let at = text.iter().position(|octet| *octet == b'#')?;
        EnhancedStatus::at_start_of(&text[at + 1..])
    };
    reply.enhanced_status().or_else(marked)
}

#[cfg(test)]
mod tests;
