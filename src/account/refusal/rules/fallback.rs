//! What code and stage alone say, when no words were understood.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

/// The enhanced status code first, then reply code and stage. A reply that fits none is of unknown meaning.
pub(in super::super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::TooLarge,
        at: At::MAIL_ON,
        status: &[(2, 3), (3, 4)],
        source: "RFC 3463 (X.2.3, X.3.4)",
        ..ANY
    },
    Rule {
        meaning: Meaning::RecipientUnknown,
        at: At::RCPT_ON,
        status: &[(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (4, 4), (7, 17), (7, 18)],
        source: "RFC 3463 section 3.2; RFC 7505; RFC 7293",
        ..ANY
    },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ON,
        status: &[(1, 7), (1, 8), (7, 27), (7, 60)],
        source: "RFC 3463 section 3.2; RFC 7505; Microsoft 5.7.60",
        ..ANY
    },
    Rule { meaning: Meaning::QuotaExceeded, status: &[(5, 3)], passing: true, source: "RFC 3463 (X.5.3)", ..ANY },
    Rule {
        meaning: Meaning::QuotaExceeded,
        status: &[(4, 5), (1, 90), (7, 28), (7, 232), (7, 233)],
        source: "RFC 3463 (X.4.5); Gmail; Microsoft 5.1.90, 5.7.232, 5.7.233",
        ..ANY
    },
    Rule {
        meaning: Meaning::HostRefused,
        status: &[(7, 25), (7, 506), (7, 511), (7, 606), (7, 607), (7, 608), (7, 609), (7, 610), (7, 708)],
        source: "RFC 7372 (X.7.25); Microsoft 5.7.5xx, 5.7.6xx",
        ..ANY
    },
    Rule {
        meaning: Meaning::AccountLocked,
        at: At::NOT_RCPT,
        status: &[(7, 13), (7, 501), (7, 502), (7, 503), (7, 705), (7, 750)],
        source: "RFC 5248 registry (X.7.13); Microsoft 5.7.50x, 5.7.705, 5.7.750",
        ..ANY
    },
    Rule {
        meaning: Meaning::AppPasswordNeeded,
        status: &[(7, 9), (7, 12)],
        codes: &[432, 534, 535],
        source: "RFC 4954 section 6",
        ..ANY
    },
    Rule {
        meaning: Meaning::CredentialsRefused,
        status: &[(7, 3), (7, 8), (7, 57), (7, 64)],
        source: "RFC 4954 section 6; Microsoft 5.7.3, 5.7.57, 5.7.64",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::MAIL_ON,
        status: &[
            (7, 20),
            (7, 21),
            (7, 22),
            (7, 23),
            (7, 24),
            (7, 26),
            (7, 29),
            (4, 6),
            (4, 14),
            (7, 509),
            (7, 515),
            (7, 133),
            (7, 134),
            (7, 136),
        ],
        source: "RFC 7372; Microsoft 5.4.14, 5.7.1xx, 5.7.5xx",
        ..ANY
    },
    Rule {
        meaning: Meaning::HeaderMalformed,
        at: At::FINAL,
        status: &[(6, 0), (6, 1), (6, 2), (6, 3), (6, 4), (6, 5), (6, 6), (6, 7), (6, 11), (7, 512)],
        source: "RFC 3463 section 3.7; Microsoft 5.6.11, 5.7.512",
        ..ANY
    },
    Rule {
        meaning: Meaning::ServerTrouble,
        status: &[(7, 11), (3, 1), (3, 2), (3, 5), (4, 1), (4, 2), (4, 3), (4, 7)],
        source: "RFC 3463 sections 3.4 and 3.5",
        ..ANY
    },
    Rule {
        meaning: Meaning::AppPasswordNeeded,
        at: At::AUTH,
        codes: &[432, 534],
        source: "RFC 4954 section 6; Gmail",
        ..ANY
    },
    Rule { meaning: Meaning::CredentialsRefused, codes: &[530, 535, 538], source: "RFC 4954 section 6", ..ANY },
    Rule { meaning: Meaning::CredentialsRefused, at: At::AUTH_ONLY, codes: &[5], source: "RFC 4954 section 6", ..ANY },
    Rule { meaning: Meaning::HostRefused, at: At::EARLY_ONLY, codes: &[5], source: "RFC 5321 section 3.1", ..ANY },
    Rule { meaning: Meaning::Policy, at: At::MAIL_ON, codes: &[501], source: "RFC 5321 section 4.2.2 (501)", ..ANY },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ONLY,
        codes: &[553],
        source: "RFC 5321 section 4.2.2 (553)",
        ..ANY
    },
    Rule {
        meaning: Meaning::RecipientUnknown,
        at: At::RCPT_ON,
        codes: &[553, 556],
        source: "RFC 5321 section 4.2.2; RFC 7504",
        ..ANY
    },
    Rule {
        meaning: Meaning::TooLarge,
        at: At::FINAL_ONLY,
        codes: &[552],
        source: "RFC 5321 section 4.2.2; RFC 1870",
        ..ANY
    },
    Rule { meaning: Meaning::ServerTrouble, codes: &[4], at: At::BEFORE_MAIL, source: "RFC 5321 section 4.2.1", ..ANY },
    Rule {
        meaning: Meaning::ServerTrouble,
        codes: &[421, 451, 452, 521],
        source: "RFC 5321 section 4.2.2; RFC 7504",
        ..ANY
    },
    Rule { meaning: Meaning::ServerTrouble, codes: &[2, 3], source: "RFC 5321: a reply out of place", ..ANY },
];
