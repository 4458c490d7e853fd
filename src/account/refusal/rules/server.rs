//! Rows that say that the server is in trouble, or that it will be otherwise later, whatever the reply code says.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

const WAIT: &str = "The provider is in trouble or wants to be asked again: the MTA's next try may pass.";

/// A promise that it may pass later.
pub(super) static LATER: &[Rule] = &[Rule {
    meaning: Meaning::ServerTrouble,
    says: &[
        "greylist*|graylist*|greylisting|postgrey|sqlgrey",
        "grey|gray list*",
        "try|retry|again|resubmit|resend|send|versuch*|probieren .. later|spater*|minutes|minuten|hours|stunden|seconds|sekunden|soon|shortly",
        "plus|mas|piu tard|tarde|tardi",
        "temporar*|temporaire*|temporal*|voruber*|momentan|transient*",
        "tempfail|*tempfail*",
        "try again .. while|moment|time",
        "later time",
        "in a while",
    ],
    unless: &["will not succeed", "not try again", "temporary .. address not allowed"],
    remedy: WAIT,
    source: "RFC 6647; https://support.google.com/a/answer/3726730; wording of many servers",
    ..ANY
}];

/// Trouble of the server's, or a fault in the dialogue.
pub(super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::ServerTrouble,
        says: &[
            "internal|server|system|database|software|unexpected|configuration|config|processing|interner|technical|technische* .. error|errors|problem|problems|failure|trouble|fault|fehler|storung|erreur|difficulties",
            "error .. processing|database|internal",
            "local error|problem|configuration",
            "queue|mail|spool file|queue write|error|unavailable",
            "write error",
            "out of memory|disk",
            "insufficient|low|not_enough|no .. memory|disk|space|resources|system_storage|diskspace",
            "system full",
            "timeout|timed",
            "service .. unavailable|not_available|refused|refuse|disabled",
            "maintenance|wartung|wartungsarbeiten|overload*|overloaded|busy|uberlastet|uberlastung",
            "cannot|unable|failed|could .. write|store|save|process|queue|open|connect|complete",
            "lookup .. failed|failure|error|timeout",
            "dns error|failure|timeout|lookup",
            "misconfigur*",
            "connection .. lost|closed|expired|timeout|closing",
            "shutting down",
            "closing .. channel|connection|transmission",
            "bad sequence",
            "sequence of commands",
            "synchronization|sync error",
            "need|send|issue|polite|expected|expecting .. mail|rcpt|helo|ehlo|data .. first|command",
            "command|kommando .. unrecognized|unrecognised|unknown|not|invalid",
            "unrecognized|unknown|unrecognised|invalid|bad command",
            "too many .. errors|commands|bad|unrecognized|junk",
            "protocol error|violation",
            "nested mail",
            "transaction already",
        ],
        unless: &["user unknown"],
        remedy: WAIT,
        source: "RFC 5321 section 4.2.2 (421, 451, 452, 503); Postfix, Exim, qmail wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::ServerTrouble,
        at: At::ANY,
        codes: &[500, 502, 503, 504, 555],
        remedy: "The server did not understand what it was sent: look at the dialogue with `--debug`, and report it if sendvia was at fault.",
        source: "RFC 5321 section 4.2.2",
        ..ANY
    },
];
