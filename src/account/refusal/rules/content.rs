//! Rows about the message: its domains' records, size, header section and content.

use super::super::rule::{ANY, At, Rule};
use crate::verdict::Meaning;

const DOMAIN: &str = "The sender domain's SPF, DKIM or DMARC records don't allow this way of sending: send through the domain's own \
                      provider, or correct the records.";

/// SPF, DKIM, DMARC: about the domain in the message, although the texts speak of addresses, hosts and spam too.
pub(super) static AUTHENTICATION_OF_DOMAINS: &[Rule] = &[
    Rule {
        meaning: Meaning::Policy,
        at: At::FINAL_ONLY,
        says: &[
            "unauthenticated sender|senders|domain",
            "email|mail|message|messages|sender|senders|domain is|are|was|it_is unauthenticated",
        ],
        remedy: DOMAIN,
        source: "https://support.google.com/mail/?p=UnauthenticatedEmail (550 5.7.26); behind the login only a domain is meant",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::MAIL_ON,
        says: &[
            "spf|dkim|dmarc|*dmarc*",
            "sender policy framework",
            "required authentication level",
            "unauthenticated email|mail|message|messages",
            "authentication checks|information",
            "purported responsible",
            "anti spoofing|spoof",
            "antispoof*",
        ],
        unless: &[
            "ptr|rdns|reverse",
            "from this range|network",
            "authenticate .. first",
            "smtp auth*",
            "must authenticate",
        ],
        remedy: DOMAIN,
        source: "https://support.google.com/mail/?p=UnauthenticatedEmail; RFC 7372; Microsoft 5.7.509, 5.7.515",
        ..ANY
    },
];

/// Over a limit in octets.
pub(super) static SIZE: &[Rule] = &[Rule {
    meaning: Meaning::TooLarge,
    at: At::MAIL_ON,
    says: &[
        "message|mail|email|data|body|content|attachment|attachments|file|msg size .. exceed*|limit*|maximum|too|larger|*berschr*|over|big|large",
        "size of .. message|mail|email|attachment* .. exceed*|limit*|maximum|too|larger",
        "exceed*|over|larger|bigger|above|maximum .. message|mail|mailsize|inbound|incoming|fixed .. size|length|limit",
        "message|mail|email|attachment|attachments|body|data|nachricht|mails|datei|file too|zu|is_too big|large|gross|groß|long",
        "message too|exceed*",
        "too much .. data",
        "larger|bigger than",
        "exceed* .. bytes|octets|mb|kb|mbytes|mib|megabytes",
        "size limit|limits exceed*",
        "mailsize|databytes|*sizelimit*|*sizeexceeded*|maxsizeerror|maxmessagesize",
        "maximal* .. grosse|große|nachrichtengrosse|nachrichtengroße|mailgrosse|mailgroße",
        "message length exceed*",
        "taille limite|maximale",
    ],
    unless: &[
        "mailbox size|full",
        "line|lines|header*|headers",
        "storage",
        "hop|hops",
        "quota exceed*",
        "rate",
        "mailbox .. exceed*|full",
    ],
    source: "RFC 1870 section 6; https://support.google.com/mail/?p=MaxSizeError; Exim, qmail, sendmail wording",
    ..ANY
}];

/// What the message holds.
pub(super) static ROWS: &[Rule] = &[
    Rule {
        meaning: Meaning::HeaderMalformed,
        at: At::FINAL,
        says: &[
            "rfc 5322|2822|822|2047|2045",
            "rfc5322|rfc2822|rfc822|rfc2047",
            "header*|headers .. missing|duplicate*|malformed|invalid|illegal|multiple|syntax|disallowed|not|fehlt|ungultig|encoded|too|non|compliant|once|error|bad|unacceptable|empty|required",
            "missing|duplicate*|multiple|invalid|malformed|without|no|illegal|bad|more|improper|fehlende*|empty .. header*|headers|kopfzeile*",
            "missing|invalid|duplicate|no|multiple message id|date|subject|from|to",
            "message id|date|subject|from|to .. missing|invalid|fehlt|header|field|required",
            "line|lines too long",
            "line|lines .. length|998|1000",
            "bare lf|cr|linefeed|newline|line|carriage|newlines",
            "barelinefeedsareillegal",
            "mime .. malformed|invalid|error|structure|complexity|syntax",
            "malformed .. message|mail|email|header*|mime|content",
            "message|mail|email|mime|content .. malformed",
            "not .. mime|rfc .. compliant|conform*",
            "8bit|8_bit|non_ascii|unencoded|unicode .. header*|character*|data|body",
            "data format error",
            "encoded word",
            "invalid message content|format",
            "badheader",
            "8bitmime|smtputf8",
        ],
        unless: &["sender and|or from header mismatch"],
        remedy: "A header field is missing, doubled or malformed: correct the program that wrote the message. The provider's text names the field.",
        source: "https://support.google.com/mail/?p=RfcMessageNonCompliant; https://postmaster.gmx.net/en/error-messages (c=hi); RFC 5322",
        ..ANY
    },
    Rule {
        meaning: Meaning::Spam,
        at: At::MAIL_ON,
        says: &[
            "spam|spammy|spamming|spams|spamassassin|spamscore|ube|uce|junk|junkmail|unsolicited|bulk|gtube|phish*|scam|fraud*|werbung",
            "virus*|viren*|malware|trojan*|viral|infected|malicious|worm|clamav|executable*|eicar",
            "content|contents|inhalt* .. rejected|denied|blocked|not|policy|filter*|prohibited|unacceptable|abgelehnt|refused|presents|disallowed|violat*|suspicious",
            "rejected|refused|denied|blocked|prohibited|unacceptable|banned|inappropriate|forbidden .. content|contents|inhalt*|attachment*|file|files|anhang*",
            "attachment|attachments|anhang|dateityp|extension|file type .. not|blocked|illegal|prohibited|banned|disallowed|nicht|forbidden|verboten|rejected",
            "illegal|forbidden|banned attachment*|file*|content*",
            "uribl|surbl|dbl",
            "url|link|links .. listed|blacklist*|blocked|suspicious|malicious",
            "reputation .. domain|url|link",
            "domain .. reputation|blacklisted|listed|blocklisted",
            "security issue|threat|risk",
            "suspicious|suspected",
            "reject id",
            "message|mail|email .. filtered",
            "blockedmessage|unsolicitedmessageerror",
            "cpure*",
            "cs01|hm08|hm07|ha04",
        ],
        source: "https://support.google.com/mail/?p=BlockedMessage; https://support.apple.com/en-us/102322; amavis, rspamd, SpamAssassin wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::MAIL_ON,
        says: &[
            "transaction failed .. policy",
            "message|mail|email|nachricht|delivery .. policy|policies|richtlinie*|rule|rules|settings",
            "policy|policies|rule|rules|richtlinie* .. message|mail|email|nachricht|delivery|recipient",
            "hop|hops .. exceed*|count|many",
            "too many hops",
            "mail|routing|forwarding loop*",
            "message .. looping",
            "message|mail|email|nachricht rejected|refused|denied|blocked|abgelehnt|bounced",
            "message|mail|email|nachricht .. has|was|been|wurde rejected|refused|denied|blocked|abgelehnt",
            "*notauthorized*|*authenticatedforgroup*",
            "members only",
            "loop detected",
            "mailpolicy|permanent_failure|administrative_prohibition",
            "envelope blocked|rejected",
            "rejected|rejection|blocked|refused by|on|due_to .. recipient|recipients|target|user",
            "blocked sender|senders",
            "refused to accept .. message",
            "policy restrictions domain",
            "syntax error in parameters",
            "not .. allowed to post",
        ],
        source: "Microsoft RESOLVER.RST.NotAuthorized, mail flow rules; Exim and Postfix wording",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::MAIL_ON,
        codes: &[4],
        says: &["policy|policies|richtlinie*"],
        source: "https://ionos.de/hilfe/e-mail/postmaster/smtp-fehlermeldungen-der-11-ionos-mailserver",
        ..ANY
    },
    Rule {
        meaning: Meaning::Policy,
        at: At::MAIL_ON_ONLY,
        codes: &[5],
        says: &[
            "policy|policies|richtlinie*|prohib*|restricted|administrative*|violation|*notauthorized*|*authenticatedforgroup*|aup",
        ],
        unless: &["mailbox unavailable", "user unknown"],
        source: "wording of many servers",
        ..ANY
    },
];
