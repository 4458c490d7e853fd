//! What a provider's reply means, and what follows from it.

use super::Stage;
use crate::wire::reply::{Reply, ReplyClass};
use std::fmt;

/// What a reply says about the message, the account or this host: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The provider took it.
    Delivered,
    /// This host's address is refused, whoever logs in.
    HostRefused,
    /// Wrong login or password.
    CredentialsRefused,
    /// The provider wants an app password, OAuth 2.0, or the owner's consent on its pages.
    AppPasswordNeeded,
    /// The account is locked or suspended.
    AccountLocked,
    /// Too many logins in a short time.
    TooManyLogins,
    /// A sending limit is used up; it clears by itself.
    QuotaExceeded,
    /// The header From or the reverse-path is not the account's.
    SenderNotAllowed,
    /// A header field is missing, doubled or malformed.
    HeaderMalformed,
    /// No such recipient.
    RecipientUnknown,
    /// Refused as spam or for its content.
    Spam,
    /// Over the provider's size limit.
    TooLarge,
    /// Another rule of the provider's.
    Policy,
    /// The provider's own trouble, or a fault in the dialogue.
    ServerTrouble,
    /// None of these.
    Unknown,
}

/// What the MTA is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Delivered: take it off the queue.
    Ok,
    /// Try again later.
    Defer,
    /// Give it back to its sender.
    Bounce,
}

impl Meaning {
    /// Every meaning.
    pub const ALL: [Meaning; 15] = [
        Meaning::Delivered,
        Meaning::HostRefused,
        Meaning::CredentialsRefused,
        Meaning::AppPasswordNeeded,
        Meaning::AccountLocked,
        Meaning::TooManyLogins,
        Meaning::QuotaExceeded,
        Meaning::SenderNotAllowed,
        Meaning::HeaderMalformed,
        Meaning::RecipientUnknown,
        Meaning::Spam,
        Meaning::TooLarge,
        Meaning::Policy,
        Meaning::ServerTrouble,
        Meaning::Unknown,
    ];

    /// The name used in logs, in JSON and by `sendvia explain`.
    pub fn name(self) -> &'static str {
        match self {
            Meaning::Delivered => "delivered",
            Meaning::HostRefused => "host-refused",
            Meaning::CredentialsRefused => "credentials-refused",
            Meaning::AppPasswordNeeded => "app-password-needed",
            Meaning::AccountLocked => "account-locked",
            Meaning::TooManyLogins => "too-many-logins",
            Meaning::QuotaExceeded => "quota-exceeded",
            Meaning::SenderNotAllowed => "sender-not-allowed",
            Meaning::HeaderMalformed => "header-malformed",
            Meaning::RecipientUnknown => "recipient-unknown",
            Meaning::Spam => "spam",
            Meaning::TooLarge => "too-large",
            Meaning::Policy => "policy",
            Meaning::ServerTrouble => "server-trouble",
            Meaning::Unknown => "unknown",
        }
    }

    /// By its [name](Meaning::name).
    pub fn from_name(name: &str) -> Option<Meaning> {
        Meaning::ALL.into_iter().find(|meaning| meaning.name() == name)
    }

    /// In a few words for a person.
    pub fn in_words(self) -> &'static str {
        match self {
            Meaning::Delivered => "the server agreed",
            Meaning::HostRefused => "this host's address is refused, whoever logs in",
            Meaning::CredentialsRefused => "login or password is not accepted",
            Meaning::AppPasswordNeeded => "an app password, OAuth 2.0 or the owner's consent is needed",
            Meaning::AccountLocked => "the account is locked or suspended",
            Meaning::TooManyLogins => "too many logins in a short time",
            Meaning::QuotaExceeded => "a limit is used up, which clears by itself",
            Meaning::SenderNotAllowed => "the sender address is not one that the account may use",
            Meaning::HeaderMalformed => "a header field is missing, doubled or malformed",
            Meaning::RecipientUnknown => "there is no such recipient",
            Meaning::Spam => "refused as spam or for its content",
            Meaning::TooLarge => "the message is too large",
            Meaning::Policy => "a rule of the provider's or the recipient's forbids it",
            Meaning::ServerTrouble => "the server is in trouble, or the dialogue went wrong",
            Meaning::Unknown => "not understood",
        }
    }

    /// What follows for the message when `reply` with this meaning comes at `stage`.
    ///
    /// Before MAIL a refusal is about this host or the account, so it never bounces; after it a 5yz is for good unless
    /// it clears by itself, or says that we spoke the protocol wrongly (500, 502, 503, 504, 555). Where the stage is
    /// unknown, only a meaning that can't be about anything but the message bounces.
    pub fn disposition(self, stage: Stage, reply: &Reply) -> Disposition {
        match self {
            Meaning::Delivered => Disposition::Ok,
            Meaning::HostRefused
            | Meaning::CredentialsRefused
            | Meaning::AppPasswordNeeded
            | Meaning::AccountLocked
            | Meaning::TooManyLogins
            | Meaning::QuotaExceeded
            | Meaning::ServerTrouble => Disposition::Defer,
            Meaning::SenderNotAllowed
            | Meaning::HeaderMalformed
            | Meaning::RecipientUnknown
            | Meaning::Spam
            | Meaning::TooLarge => by_code(stage.is_about_message() || stage == Stage::Unknown, reply),
            // A text without its code may have been a 4yz.
            Meaning::Policy if reply.code == 0 => Disposition::Defer,
            Meaning::Policy => by_code(stage.is_about_message() || stage == Stage::Unknown, reply),
            Meaning::Unknown => by_code(stage.is_about_message() && reply.code != 0, reply),
        }
    }
}

/// RFC 5321 section 4.2.1, with the reservations above.
fn by_code(about_message: bool, reply: &Reply) -> Disposition {
    let our_protocol_fault = matches!(reply.code, 500 | 502 | 503 | 504 | 555);
    if about_message && reply.class() == ReplyClass::Permanent && !our_protocol_fault {
        Disposition::Bounce
    } else {
        Disposition::Defer
    }
}

impl Disposition {
    /// The name used in JSON and by `sendvia explain`.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Ok => "ok",
            Disposition::Defer => "defer",
            Disposition::Bounce => "bounce",
        }
    }

    /// What the MTA makes of it, as its own log says it.
    pub fn status(self) -> &'static str {
        match self {
            Disposition::Ok => "sent",
            Disposition::Defer => "deferred",
            Disposition::Bounce => "bounced",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_bounces_only_after_login_only_by_5yz_and_only_where_it_does_not_clear_by_itself() {
        let rows = [
            (Meaning::HostRefused, Stage::Banner, 554, Disposition::Defer),
            (Meaning::Policy, Stage::Ehlo, 550, Disposition::Defer),
            (Meaning::CredentialsRefused, Stage::Auth, 535, Disposition::Defer),
            (Meaning::RecipientUnknown, Stage::Rcpt, 550, Disposition::Bounce),
            (Meaning::RecipientUnknown, Stage::Rcpt, 450, Disposition::Defer),
            (Meaning::QuotaExceeded, Stage::Rcpt, 550, Disposition::Defer),
            (Meaning::Unknown, Stage::Mail, 553, Disposition::Bounce),
            (Meaning::Unknown, Stage::Mail, 503, Disposition::Defer),
            (Meaning::Unknown, Stage::Final, 555, Disposition::Defer),
            (Meaning::Policy, Stage::Final, 554, Disposition::Bounce),
            (Meaning::Delivered, Stage::Final, 250, Disposition::Ok),
            (Meaning::SenderNotAllowed, Stage::Unknown, 553, Disposition::Bounce),
            (Meaning::SenderNotAllowed, Stage::Unknown, 0, Disposition::Bounce),
            (Meaning::SenderNotAllowed, Stage::Unknown, 451, Disposition::Defer),
            (Meaning::SenderNotAllowed, Stage::Auth, 553, Disposition::Defer),
            (Meaning::Policy, Stage::Unknown, 550, Disposition::Bounce),
            (Meaning::Policy, Stage::Unknown, 0, Disposition::Defer),
            (Meaning::Unknown, Stage::Unknown, 550, Disposition::Defer),
            (Meaning::Unknown, Stage::Final, 0, Disposition::Defer),
        ];
        for (meaning, stage, code, expected) in rows {
            assert_eq!(meaning.disposition(stage, &Reply::new(code, "x")), expected, "{meaning} {stage} {code}");
        }
    }
}
