//! From an outcome to what an MTA reads: status code, reply, exit status, text.

use super::outcome::Extension;
use super::{Disposition, Meaning, Outcome, Stage};
use crate::wire::reply::{EnhancedStatus, Reply};
use crate::wire::text::one_line;
use std::process::ExitCode;

/// What one recipient's delivery came to, in the MTA's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the MTA shall do.
    pub disposition: Disposition,
    /// RFC 3463; its class always fits the disposition.
    pub status: EnhancedStatus,
    /// One printable line without the status code and without secrets; names account or provider, and stage.
    pub text: String,
}

/// sysexits(3) codes. Towards an MTA only [`Ok`](ExitStatus::Ok), [`Unavailable`](ExitStatus::Unavailable) and
/// [`TempFail`](ExitStatus::TempFail) are ever used: 75 is the only code on which Postfix and Exim both defer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0
    Ok,
    /// 1: what a look-up answers for "no".
    No,
    /// 2: what `doctor` answers where mail can't go out as things are.
    Unsound,
    /// EX_USAGE, for a person.
    Usage,
    /// EX_DATAERR, for a person.
    DataError,
    /// EX_NOUSER, for a person.
    NoUser,
    /// EX_UNAVAILABLE: this message, for good.
    Unavailable,
    /// EX_TEMPFAIL: try again.
    TempFail,
    /// EX_NOPERM, for a person.
    NoPermission,
    /// EX_CONFIG, for a person.
    Config,
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Ok => 0,
            ExitStatus::No => 1,
            ExitStatus::Unsound => 2,
            ExitStatus::Usage => 64,
            ExitStatus::DataError => 65,
            ExitStatus::NoUser => 67,
            ExitStatus::Unavailable => 69,
            ExitStatus::TempFail => 75,
            ExitStatus::NoPermission => 77,
            ExitStatus::Config => 78,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.code())
    }
}

impl Verdict {
    /// The exit status towards an MTA's pipe.
    pub fn exit_status(&self) -> ExitStatus {
        match self.disposition {
            Disposition::Ok => ExitStatus::Ok,
            Disposition::Defer => ExitStatus::TempFail,
            Disposition::Bounce => ExitStatus::Unavailable,
        }
    }

    /// The line for an MTA's pipe: pipe(8) takes a leading status code over the exit status.
    pub fn pipe_line(&self) -> String {
        format!("{} {}", self.status, self.text)
    }

    /// The reply for LMTP and SMTP: 250, 451 or 550, with the enhanced status code.
    pub fn reply_line(&self) -> String {
        let code = match self.disposition {
            Disposition::Ok => 250,
            Disposition::Defer => 451,
            Disposition::Bounce => 550,
        };
        format!("{code} {} {}", self.status, self.text)
    }
}

impl From<&Outcome> for Verdict {
    fn from(outcome: &Outcome) -> Verdict {
        let (disposition, status) = judged(outcome);
        Verdict { disposition, status, text: one_line(text(outcome).as_bytes(), MAX_TEXT) }
    }
}

/// Longest text towards an MTA, in characters: a reply line is at most 512 octets by RFC 5321, but Postfix and Exim
/// both take more, and a provider's whole explanation is worth it.
const MAX_TEXT: usize = 900;

/// Disposition and status code of each outcome.
fn judged(outcome: &Outcome) -> (Disposition, EnhancedStatus) {
    use Disposition::{Bounce, Defer, Ok};
    let bounce_if = |permanent: bool, subject, detail| match permanent {
        true => (Bounce, EnhancedStatus(5, subject, detail)),
        false => (Defer, EnhancedStatus(4, subject, detail)),
    };
    match outcome {
        Outcome::Sent { reply, .. } => (Ok, reply.enhanced_status().unwrap_or(EnhancedStatus(2, 0, 0))),
        Outcome::AlreadySent { .. } => (Ok, EnhancedStatus(2, 0, 0)),
        Outcome::NoAccount { permanent: true, .. } => (Bounce, EnhancedStatus(5, 7, 1)),
        Outcome::NoAccount { permanent: false, .. } => (Defer, EnhancedStatus(4, 3, 5)),
        Outcome::NullSender { permanent } => bounce_if(*permanent, 7, 1),
        Outcome::NotAuthorised { .. } | Outcome::HeaderFrom { .. } => (Bounce, EnhancedStatus(5, 7, 1)),
        Outcome::AccountDisabled { .. } => (Defer, EnhancedStatus(4, 7, 13)),
        Outcome::Header { .. } | Outcome::HeaderTooLarge { .. } => (Bounce, EnhancedStatus(5, 6, 0)),
        Outcome::TooLarge { .. } => (Bounce, EnhancedStatus(5, 3, 4)),
        Outcome::ExtensionMissing { extension: Extension::SmtpUtf8, .. } => (Bounce, EnhancedStatus(5, 6, 7)),
        Outcome::ExtensionMissing { extension: Extension::EightBitMime, .. } => (Bounce, EnhancedStatus(5, 6, 3)),
        Outcome::Refused { stage, reply, meaning, .. } => refused(*stage, reply, *meaning),
        Outcome::Connection { stage: Stage::Tls | Stage::StartTls, .. } => (Defer, EnhancedStatus(4, 7, 5)),
        Outcome::Connection { stage: Stage::Auth, .. } => (Defer, EnhancedStatus(4, 7, 0)),
        Outcome::Connection { .. } => (Defer, EnhancedStatus(4, 4, 2)),
        Outcome::Unanswered { .. } => (Defer, EnhancedStatus(4, 4, 2)),
        Outcome::Credentials { .. } => (Defer, EnhancedStatus(4, 7, 8)),
        Outcome::Closed { .. } => (Defer, EnhancedStatus(4, 7, 0)),
        Outcome::Busy { .. } => (Defer, EnhancedStatus(4, 3, 2)),
        Outcome::Mixed { .. } | Outcome::TooManyRecipients { .. } => (Defer, EnhancedStatus(4, 5, 3)),
        Outcome::Cut { .. } => (Defer, EnhancedStatus(4, 3, 0)),
        Outcome::Protocol { .. } => (Defer, EnhancedStatus(4, 5, 4)),
        Outcome::Local { .. } => (Defer, EnhancedStatus(4, 3, 5)),
        Outcome::Deadline { .. } => (Defer, EnhancedStatus(4, 4, 7)),
        Outcome::Terminated { .. } => (Defer, EnhancedStatus(4, 3, 2)),
    }
}

/// A refusal's disposition, with a status code whose class fits it: the provider's own subject and detail where it
/// gave them, else what the stage says.
fn refused(stage: Stage, reply: &Reply, meaning: Meaning) -> (Disposition, EnhancedStatus) {
    let disposition = meaning.disposition(stage, reply);
    let may_be_about_message = stage.is_about_message() || stage == Stage::Unknown;
    let class = match disposition {
        Disposition::Ok => return (disposition, reply.enhanced_status().unwrap_or(EnhancedStatus(2, 0, 0))),
        Disposition::Defer => 4,
        Disposition::Bounce => 5,
    };
    let (subject, detail) = match reply.enhanced_status() {
        Some(EnhancedStatus(_, 7, detail)) if !may_be_about_message => (7, detail),
        Some(EnhancedStatus(_, subject, detail)) if may_be_about_message => (subject, detail),
        Some(_) | None => implied(may_be_about_message, meaning),
    };
    (disposition, EnhancedStatus(class, subject, detail))
}

/// Subject and detail for a reply that has no status code of its own.
fn implied(may_be_about_message: bool, meaning: Meaning) -> (u16, u16) {
    match meaning {
        Meaning::CredentialsRefused | Meaning::AppPasswordNeeded => (7, 8),
        Meaning::AccountLocked => (7, 13),
        Meaning::HostRefused | Meaning::SenderNotAllowed | Meaning::Policy | Meaning::Spam => (7, 1),
        Meaning::TooManyLogins => (7, 0),
        Meaning::RecipientUnknown => (1, 1),
        Meaning::QuotaExceeded => (4, 5),
        Meaning::HeaderMalformed => (6, 0),
        Meaning::TooLarge => (3, 4),
        Meaning::Delivered | Meaning::ServerTrouble | Meaning::Unknown if may_be_about_message => (0, 0),
        Meaning::Delivered | Meaning::ServerTrouble | Meaning::Unknown => (7, 0),
    }
}

/// What a person reads, before it is made one printable line.
fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent { provider, reply } => format!("{provider}: {reply}"),
        Outcome::AlreadySent { provider } => {
            format!("{provider}: taken at an earlier try, not sent again")
        }
        Outcome::NoAccount { sender, .. } => format!("no account for sender <{sender}>"),
        Outcome::NullSender { .. } => "the null reverse-path belongs to no account (null_sender)".to_owned(),
        Outcome::NotAuthorised { sender, submitter } => {
            format!("{submitter} may not send as <{sender}>: not listed in the account's users")
        }
        Outcome::AccountDisabled { account } => format!("account {account} is disabled"),
        Outcome::HeaderFrom { account, found, expected } => {
            format!("account {account}: header From is {found}, but must be <{expected}>: use <{expected}> as sender")
        }
        Outcome::Header { problem } => format!("header section: {problem}"),
        Outcome::HeaderTooLarge { limit } => format!("the header section is over {limit} octets"),
        Outcome::TooLarge { provider, size, limit } => {
            format!("{provider}: the message has {size} octets, but the server takes at most {limit}")
        }
        Outcome::ExtensionMissing { provider, extension: Extension::SmtpUtf8 } => {
            format!("{provider}: an address or header field needs SMTPUTF8, which the server does not offer")
        }
        Outcome::ExtensionMissing { provider, extension: Extension::EightBitMime } => {
            format!("{provider}: the message is 8-bit and can't be converted, and the server does not offer 8BITMIME")
        }
        Outcome::Refused { provider, stage, reply, meaning: Meaning::Unknown } => {
            format!("{provider}: {stage}: {reply}")
        }
        Outcome::Refused { provider, stage, reply, meaning } => format!("{provider}: {stage}: {reply} [{meaning}]"),
        Outcome::Connection { provider, stage, detail } => format!("{provider}: {stage}: {detail}"),
        Outcome::Unanswered { provider, detail } => {
            format!(
                "{provider}: the message was sent, but its reply never came ({detail}): unknown whether it was taken"
            )
        }
        Outcome::Credentials { account, problem } => format!("account {account}: {problem}"),
        Outcome::Closed { subject, reason, until } => format!("{subject} is closed until {until}: {reason}"),
        Outcome::Busy { account } => format!("account {account}: too many deliveries are waiting"),
        Outcome::Mixed { recipient, detail } => format!(
            "nothing was sent, because <{recipient}> was refused ({detail}): set the transport's recipient limit to 1"
        ),
        Outcome::TooManyRecipients { provider, count, limit } => format!(
            "nothing was sent, because {provider} takes {limit} recipients with one message and this has {count}: set the \
             transport's recipient limit to 1"
        ),
        Outcome::Cut { detail } => format!("the message was cut and not sent: {detail}"),
        Outcome::Protocol { problem } | Outcome::Local { problem } => problem.clone(),
        Outcome::Deadline { seconds, waiting_for } => {
            format!("gave up after {seconds} s, waiting for {waiting_for}")
        }
        Outcome::Terminated { signal } => format!("ended by {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(stage: Stage, code: u16, text: &str, meaning: Meaning) -> Outcome {
        Outcome::Refused { provider: "gmx".into(), stage, reply: Reply::new(code, text), meaning }
    }

    #[test]
    fn every_outcome_has_its_status_and_exit_status() {
        let s = |text: &str| text.to_owned();
        let sent = Reply::new(250, "2.1.5 ok");
        let rows = [
            (Outcome::Sent { provider: s("gmx"), reply: sent }, "2.1.5", 0),
            (Outcome::Sent { provider: s("gmx"), reply: Reply::new(250, "ok") }, "2.0.0", 0),
            (Outcome::AlreadySent { provider: s("gmx") }, "2.0.0", 0),
            (Outcome::NoAccount { sender: s("a@b"), permanent: false }, "4.3.5", 75),
            (Outcome::NoAccount { sender: s("a@b"), permanent: true }, "5.7.1", 69),
            (Outcome::NullSender { permanent: false }, "4.7.1", 75),
            (Outcome::NullSender { permanent: true }, "5.7.1", 69),
            (Outcome::NotAuthorised { sender: s("a@b"), submitter: s("x") }, "5.7.1", 69),
            (Outcome::AccountDisabled { account: s("a@b") }, "4.7.13", 75),
            (Outcome::HeaderFrom { account: s("a@b"), found: s("<c@d>"), expected: s("a@b") }, "5.7.1", 69),
            (Outcome::Header { problem: s("x") }, "5.6.0", 69),
            (Outcome::HeaderTooLarge { limit: 1 }, "5.6.0", 69),
            (Outcome::TooLarge { provider: s("gmx"), size: 2, limit: 1 }, "5.3.4", 69),
            (Outcome::ExtensionMissing { provider: s("g"), extension: Extension::SmtpUtf8 }, "5.6.7", 69),
            (Outcome::ExtensionMissing { provider: s("g"), extension: Extension::EightBitMime }, "5.6.3", 69),
            (refusal(Stage::Banner, 554, "No SMTP service", Meaning::HostRefused), "4.7.1", 75),
            (refusal(Stage::Ehlo, 550, "5.1.1 odd", Meaning::Unknown), "4.7.0", 75),
            (refusal(Stage::Auth, 535, "5.7.8 bad", Meaning::CredentialsRefused), "4.7.8", 75),
            (refusal(Stage::Auth, 535, "bad", Meaning::CredentialsRefused), "4.7.8", 75),
            (refusal(Stage::Rcpt, 550, "no such user", Meaning::RecipientUnknown), "5.1.1", 69),
            (refusal(Stage::Rcpt, 550, "4.1.1 contradiction", Meaning::Unknown), "5.0.0", 69),
            (refusal(Stage::Final, 550, "5.4.5 quota", Meaning::QuotaExceeded), "4.4.5", 75),
            (refusal(Stage::Mail, 503, "5.5.1 sequence", Meaning::ServerTrouble), "4.5.1", 75),
            (Outcome::Connection { provider: s("gmx"), stage: Stage::Connect, detail: s("x") }, "4.4.2", 75),
            (Outcome::Connection { provider: s("gmx"), stage: Stage::Tls, detail: s("x") }, "4.7.5", 75),
            (Outcome::Connection { provider: s("gmx"), stage: Stage::Auth, detail: s("x") }, "4.7.0", 75),
            (Outcome::Unanswered { provider: s("gmx"), detail: s("x") }, "4.4.2", 75),
            (Outcome::Credentials { account: s("a@b"), problem: s("x") }, "4.7.8", 75),
            (Outcome::Closed { subject: s("a@b"), reason: s("x"), until: s("12:00") }, "4.7.0", 75),
            (Outcome::Busy { account: s("a@b") }, "4.3.2", 75),
            (Outcome::Mixed { recipient: s("a@b"), detail: s("x") }, "4.5.3", 75),
            (Outcome::TooManyRecipients { provider: s("g"), count: 2, limit: 1 }, "4.5.3", 75),
            (Outcome::Cut { detail: s("x") }, "4.3.0", 75),
            (Outcome::Protocol { problem: s("x") }, "4.5.4", 75),
            (Outcome::Local { problem: s("x") }, "4.3.5", 75),
            (Outcome::Deadline { seconds: 900, waiting_for: s("x") }, "4.4.7", 75),
            (Outcome::Terminated { signal: s("SIGTERM") }, "4.3.2", 75),
        ];
        for (outcome, status, exit) in rows {
            let verdict = Verdict::from(&outcome);
            assert_eq!(
                (verdict.status.to_string().as_str(), verdict.exit_status().code()),
                (status, exit),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn a_providers_refusal_is_told_with_stage_and_all_its_lines_after_the_status_code() {
        let lines = vec![b"Requested action not taken: mailbox unavailable".to_vec(), b"No such user".to_vec()];
        let outcome = Outcome::Refused {
            provider: "gmx".into(),
            stage: Stage::Rcpt,
            reply: Reply { code: 550, lines },
            meaning: Meaning::RecipientUnknown,
        };
        assert_eq!(
            Verdict::from(&outcome).pipe_line(),
            "5.1.1 gmx: RCPT: 550-Requested action not taken: mailbox unavailable 550 No such user [recipient-unknown]"
        );
    }
}
