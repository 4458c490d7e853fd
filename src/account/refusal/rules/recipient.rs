//! Rows about the recipient: does not exist, or cannot take mail.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

const FULL: &str = "The recipient's mailbox is full: only he can change that.";

/// Asked before limits and passing trouble: a recipient that is surely unknown, or whose mailbox is full.
pub(super) static MAILBOX: &[Rule] = &[
    Rule {
        meaning: Meaning::RecipientUnknown,
        at: At::RCPT_ON,
        codes: &[5],
        status: &[(1, 1), (1, 10), (1, 6)],
        says: &[
            "unknown|unbekannt|inconnu|invalid|ungultig|nonexistent|unrouteable|unrecognized|sconosciuto|desconocido",
            "not|doesnt|no_longer|nicht .. exist*|found|known|valid|listed|active|available|gefunden|bekannt",
            "no such",
            "*notfound*",
            "inactive",
        ],
        unless: &["quota|overquota|full", "sender"],
        source: "RFC 3463 section 3.2; https://support.google.com/mail/?p=NoSuchUser",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::RCPT_ON,
        says: &[
            "mailbox|inbox|postfach|mailfolder|maildir|folder|box|boite|briefkasten|mailstore .. full|voll|pleine|quota|overquota|storage|space|exceed*|*berschritten|uberfullt",
            "full|overfull mailbox|inbox",
            "over|exceed*|exceeding|beyond .. mailbox|disk|storage .. quota|limit|allocation|space",
            "exceeded storage",
            "out of storage|space",
            "user|recipient|account .. over|overquota|exceeded|exceeds quota|his|their|its|disk|storage",
            "recipient overquota",
            "user|account is over|exceeding .. quota",
            "over quota",
            "overquota|*overquota*|mailboxfull|mailbox_full",
            "disk quota",
            "not|insufficient enough .. space|storage .. mailbox|user|recipient",
            "speicherplatz .. empfanger*|postfach*|voll|erschopft|*berschritten",
            "quota exceeded mailbox",
            "recipient .. quota",
        ],
        unless: &[
            "send*",
            "daily|hourly",
            "submission*|*submission*",
            "sent",
            "message rate",
            "per hour|day",
            "too many",
            "received",
            "message|size .. too large",
        ],
        remedy: FULL,
        source: "RFC 3463 section 3.3 (X.2.2); https://support.google.com/mail/?p=OverQuotaPerm; Dovecot, Cyrus, Exim wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::RCPT_ON,
        status: &[(2, 2)],
        unless: &["send*", "daily|hourly"],
        remedy: FULL,
        source: "RFC 3463 section 3.3 (X.2.2)",
        ..ANY
    },
];

/// Asked when nothing else was understood.
pub(super) static ROWS: &[Rule] = &[Rule {
    meaning: Meaning::RecipientUnknown,
    at: At::RCPT_ON,
    says: &[
        "user|recipient|recipients|mailbox|account|address|addresses|alias|email|person|empfanger*|benutzer*|postfach|adresse|adressat|utilisateur|destinataire|destinatario|id|domain|host .. unknown|unbekannt|nonexistent|invalid|ungultig|inactive|deactivated|unavailable|disabled|suspended|expired|closed|unrouteable|unroutable|undeliverable|rejected|inconnu|terminated|archived|archivee|frozen|retired|discontinued|unrecognized|invalide",
        "user|recipient|recipients|mailbox|account|address|addresses|alias|email|person|empfanger*|benutzer*|postfach|adresse|adressat|spectator|domain|host|name .. not|doesnt|isnt|nicht|cannot|no .. found|exist*|known|valid|local|available|active|listed|accept*|gefunden|bekannt|vorhanden|longer|here|mx|mail|ok|present|deliverable",
        "unknown|invalid|bad|illegal|unbekannte*|ungultige*|unroutable|unrouteable|undeliverable|inactive|nonexistent .. user|recipient|recipients|mailbox|account|address|alias|rcpt|benutzer|empfanger*|postfach|adresse|domain|host|local|destination",
        "no such",
        "no longer valid|available|exists|active",
        "doesnt have .. account|mailbox",
        "not a valid .. user|recipient|mailbox|address|email",
        "mailbox unallocated",
        "addressee unknown",
        "no valid recipient*",
        "non existent",
        "no|kein|keine mailbox|user|account|recipient|benutzer|empfanger|postfach|mx|one",
        "not our customer|user",
        "cannot|cant deliver",
        "mailbox not|unavailable|disabled",
        "recipient account .. blocked",
        "disabled recipient",
        "recipient address rejected",
        "recipient|rcpt .. rejected|denied|refused|not",
        "nullmx|*recipnotfound*|*recipientnotfound*|badrcptto|badrecipientto|validrcptto|nosuchuser|disableduser",
        "null mx",
        "does not accept mail|email|messages",
        "nessun utente|mailbox",
        "no existe",
        "local delivery",
        "chkuser",
    ],
    source: "RFC 5321 section 4.2.2 (550); Postfix, Exim, sendmail, qmail, Cyrus, Exchange wording",
    ..ANY
}];
