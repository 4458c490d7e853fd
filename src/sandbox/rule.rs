//! The rules that a sandbox follows, as they are written: `NAME[=ARGUMENT][@FILE]`.
//!
//! With `@FILE` (a path that begins with `/` or `./`) a rule is in force only while that file exists, so that a script
//! can close and open a provider by touching and removing a file.

use crate::wire::reply::Reply;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use thiserror::Error;

/// A rule, with the file that switches it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) kind: Kind,
    while_file: Option<PathBuf>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The greeting is GMX's 554 for a listed address; all clients, or one.
    BlockList(Option<IpAddr>),
    /// The header From must be the login, else 554 with `c=hi` after the message.
    FromMustMatch,
    /// MAIL must name the login (or the null reverse-path).
    SenderMustMatch,
    /// `<>` is refused at MAIL, as SES does.
    RefuseNullSender,
    /// RCPT refused for this address.
    RefuseRecipient(String),
    /// RCPT refused from this number on.
    RecipientLimit(usize),
    /// AUTH refused; all logins, or one.
    WrongPassword(Option<String>),
    /// GMX's used-up limit after so many messages: a 550 at RCPT that blames the mailbox.
    Quota(u64),
    /// Date, From and To once each, none empty, no raw 8-bit octets in address fields.
    HeaderPolicy,
    /// Gmail's 454 from login N + 1 on.
    TooManyLogins(u64),
    /// 421 to MAIL after so many messages of a session.
    LimitMessages(u64),
    /// SIZE, in octets.
    Size(u64),
    /// STARTTLS is neither offered nor known.
    NoStartTls,
    /// Octets in clear behind the 220 to STARTTLS.
    StartTlsInjection,
    /// This reply at this stage, whatever the command.
    Reply(Stage, Reply),
    /// The connection is closed after the reply of this stage.
    DropAfter(Stage),
    /// The connection is closed in place of the reply of this stage.
    DropReply(Stage),
    /// No reply at this stage, ever.
    SilentAt(Stage),
    /// The reply of this stage comes late.
    Delay(Stage, Duration),
}

/// A point of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// TCP is there, nothing was said.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The greeting.
    Banner,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS
    StartTls,
    /// AUTH, its end.
    Auth,
    /// MAIL
    Mail,
    /// RCPT
    Rcpt,
    /// DATA's 354, or the reply to a BDAT that is not the last.
    Data,
    /// The reply to the whole message.
    Final,
    /// RSET, NOOP
    Other,
    /// QUIT
    Quit,
}

/// Why something is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// No rule has this name.
    #[error("unknown rule {0:?}\nhint: the rules are {NAMES}")]
    Unknown(String),
    /// The argument is missing or malformed.
    #[error("rule {rule}: expected {expected}, but found {found:?}")]
    Argument {
        /// The rule's name.
        rule: String,
        /// What would fit.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}

const NAMES: &str = "block-list, from-must-match, sender-must-match, refuse-null-sender, refuse-recipient, \
    recipient-limit, wrong-password, quota, header-policy, too-many-logins, limit-messages, size, no-starttls, \
    starttls-injection, reply, drop-after, drop-reply, silent-at, delay, none";

impl Rule {
    /// What GMX is known for: header From and MAIL are the login's, and the header is complete.
    pub fn of_gmx() -> Vec<Rule> {
        [Kind::FromMustMatch, Kind::SenderMustMatch, Kind::HeaderPolicy].map(Rule::from).into()
    }

    /// Reads `NAME[=ARGUMENT][@FILE]`; `none` is the rule that rules nothing.
    ///
    /// # Errors
    /// [`RuleError`]
    pub fn parse(text: &str) -> Result<Option<Rule>, RuleError> {
        let (text, while_file) = split_file(text);
        let (name, argument) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        if name == "none" {
            return Ok(None);
        }
        let kind = kind(name, argument)?;
        Ok(Some(Rule { kind, while_file }))
    }

    fn in_force(&self) -> bool {
        self.while_file.as_ref().is_none_or(|file| file.exists())
    }
}

impl From<Kind> for Rule {
    fn from(kind: Kind) -> Rule {
        Rule { kind, while_file: None }
    }
}

fn split_file(text: &str) -> (&str, Option<PathBuf>) {
    match text.rfind("@/").or_else(|| text.rfind("@./")) {
        Some(at) => (&text[..at], Some(PathBuf::from(&text[at + 1..]))),
        None => (text, None),
    }
}

fn kind(name: &str, argument: Option<&str>) -> Result<Kind, RuleError> {
    let wrong = |expected| RuleError::Argument {
        rule: name.to_owned(),
        expected,
        found: argument.unwrap_or_default().to_owned(),
    };
    let text = || argument.filter(|text| !text.is_empty());
    let number = |missing: Option<u64>| match text() {
        None => missing.ok_or_else(|| wrong("a number")),
        Some(digits) => digits.parse().map_err(|_| wrong("a number")),
    };
    let stage = || text().and_then(Stage::named).ok_or_else(|| wrong(STAGES));
    Ok(match name {
        "block-list" => Kind::BlockList(match text() {
            None => None,
            Some(address) => Some(address.parse().map_err(|_| wrong("an IP address"))?),
        }),
        "from-must-match" => Kind::FromMustMatch,
        "sender-must-match" => Kind::SenderMustMatch,
        "refuse-null-sender" => Kind::RefuseNullSender,
        "refuse-recipient" => Kind::RefuseRecipient(text().ok_or_else(|| wrong("an address"))?.to_owned()),
        "recipient-limit" => Kind::RecipientLimit(number(None)? as usize),
        "wrong-password" => Kind::WrongPassword(text().map(str::to_owned)),
        "quota" => Kind::Quota(number(Some(0))?),
        "header-policy" => Kind::HeaderPolicy,
        "too-many-logins" => Kind::TooManyLogins(number(Some(0))?),
        "limit-messages" => Kind::LimitMessages(number(None)?),
        "size" => Kind::Size(number(None)?),
        "no-starttls" => Kind::NoStartTls,
        "starttls-injection" => Kind::StartTlsInjection,
        "reply" => text().and_then(reply_at).ok_or_else(|| wrong("STAGE:CODE text, \\n between lines"))?,
        "drop-after" => Kind::DropAfter(stage()?),
        "drop-reply" => Kind::DropReply(stage()?),
        "silent-at" => Kind::SilentAt(stage()?),
        "delay" => text().and_then(delay_at).ok_or_else(|| wrong("STAGE:MILLISECONDS"))?,
        _ => return Err(RuleError::Unknown(name.to_owned())),
    })
}

const STAGES: &str = "connect, tls, banner, ehlo, starttls, auth, mail, rcpt, data, final, other or quit";

/// `STAGE:CODE text`; `\n` stands between lines, and each line may repeat the code (`550-First\n550 Last`).
fn reply_at(argument: &str) -> Option<Kind> {
    let (stage, text) = argument.split_once(':')?;
    let (code, _) = coded(text);
    let code = code.filter(|code| (200..600).contains(code))?;
    let lines = text.split("\\n").flat_map(|line| line.split('\n')).map(|line| coded(line).1.as_bytes().to_vec());
    Some(Kind::Reply(Stage::named(stage)?, Reply { code, lines: lines.collect() }))
}

/// The code at the start of a line, and what follows it and its separator.
fn coded(line: &str) -> (Option<u16>, &str) {
    let digits = line.get(..3).filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()));
    match digits {
        Some(digits) if line.len() == 3 || matches!(line.as_bytes()[3], b' ' | b'-') => {
            (digits.parse().ok(), line.get(4..).unwrap_or_default())
        }
        _ => (None, line),
    }
}

fn delay_at(argument: &str) -> Option<Kind> {
    let (stage, milliseconds) = argument.split_once(':')?;
    Some(Kind::Delay(Stage::named(stage)?, Duration::from_millis(milliseconds.parse().ok()?)))
}

impl Stage {
    fn named(name: &str) -> Option<Stage> {
        Some(match name.to_ascii_lowercase().as_str() {
            "connect" => Stage::Connect,
            "tls" => Stage::Tls,
            "banner" => Stage::Banner,
            "ehlo" => Stage::Ehlo,
            "starttls" => Stage::StartTls,
            "auth" => Stage::Auth,
            "mail" => Stage::Mail,
            "rcpt" => Stage::Rcpt,
            "data" => Stage::Data,
            "final" => Stage::Final,
            "other" => Stage::Other,
            "quit" => Stage::Quit,
            _ => return None,
        })
    }
}

/// The rules of a running server: those set, and those of a file.
pub(super) struct RuleBook {
    set: RwLock<Vec<Rule>>,
    file: Option<PathBuf>,
}

impl RuleBook {
    pub(super) fn new(rules: Vec<Rule>, file: Option<PathBuf>) -> RuleBook {
        RuleBook { set: RwLock::new(rules), file }
    }

    pub(super) fn replace(&self, rules: Vec<Rule>) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// What `pick` makes of the first rule in force that it takes.
    pub(super) fn find<T>(&self, pick: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let first = set.iter().filter(|rule| rule.in_force()).find_map(|rule| pick(&rule.kind));
        first.or_else(|| self.of_file().iter().filter(|rule| rule.in_force()).find_map(|rule| pick(&rule.kind)))
    }

    /// Whether a rule of this very kind is in force.
    pub(super) fn has(&self, kind: &Kind) -> bool {
        self.find(|candidate| (candidate == kind).then_some(())).is_some()
    }

    fn of_file(&self) -> Vec<Rule> {
        self.file.as_deref().map(read_rules).unwrap_or_default()
    }
}

/// The rules of a file, one a line; a missing file holds none, and what is no rule rules nothing.
fn read_rules(file: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| Rule::parse(line).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_name_an_argument_and_a_file_that_switches_it_on() {
        let reply = Reply { code: 550, lines: vec![b"First".to_vec(), b"Last".to_vec()] };
        let rows = [
            ("block-list", Kind::BlockList(None), None),
            ("block-list=192.0.2.1", Kind::BlockList("192.0.2.1".parse().ok()), None),
            ("block-list@/run/closed", Kind::BlockList(None), Some("/run/closed")),
            ("refuse-recipient=b@x.example@./f", Kind::RefuseRecipient("b@x.example".into()), Some("./f")),
            ("refuse-recipient=b@x.example", Kind::RefuseRecipient("b@x.example".into()), None),
            ("quota", Kind::Quota(0), None),
            ("reply=RCPT:550-First\\n550 Last", Kind::Reply(Stage::Rcpt, reply.clone()), None),
            ("reply=rcpt:550 First\\nLast", Kind::Reply(Stage::Rcpt, reply), None),
            ("reply=final:250", Kind::Reply(Stage::Final, Reply::new(250, "")), None),
            ("delay=data:40", Kind::Delay(Stage::Data, Duration::from_millis(40)), None),
        ];
        for (text, kind, file) in rows {
            let expected = Rule { kind, while_file: file.map(PathBuf::from) };
            assert_eq!(Rule::parse(text), Ok(Some(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_what_would_be_one() {
        for text in ["", "blocklist", "size", "size=big", "reply=rcpt", "reply=x:550 y", "reply=rcpt:99 y", "silent-at"]
        {
            assert!(Rule::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Rule::parse("none"), Ok(None));
    }
}
