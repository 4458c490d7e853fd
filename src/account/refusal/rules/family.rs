//! Rows that hold for one family of providers, or for codes that only it uses.

use super::super::rule::{ANY, At, Family, Rule};
use crate::verdict::Meaning;

/// See the module's head.
pub(super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::HeaderMalformed,
        at: At::FINAL,
        says: &["case c hi|hd|r07*", "c hi|hd|r07*", "policy restrictions header based"],
        unless: &["no smtp service"],
        remedy: "The header section breaks the provider's rules: Date, From, Sender, To, Cc and Subject must stand at most once, \
                 must not be empty, need a valid date and hold no raw non-ASCII. Correct the program that wrote the message.",
        source: "https://postmaster.gmx.net/en/error-messages",
        ..ANY
    },
    Rule {
        meaning: Meaning::QuotaExceeded,
        at: At::MAIL_ON,
        says: &["failure sending mail"],
        remedy: "The account has reached its sending limit; GMX and its sisters open it again after about half an hour.",
        source: "https://github.com/jstedfast/MailKit/issues/968",
        ..ANY
    },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::FINAL,
        family: Some(Family::Yahoo),
        says: &["request failed mailbox unavailable"],
        remedy: "Yahoo answers so when the header From is not the account's address: send with the account's own address.",
        source: "https://github.com/mattermost/mattermost/issues/13652",
        ..ANY
    },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ON,
        says: &["dt sum"],
        source: "https://help.mail.163.com/faqDetail.do?code=d7a5dc8471cd0c0e8b4b8f4f8e49998b374173cfe9171305fa1ce630d7f67ac2",
        ..ANY
    },
    Rule {
        meaning: Meaning::Spam,
        at: At::MAIL_ON,
        says: &["dt spm", "mi stc|spb"],
        source: "https://help.mail.163.com/faqDetail.do?code=d7a5dc8471cd0c0e8b4b8f4f8e49998b374173cfe9171305fa1ce630d7f67ac2",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        says: &["hl rep|icc|ifc|mep|ihu|ipb|iph"],
        source: "https://help.mail.163.com/faqDetail.do?code=d7a5dc8471cd0c0e8b4b8f4f8e49998b374173cfe9171305fa1ce630d7f67ac2",
        ..ANY
    },
    Rule {
        meaning: Meaning::QuotaExceeded,
        at: At::MAIL_ON,
        says: &["rp drc|ccl|trc|cel|qrc|frl|rcl", "mi cel|ccl|sfq"],
        source: "https://help.mail.163.com/faqDetail.do?code=d7a5dc8471cd0c0e8b4b8f4f8e49998b374173cfe9171305fa1ce630d7f67ac2",
        ..ANY
    },
    Rule {
        meaning: Meaning::HeaderMalformed,
        at: At::FINAL,
        says: &["mi nhd|imf"],
        source: "https://help.mail.163.com/faqDetail.do?code=d7a5dc8471cd0c0e8b4b8f4f8e49998b374173cfe9171305fa1ce630d7f67ac2",
        ..ANY
    },
];
