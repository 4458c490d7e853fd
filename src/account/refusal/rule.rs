//! One row of what is known about replies, and when it applies.

use super::words::Words;
use crate::verdict::{Meaning, Stage};
use crate::wire::reply::{EnhancedStatus, Reply};

/// One row: where every condition holds, the reply has this meaning. An empty list is no condition.
#[derive(Debug)]
pub(super) struct Rule {
    /// What the reply means.
    pub(super) meaning: Meaning,
    /// At which stages.
    pub(super) at: At,
    /// Whose replies only.
    pub(super) family: Option<Family>,
    /// Any of these reply codes; one below 10 stands for its class (`5` is any 5yz).
    pub(super) codes: &'static [u16],
    /// Any of these subjects and details of an enhanced status code.
    pub(super) status: &'static [(u16, u16)],
    /// Any of these [phrases](super::words).
    pub(super) says: &'static [&'static str],
    /// None of these.
    pub(super) unless: &'static [&'static str],
    /// The recipient or this message alone is meant: other messages of the account would not be refused.
    pub(super) passing: bool,
    /// What a person can do; empty for the meaning's own remedy.
    pub(super) remedy: &'static str,
    /// Where such replies are documented or were seen.
    pub(super) source: &'static str,
}

/// What [`Rule`]s leave out: no condition at all.
pub(super) const ANY: Rule = Rule {
    meaning: Meaning::Unknown,
    at: At::ANY,
    family: None,
    codes: &[],
    status: &[],
    says: &[],
    unless: &[],
    passing: false,
    remedy: "",
    source: "",
};

/// A set of stages. A reply of unknown stage fits where the set says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(u8);

impl At {
    const BEFORE: u8 = 1;
    const LOGIN: u8 = 2;
    const SENDER: u8 = 4;
    const RECIPIENT: u8 = 8;
    const MESSAGE: u8 = 16;
    const UNKNOWN: u8 = 32;

    /// Everywhere.
    pub(super) const ANY: At = At(63);
    /// AUTH.
    pub(super) const AUTH: At = At(At::LOGIN | At::UNKNOWN);
    /// AUTH, and nowhere else.
    pub(super) const AUTH_ONLY: At = At(At::LOGIN);
    /// Banner, EHLO and STARTTLS, and nowhere else.
    pub(super) const EARLY_ONLY: At = At(At::BEFORE);
    /// Anything before MAIL, and nowhere else.
    pub(super) const BEFORE_MAIL: At = At(At::BEFORE | At::LOGIN);
    /// MAIL and what comes after it.
    pub(super) const MAIL_ON: At = At(At::SENDER | At::RECIPIENT | At::MESSAGE | At::UNKNOWN);
    /// MAIL, RCPT and the message, surely.
    pub(super) const MAIL_ON_ONLY: At = At(At::SENDER | At::RECIPIENT | At::MESSAGE);
    /// Where an account that may not send is told so: not at RCPT, where the recipient's is meant.
    pub(super) const NOT_RCPT: At = At(At::LOGIN | At::SENDER | At::MESSAGE | At::UNKNOWN);
    /// MAIL, and nowhere else.
    pub(super) const MAIL_ONLY: At = At(At::SENDER);
    /// RCPT and what comes after it.
    pub(super) const RCPT_ON: At = At(At::RECIPIENT | At::MESSAGE | At::UNKNOWN);
    /// DATA and the end of the message.
    pub(super) const FINAL: At = At(At::MESSAGE | At::UNKNOWN);
    /// DATA and the end of the message, and nowhere else.
    pub(super) const FINAL_ONLY: At = At(At::MESSAGE);

    fn holds(self, stage: Stage) -> bool {
        let bit = match stage {
            Stage::Connect | Stage::Tls | Stage::Banner | Stage::Ehlo | Stage::StartTls => At::BEFORE,
            Stage::Auth => At::LOGIN,
            Stage::Mail => At::SENDER,
            Stage::Rcpt => At::RECIPIENT,
            Stage::Data | Stage::Final => At::MESSAGE,
            Stage::Unknown => At::UNKNOWN,
        };
        self.0 & bit != 0
    }
}

/// Providers that share software and wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// GMX, web.de, mail.com, IONOS, 1&1: the last line of a reply decides.
    UnitedInternet,
    /// Yahoo, AOL, AT&T, Sky, Rogers.
    Yahoo,
}

impl Family {
    /// By any name a provider goes by: a preset's, a host's, a domain's, or a person's spelling.
    pub(super) fn of(provider: &str) -> Option<Family> {
        let name = provider.to_lowercase();
        let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let has = |parts: &[&str]| words.windows(parts.len()).any(|window| window == parts);
        let united = ["gmx", "webde", "ionos", "1und1", "mailcom", "unitedinternet", "kundenserver", "1and1"];
        let yahoo =
            ["yahoo", "aol", "ymail", "rocketmail", "att", "sbcglobal", "bellsouth", "verizon", "rogers", "sky"];
        if has(&["united", "internet"]) || has(&["web", "de"]) || has(&["mail", "com"]) || has(&["1", "1"]) {
            return Some(Family::UnitedInternet);
        }
        let one_of = |names: &[&str]| words.iter().any(|word| names.contains(word));
        match () {
            () if one_of(&united) => Some(Family::UnitedInternet),
            () if one_of(&yahoo) => Some(Family::Yahoo),
            () => None,
        }
    }
}

/// A reply as the rules see it.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) stage: Stage,
    pub(super) reply: &'a Reply,
    pub(super) family: Option<Family>,
    pub(super) status: Option<EnhancedStatus>,
    pub(super) words: Words,
}

impl Rule {
    /// Whether every condition holds.
    pub(super) fn applies(&self, seen: &Seen<'_>) -> bool {
        self.at.holds(seen.stage)
            && self.family.is_none_or(|family| seen.family == Some(family))
            && fits_code(self.codes, seen.reply.code)
            && (self.status.is_empty()
                || seen
                    .status
                    .is_some_and(|EnhancedStatus(_, subject, detail)| self.status.contains(&(subject, detail))))
            && (self.says.is_empty() || self.says.iter().any(|phrase| seen.words.has(phrase)))
            && !self.unless.iter().any(|phrase| seen.words.has(phrase))
    }
}

fn fits_code(codes: &[u16], code: u16) -> bool {
    codes.is_empty() || codes.iter().any(|wanted| *wanted == code || *wanted == code / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_any_of_its_names_and_never_by_a_part_of_another() {
        let rows = [
            ("gmx", Some(Family::UnitedInternet)),
            ("GMX?", Some(Family::UnitedInternet)),
            ("mail.gmx.net", Some(Family::UnitedInternet)),
            ("web.de", Some(Family::UnitedInternet)),
            ("United Internet (GMX/web.de/IONOS/mail.com)", Some(Family::UnitedInternet)),
            ("smtp.mail.com:587", Some(Family::UnitedInternet)),
            ("1&1", Some(Family::UnitedInternet)),
            ("smtp.1und1.de", Some(Family::UnitedInternet)),
            ("gmail.com", None),
            ("hotmail.com", None),
            ("fastmail.com", None),
            ("smtp.mail.yahoo.com", Some(Family::Yahoo)),
            ("AOL", Some(Family::Yahoo)),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(Family::of(name), expected, "{name}");
        }
    }
}
