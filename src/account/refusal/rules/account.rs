//! Rows about the account: locked, or a limit of its own used up.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

/// Locked, suspended, closed: nothing of this account goes until a person acts.
pub(super) static LOCKED: &[Rule] = &[
    Rule {
        meaning: Meaning::AccountLocked,
        says: &[
            "bad outbound sender",
            "outgoing|outbound|sending|send|smtp .. suspended|blocked|disabled|denied|restricted|paused|prohibited|locked|deactivated|gesperrt|deaktiviert",
            "mail|email|message sending denied|disabled|suspended|blocked|not",
            "suspended|blocked|disabled|locked|restricted|banned .. from sending",
            "your account|domain|user|access|mailbox|service|subscription .. suspend*|blocked|disabled|locked|deactivated|inactive|expired|restricted|terminated|closed|compromised|banned|hold",
            "ihr|dein account|konto|benutzerkonto|postfach|zugang .. gesperrt|deaktiviert|gekundigt|blockiert|eingeschrankt|stillgelegt",
            "account|konto|user|mailbox .. compromised|hacked|kompromittiert|gehackt|hijacked|abused|abuse",
            "sender|sending account|user|mailbox .. suspend*|disabled|locked|deactivated|blocked",
            "unusual|suspicious|abnormal sending|outgoing|outbound|account|user .. activity|behavior|behaviour|volume",
            "spam abuse detected",
            "banned sender",
            "tenant|organization .. blocked|threshold|suspended|restricted",
            "unregistered domains",
            "not authorized to perform",
            "domain .. is not allowed to send",
            "account is not allowed|permitted|authorized|active|activated|enabled|verified",
            "account not active|activated|enabled|confirmed|verified",
        ],
        unless: &[
            "recipient|recipients account|mailbox|address|user|email",
            "recipient .. disabled|suspended|blocked|locked|inactive",
            "policy that",
            "tried|trying to reach",
            "send* as",
            "ip|host .. blocked|banned",
            "rate|quota|limit* .. exceed*",
            "exceed*",
            "sending|sender domain|address .. blocked|denied",
            "access denied sending",
        ],
        source: "https://learn.microsoft.com/exchange/troubleshoot/email-delivery/ndr/non-delivery-reports-in-exchange-online (5.1.8, 5.7.501-5.7.503); \
                 https://support.google.com/a/answer/6140680; Zoho 5.1.8; Amazon SES, Mailgun",
        ..ANY
    },
    Rule {
        meaning: Meaning::AccountLocked,
        at: At::NOT_RCPT,
        says: &[
            "account|login|user|profile|accounts .. suspend*|disabled|deactivated|locked|banned|frozen|terminated|closed|blocked|restricted|on_hold|inactive|expired|blacklisted",
            "suspended|disabled|locked|deactivated account",
            "temporar*|vorubergehend locked|suspended|gesperrt",
            "locked|suspended|gesperrt temporar*|vorubergehend",
            "login|logon|signin .. temporar* blocked|disabled",
            "konto|benutzer*|zugang|account .. gesperrt|deaktiviert|gekundigt|blockiert|stillgelegt",
        ],
        unless: &[
            "recipient|recipients account|mailbox|address|user|email",
            "recipient .. disabled|suspended|blocked|locked|inactive",
            "empfanger*",
            "tried|trying to reach",
            "your message to",
            "invalid|local mailbox",
            "delivery error",
            "rate|quota|limit* .. exceed*",
            "exceed*",
            "no longer",
            "user .. blocked .. you|message|sender",
        ],
        source: "Exim, Dovecot, cPanel, NetEase wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::AccountLocked,
        at: At::AUTH_ONLY,
        says: &[
            "mailbox|postfach .. suspend*|disabled|deactivated|locked|closed|blocked|inactive|expired|gesperrt|deaktiviert",
        ],
        source: "wording of hosting providers",
        ..ANY
    },
];

/// A limit used up, which clears by itself whatever the reply code says.
pub(super) static QUOTA: &[Rule] = &[PASSING_QUOTA, LASTING_QUOTA];

/// The recipient gets too much, or the message has too many of them.
const PASSING_QUOTA: Rule = Rule {
    meaning: Meaning::QuotaExceeded,
    at: At::MAIL_ON,
    says: &[
        "receiving|received .. mail|email|messages|much|many .. rate|quickly|period|time",
        "recipient|recipients|user .. exceeded .. receive|message_rate|receiving|rate",
        "recipients domain|domains|daily|hourly",
        "too many|much .. recipient|recipients",
        "number of recipients",
        "recipients per message",
        "messages .. to this recipient",
    ],
    unless: &["per hour|day", "this hour|day", "today", "daily limit|sending|quota", "invalid|unknown recipients"],
    passing: true,
    remedy: "The recipient gets more than its server takes, or the message has more recipients than the provider takes at once: the \
             MTA's next try may pass; a transport with a lower recipient limit helps against the latter.",
    source: "https://support.google.com/mail/?p=ReceivingRate; RFC 5321 section 4.5.3.1.10",
    ..ANY
};

const LASTING_QUOTA: Rule = Rule {
    meaning: Meaning::QuotaExceeded,
    says: &[
        "quota|quotas|limit|limits|*limit|*limits|kontingent|*kontingent|allowance|credits|threshold .. exceed*|reached|used|hit|over|surpassed|*berschritten|erreicht|erschopft|ausgeschopft|verbraucht",
        "exceed*|reached|over|hit|surpassed|*berschritten|erreicht .. quota|quotas|limit|limits|kontingent|allowance|credits|threshold|rate|number|volume",
        "too many .. messages|mails|emails|mail|recipient*|rcpt*|connections|sessions|requests|sent|concurrent|simultaneous|transactions|submissions|deliveries",
        "too much .. mail|recipient*|traffic|connections|messages",
        "zu viele .. nachrichten|mails|emails|empfanger*|verbindungen|sitzungen|anfragen",
        "trop de connexions",
        "rate .. limit*|exceed*|control",
        "ratelimit*|throttl*|*ratelimit*|*throttl*",
        "too fast|quickly|frequent*|rapidly",
        "slow down",
        "frequency limit*",
        "excessive volume|rate|number|mail|sending|use|usage",
        "unusual rate|volume",
        "daily|hourly|monthly .. limit|quota|maximum|max",
        "tages*|stunden* .. erreicht|*berschritten|limit|kontingent",
        "max|maximum|maximale .. per hour|day|minute|session|connection|stunde|tag",
        "max|maximum .. messages|recipients|rcpts|connections|emails|sessions .. exceed*|reached|allowed",
        "concurrent|simultaneous|parallel .. connections|sessions|limit*|deliveries|submissions",
        "thread limit",
        "connection limit",
        "*quotaexceeded*|*limitexceeded*|*sendelimit|sendelimit*|versandlimit*|mailversand*",
        "defers and failures",
        "receiving .. mail .. rate|quickly",
        "flood|flooding",
        "recipients .. per .. hour|day|message",
        "sent .. this|per hour|day",
        "maximum credits",
        "maximale anzahl",
        "attempting to mail|send too many",
        "too many complaints",
    ],
    unless: &[
        "size",
        "octets",
        "bytes",
        "hop|hops",
        "header*",
        "line|lines",
        "storage",
        "user unknown",
        "mailbox full",
        "attachments",
        "auth*|login .. attempts",
        "too many errors",
    ],
    source: "https://support.google.com/a/answer/166852; Microsoft 5.1.90, 5.2.0 SubmissionQuotaExceeded; \
             https://edvservice.bayern/t-online-kein-versand-von-emails-moeglich-send-quota-exceeded/; cPanel and SendGrid wording",
    ..ANY
};
