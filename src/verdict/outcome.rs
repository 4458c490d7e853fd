//! How a delivery can end: a closed list.

use super::Meaning;
use crate::wire::reply::Reply;
use std::fmt;

/// Where in the dialogue with a provider something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Name look-up and TCP, by the chosen route.
    Connect,
    /// TLS handshake, implicit or after STARTTLS.
    Tls,
    /// The greeting.
    Banner,
    /// EHLO, before or after STARTTLS.
    Ehlo,
    /// The STARTTLS command.
    StartTls,
    /// AUTH and its challenges.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA's 354, or a BDAT chunk that is not the last.
    Data,
    /// The reply to the whole message.
    Final,
    /// Not known: a reply looked at outside its dialogue.
    Unknown,
}

/// The end of one recipient's delivery, as the upper modules report it.
///
/// `account` is the account's address, `provider` a preset's name or a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider's 250 is in.
    Sent {
        /// Who took it.
        provider: String,
        /// Its reply to the message.
        reply: Reply,
    },
    /// An earlier try was taken by the provider; nothing was sent again.
    AlreadySent {
        /// Who took it.
        provider: String,
    },
    /// No account serves the reverse-path.
    NoAccount {
        /// The reverse-path.
        sender: String,
        /// Whether the administrator chose `unknown_sender: bounce`.
        permanent: bool,
    },
    /// The null reverse-path belongs to no account.
    NullSender {
        /// Whether the administrator chose `null_sender: bounce`.
        permanent: bool,
    },
    /// Whoever submitted may not use the account.
    NotAuthorised {
        /// The reverse-path.
        sender: String,
        /// Who submitted, as shown to a person: a login, `unix:anna`, or that there was none.
        submitter: String,
    },
    /// The account is switched off by the administrator.
    AccountDisabled {
        /// Its address.
        account: String,
    },
    /// The header From is not the account's.
    HeaderFrom {
        /// The account's address.
        account: String,
        /// What stands in the message, or that nothing does.
        found: String,
        /// The address to use.
        expected: String,
    },
    /// The header section can't be sent as it is, and can't be repaired without changing its meaning.
    Header {
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// The header section is over the limit.
    HeaderTooLarge {
        /// The limit in octets.
        limit: usize,
    },
    /// The message is over the server's SIZE.
    TooLarge {
        /// Who set the limit.
        provider: String,
        /// The message's octets.
        size: u64,
        /// The server's limit in octets.
        limit: u64,
    },
    /// The message needs an extension that the server lacks.
    ExtensionMissing {
        /// Who lacks it.
        provider: String,
        /// SMTPUTF8 or 8BITMIME.
        extension: Extension,
    },
    /// The provider refused.
    Refused {
        /// Who refused.
        provider: String,
        /// At which command.
        stage: Stage,
        /// What it said.
        reply: Reply,
        /// What that means.
        meaning: Meaning,
    },
    /// No usable connection: name look-up, TCP, TLS, a lost connection, silence, nonsense.
    Connection {
        /// Who could not be reached or spoken with.
        provider: String,
        /// At which stage.
        stage: Stage,
        /// What happened.
        detail: String,
    },
    /// The whole message was sent, and its reply never came: nobody knows whether it was taken.
    Unanswered {
        /// Who did not answer.
        provider: String,
        /// What happened instead.
        detail: String,
    },
    /// Credentials are missing, unreadable, or can't be used with what the server offers.
    Credentials {
        /// The account's address.
        account: String,
        /// What is wrong, and the remedy; no secret.
        problem: String,
    },
    /// The account, this host's route to the provider, or a limit is closed for now; no connection was made.
    Closed {
        /// The account's address, or the provider for a route.
        subject: String,
        /// Why.
        reason: String,
        /// When the next try makes sense, as shown to a person.
        until: String,
    },
    /// Too many deliveries of this account are waiting.
    Busy {
        /// The account's address.
        account: String,
    },
    /// Some recipients of a pipe call were refused, so nothing was sent to any.
    Mixed {
        /// The recipient refused.
        recipient: String,
        /// What was said of it.
        detail: String,
    },
    /// More recipients in one pipe call than the provider takes with one message; nothing was sent.
    TooManyRecipients {
        /// Who takes fewer.
        provider: String,
        /// How many it has.
        count: usize,
        /// How many may be.
        limit: u64,
    },
    /// The message ended before its end: the MTA died, or the size is another.
    Cut {
        /// How it was noticed.
        detail: String,
    },
    /// What the MTA passed can't be read.
    Protocol {
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// Our configuration, an account file, state, disk or a bug.
    Local {
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// Our own deadline passed.
    Deadline {
        /// It, in seconds.
        seconds: u64,
        /// What was waited for.
        waiting_for: String,
    },
    /// A signal ended us.
    Terminated {
        /// Its name.
        signal: String,
    },
}

/// What a message can need of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// RFC 6531
    SmtpUtf8,
    /// RFC 6152
    EightBitMime,
}

impl Outcome {
    /// A word of a closed list, for counting: a refusal's is what it means.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Refused { meaning, .. } => meaning.name(),
            Outcome::Sent { .. } => "sent",
            Outcome::AlreadySent { .. } => "already-sent",
            Outcome::NoAccount { .. } => "no-account",
            Outcome::NullSender { .. } => "null-sender",
            Outcome::NotAuthorised { .. } => "not-authorised",
            Outcome::AccountDisabled { .. } => "account-disabled",
            Outcome::HeaderFrom { .. } => "header-from",
            Outcome::Header { .. } => "header",
            Outcome::HeaderTooLarge { .. } => "header-too-large",
            Outcome::TooLarge { .. } => "too-large",
            Outcome::ExtensionMissing { .. } => "extension-missing",
            Outcome::Connection { .. } => "connection",
            Outcome::Unanswered { .. } => "unanswered",
            Outcome::Credentials { .. } => "credentials",
            Outcome::Closed { .. } => "closed",
            Outcome::Busy { .. } => "busy",
            Outcome::Mixed { .. } => "mixed",
            Outcome::TooManyRecipients { .. } => "too-many-recipients",
            Outcome::Cut { .. } => "cut",
            Outcome::Protocol { .. } => "protocol",
            Outcome::Local { .. } => "local",
            Outcome::Deadline { .. } => "deadline",
            Outcome::Terminated { .. } => "terminated",
        }
    }
}

impl Stage {
    /// Whether a refusal here speaks of the message rather than of this host or the account.
    pub fn is_about_message(self) -> bool {
        matches!(self, Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Final)
    }

    /// By the name that a person types: the command, `banner` or `final`, in any case.
    pub fn from_name(name: &str) -> Option<Stage> {
        match name.to_ascii_lowercase().as_str() {
            "connect" => Some(Stage::Connect),
            "tls" => Some(Stage::Tls),
            "banner" => Some(Stage::Banner),
            "ehlo" => Some(Stage::Ehlo),
            "starttls" => Some(Stage::StartTls),
            "auth" => Some(Stage::Auth),
            "mail" => Some(Stage::Mail),
            "rcpt" => Some(Stage::Rcpt),
            "data" => Some(Stage::Data),
            "final" => Some(Stage::Final),
            "unknown" => Some(Stage::Unknown),
            _ => None,
        }
    }

    /// The name used in texts: the command where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Tls => "TLS",
            Stage::Banner => "banner",
            Stage::Ehlo => "EHLO",
            Stage::StartTls => "STARTTLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::Final => "end of message",
            Stage::Unknown => "reply",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
