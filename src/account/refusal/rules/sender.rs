//! Rows that say that the reverse-path or the header From is not one this account may use.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

/// See the module's head.
pub(super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ON,
        says: &[
            "null|empty|blank sender|senders|reverse|return|envelope|from|path|mail",
            "from address|addresses .. blank|empty",
        ],
        remedy: "The provider takes no mail with an empty reverse-path (bounces, vacation replies): set `null_sender: via: ADDRESS`, or \
                 `envelope_from: rewrite` for the account.",
        source: "https://github.com/docker-mailserver/docker-mailserver/issues/2403; NetEase, GoDaddy IB501",
        ..ANY
    },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ON,
        says: &[
            "not owned by",
            "not|doesnt|isnt own|owner|owned",
            "from not owned",
            "sender*|originator|from|absender*|identity|identities .. not allowed|authorized|authorised|permitted|verified|registered|recognized|accepted|acceptable|valid|owned|local|approved|eligible",
            "sender*|from|absender* .. mismatch|unverified|unauthorized|unauthorised|disallowed",
            "mismatch .. sender|from|auth*|address",
            "*senddenied*|*sendas*|*sendonbehalf*|*sendermismatch*",
            "send* as|on .. sender|user|behalf|address|this|another",
            "not|no|permission*|permitted|allowed|authorized|right|rights .. send|sending .. as|from|with|using|behalf",
            "cannot|cant|not|may send .. from|as",
            "must|should|needs|has .. be|match|equal .. same|auth*|login|account|username|sender|logged",
            "same as .. auth*|login|account|user*",
            "not|doesnt|didnt|must match .. auth*|account|login|sender|from|user*|verified|envelope|header|credential*",
            "not|isnt .. same .. auth*|account|login|from|user*",
            "not local sender",
            "invalid|bad|illegal|unacceptable|wrong|incorrect|malformed|fake|faked|forged mail from|from",
            "invalid|bad|illegal|unknown|unacceptable|wrong|malformed|unauthorized|unauthorised .. sender|senders|originator|reverse_path|return_path|mail_from",
            "sender .. rejected|refused|denied|invalid|unknown|illegal|incorrect",
            "from|sender .. invalid|incorrect|malformed",
            "mail|envelope from .. rejected|refused|denied|invalid|not",
            "relaying disallowed as",
            "sender is not allowed to relay",
            "send* .. not allowed to relay",
            "domain of sender|senders",
            "sender|senders|sending|from domain .. not|doesnt|isnt|cannot .. exist*|found|resolve*|accept*|valid|verified|allowed|registered",
            "sender|senders|sending|from domain .. invalid|unverified|unregistered|unknown|must",
            "sender verify|verification|validation|callout fail*",
            "verification failed for",
            "could not verify .. sender",
            "not .. verified .. sender|identity|domain|address",
            "address|domain|identities|identity|domains .. not verified|unverified",
            "identities failed",
            "domain is unverified",
            "verified sender|identity|domain .. required|only",
            "not belong",
            "spoofed|spoofing|forged|impersonat*",
            "absender* .. nicht .. erlaubt|zulassig|berechtigt|gehort|gestattet|zugelassen|akzeptiert|gultig|uberein*|autorisiert|verifiziert",
            "absender* .. ungultig|unbekannt|abgelehnt|unzulassig|stimmt|gefalscht",
            "nicht .. berechtigt|autorisiert .. absender*|senden|versenden",
            "adresse .. gehort nicht",
            "emetteur invalide",
            "badmailfrom",
            "invalid dns mx",
            "unresolvable .. domain",
            "equal authorized",
            "not a registered .. user",
            "authenticated .. user|sender|account .. not|different",
            "auth* user|sender mismatch",
        ],
        unless: &[
            "recipient address rejected",
            "senderauthenticat*",
            "*authenticatedforgroup*",
            "recipient .. not|denied|rejected",
            "missing|no|without|valid .. header|headers",
            "rfc 5322",
            "message is malformed",
        ],
        source: "Postfix reject_sender_login_mismatch; Microsoft 5.7.60, SendAsDenied; https://www.twilio.com/docs/sendgrid (verified sender identity); \
                 https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html; IONOS, QQ, NetEase, Zoho, Yandex wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::SenderNotAllowed,
        at: At::MAIL_ONLY,
        codes: &[5],
        says: &[
            "user|mailbox|recipient|address|account|domain .. unknown|not|no|invalid|unavailable|nonexistent|rejected|unbekannt|bad|syntax",
            "unknown|invalid|bad|no_such|illegal .. user|mailbox|recipient|address|domain|syntax",
            "mailbox unavailable",
            "mailbox name not allowed",
            "bad .. syntax",
        ],
        source: "RFC 5321 section 4.2.2 (550, 553 to MAIL)",
        ..ANY
    },
];
