//! The built-in providers, one row each.
//!
//! No limit without a source: what a provider does not publish, and nobody has measured, is no limit here. Where a
//! provider is known to refuse a reverse-path or header From that is not the account's, the source says so.

use super::{Limits, Preset};
use crate::account::server::{Server, TlsMode};
use crate::account::terms::{EnvelopeFromRule, HeaderFromRule};
use crate::wire::sasl::Mechanism;

/// A [`Preset`] as a constant.
pub(super) struct Row {
    name: &'static str,
    aliases: &'static [&'static str],
    domains: &'static [&'static str],
    mx: &'static [&'static str],
    submission: &'static [(&'static str, u16, TlsMode)],
    mechanisms: Option<&'static [Mechanism]>,
    header_from: HeaderFromRule,
    envelope_from: EnvelopeFromRule,
    limits: Limits,
    page: &'static str,
    sources: &'static [&'static str],
    note: Option<&'static str>,
}

impl Row {
    /// Whether people call the provider `name`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl From<&Row> for Preset {
    fn from(row: &Row) -> Preset {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let server =
            |(host, port, tls): &(&str, u16, TlsMode)| Server { host: (*host).to_owned(), port: *port, tls: *tls };
        Preset {
            name: row.name.to_owned(),
            aliases: owned(row.aliases),
            domains: owned(row.domains),
            mx: owned(row.mx),
            submission: row.submission.iter().map(server).collect(),
            mechanisms: row.mechanisms.map(<[_]>::to_vec),
            header_from: row.header_from,
            envelope_from: row.envelope_from,
            limits: row.limits,
            routes: Vec::new(),
            page: Some(row.page.to_owned()),
            sources: owned(row.sources),
            note: row.note.map(str::to_owned),
        }
    }
}

/// What most rows share: nothing known beyond the server, and the strict header From rule.
const PLAIN: Row = Row {
    name: "",
    aliases: &[],
    domains: &[],
    mx: &[],
    submission: &[],
    mechanisms: None,
    header_from: HeaderFromRule::Require,
    envelope_from: EnvelopeFromRule::Rewrite,
    limits: Limits::NONE,
    page: "",
    sources: &[],
    note: None,
};

/// All of them, in the order in which they are listed to people.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "gmx",
        aliases: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch"],
        domains: &[
            "gmx.de",
            "gmx.net",
            "gmx.at",
            "gmx.ch",
            "gmx.eu",
            "gmx.biz",
            "gmx.org",
            "gmx.info",
            "mein.gmx",
            "mail.gmx",
            "email.gmx",
        ],
        mx: &["gmx.net"],
        submission: &[("mail.gmx.net", 465, TlsMode::Implicit), ("mail.gmx.net", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::Plain, Mechanism::Login]),
        page: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/gmx.net.xml",
            "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
            "https://github.com/nodemailer/nodemailer/issues/548",
        ],
        note: Some(
            "access by mail programs (POP3/IMAP) must be switched on in the mailbox's settings; with two-factor authentication an application password is needed",
        ),
        ..PLAIN
    },
    Row {
        name: "gmx.com",
        aliases: &["gmx-com"],
        domains: &[
            "gmx.com",
            "gmx.us",
            "gmx.co.uk",
            "gmx.es",
            "gmx.fr",
            "gmx.ca",
            "gmx.ie",
            "gmx.it",
            "gmx.pt",
            "gmx.se",
            "gmx.li",
        ],
        mx: &["gmx.com"],
        submission: &[("mail.gmx.com", 465, TlsMode::Implicit), ("mail.gmx.com", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::Plain, Mechanism::Login]),
        page: "https://support.gmx.com/pop-imap/imap/server.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/gmx.com.xml"],
        note: Some(
            "access by mail programs (POP3/IMAP) must be switched on in the mailbox's settings; with two-factor authentication an application password is needed",
        ),
        ..PLAIN
    },
    Row {
        name: "web.de",
        aliases: &["webde", "web"],
        domains: &["web.de"],
        mx: &["web.de"],
        submission: &[("smtp.web.de", 465, TlsMode::Implicit), ("smtp.web.de", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::Plain, Mechanism::Login]),
        page: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/web.de.xml",
            "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        ],
        note: Some(
            "access by mail programs (POP3/IMAP) must be switched on in the mailbox's settings; with two-factor authentication an application password is needed",
        ),
        ..PLAIN
    },
    Row {
        name: "freenet",
        aliases: &["freenet.de", "freenetmail"],
        domains: &["freenet.de"],
        mx: &["freenet.de"],
        submission: &[("mx.freenet.de", 465, TlsMode::Implicit), ("mx.freenet.de", 587, TlsMode::StartTls)],
        page: "https://hilfe.freenet.de/",
        sources: &["https://huschi.net/31_201_de-bekannte-mailserver-und-deren-parameter.html"],
        ..PLAIN
    },
    Row {
        name: "t-online",
        aliases: &["t-online.de", "telekom", "tonline"],
        domains: &["t-online.de", "magenta.de"],
        mx: &["t-online.de"],
        submission: &[
            ("securesmtp.t-online.de", 465, TlsMode::Implicit),
            ("securesmtp.t-online.de", 587, TlsMode::StartTls),
        ],
        page: "https://www.telekom.de/hilfe/apps-dienste/e-mail/einstellungen/posteingang-postausgang-server",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/t-online.de.xml"],
        note: Some(
            "the password is the one for e-mail programs, set in the e-mail centre, and not the one for the customer centre",
        ),
        ..PLAIN
    },
    Row {
        name: "ionos",
        aliases: &["1und1", "1&1", "1and1", "ionos.de"],
        domains: &[
            "online.de",
            "onlinehome.de",
            "sofortstart.de",
            "sofort-start.de",
            "sofortsurf.de",
            "sofort-surf.de",
            "go4more.de",
        ],
        mx: &["ionos.de", "kundenserver.de", "schlund.de"],
        submission: &[("smtp.ionos.de", 465, TlsMode::Implicit), ("smtp.ionos.de", 587, TlsMode::StartTls)],
        page: "https://www.ionos.de/hilfe/e-mail/",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/1und1.de.xml",
            "https://github.com/dart-mailer/mailer/issues/161",
        ],
        ..PLAIN
    },
    Row {
        name: "ionos.com",
        aliases: &["ionos-com"],
        mx: &["ionos.com", "1and1.com", "perfora.net"],
        submission: &[("smtp.ionos.com", 465, TlsMode::Implicit), ("smtp.ionos.com", 587, TlsMode::StartTls)],
        page: "https://www.ionos.com/help/email/",
        sources: &["https://www.ionos.com/help/email/"],
        ..PLAIN
    },
    Row {
        name: "strato",
        aliases: &["strato.de"],
        domains: &["strato.de"],
        mx: &["rzone.de"],
        submission: &[("smtp.strato.de", 465, TlsMode::Implicit), ("smtp.strato.de", 587, TlsMode::StartTls)],
        page: "https://www.strato.de/faq/mail/externes-e-mail-programm-mit-strato-e-mail-adresse-nutzen/",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/strato.de.xml"],
        ..PLAIN
    },
    Row {
        name: "mailbox.org",
        aliases: &["mailboxorg", "mailbox"],
        domains: &["mailbox.org"],
        mx: &["mailbox.org"],
        submission: &[("smtp.mailbox.org", 465, TlsMode::Implicit), ("smtp.mailbox.org", 587, TlsMode::StartTls)],
        page: "https://kb.mailbox.org/",
        sources: &["https://kb.mailbox.org/"],
        ..PLAIN
    },
    Row {
        name: "posteo",
        aliases: &["posteo.de"],
        domains: &[
            "posteo.de",
            "posteo.net",
            "posteo.at",
            "posteo.ch",
            "posteo.eu",
            "posteo.org",
            "posteo.com",
            "posteo.me",
            "posteo.uk",
            "posteo.us",
            "posteo.nl",
            "posteo.it",
            "posteo.es",
            "posteo.pl",
            "posteo.cz",
            "posteo.dk",
            "posteo.se",
            "posteo.no",
            "posteo.be",
            "posteo.li",
            "posteo.lu",
        ],
        mx: &["posteo.de"],
        submission: &[("posteo.de", 465, TlsMode::Implicit), ("posteo.de", 587, TlsMode::StartTls)],
        page: "https://posteo.de/hilfe/wie-richte-ich-posteo-in-einem-mailprogramm-ein-pop3-imap-und-smtp",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/posteo.de.xml"],
        ..PLAIN
    },
    Row {
        name: "gmail",
        aliases: &["googlemail", "google", "google workspace", "gsuite"],
        domains: &["gmail.com", "googlemail.com"],
        mx: &["google.com", "googlemail.com"],
        submission: &[("smtp.gmail.com", 465, TlsMode::Implicit), ("smtp.gmail.com", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::OAuthBearer, Mechanism::XOAuth2, Mechanism::Plain, Mechanism::Login]),
        header_from: HeaderFromRule::Accept,
        envelope_from: EnvelopeFromRule::Keep,
        limits: Limits { messages_per_day: Some(2_000), recipients_per_message: Some(100), ..Limits::NONE },
        page: "https://support.google.com/mail/answer/7126229",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/googlemail.com.xml",
            "https://support.google.com/a/answer/166852",
        ],
        note: Some(
            "a password must be an application password (https://support.google.com/accounts/answer/185833); else use OAuth 2.0",
        ),
    },
    Row {
        name: "outlook",
        aliases: &["outlook.com", "hotmail", "live", "msn"],
        domains: &[
            "outlook.com",
            "outlook.de",
            "outlook.at",
            "outlook.fr",
            "outlook.it",
            "outlook.es",
            "hotmail.com",
            "hotmail.de",
            "hotmail.fr",
            "hotmail.it",
            "hotmail.es",
            "hotmail.co.uk",
            "live.com",
            "live.de",
            "live.at",
            "live.fr",
            "live.it",
            "live.co.uk",
            "msn.com",
            "windowslive.com",
        ],
        mx: &["olc.protection.outlook.com"],
        submission: &[("smtp-mail.outlook.com", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::XOAuth2, Mechanism::Login]),
        limits: Limits { sessions: Some(3), ..Limits::NONE },
        page: "https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/hotmail.com.xml",
            "https://github.com/timeoff-management/timeoff-management-application/issues/308",
        ],
        note: Some("passwords are no longer taken for submission: use OAuth 2.0"),
        ..PLAIN
    },
    Row {
        name: "microsoft365",
        aliases: &["microsoft 365", "microsoft", "m365", "office365", "office 365", "exchange online", "exchange"],
        domains: &["onmicrosoft.com"],
        mx: &["mail.protection.outlook.com", "mx.microsoft"],
        submission: &[("smtp.office365.com", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::XOAuth2, Mechanism::Login]),
        limits: Limits {
            messages_per_minute: Some(30),
            recipients_per_day: Some(10_000),
            sessions: Some(3),
            ..Limits::NONE
        },
        page: "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/office365.com.xml",
            "https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits#sending-limits-1",
            "https://github.com/timeoff-management/timeoff-management-application/issues/308",
        ],
        note: Some("SMTP AUTH must be switched on for the mailbox (https://aka.ms/smtp_auth_disabled); use OAuth 2.0"),
        ..PLAIN
    },
    Row {
        name: "icloud",
        aliases: &["apple", "icloud.com", "me.com"],
        domains: &["icloud.com", "me.com", "mac.com"],
        mx: &["icloud.com"],
        submission: &[("smtp.mail.me.com", 587, TlsMode::StartTls)],
        limits: Limits {
            messages_per_day: Some(1_000),
            recipients_per_day: Some(1_000),
            recipients_per_message: Some(500),
            ..Limits::NONE
        },
        page: "https://support.apple.com/102525",
        sources: &[
            "https://github.com/thunderbird/autoconfig/blob/master/ispdb/me.com.xml",
            "https://ladedu.com/these-are-the-icloud-mail-sending-limits/",
        ],
        note: Some("the password must be an application password: https://support.apple.com/102654"),
        ..PLAIN
    },
    Row {
        name: "yahoo",
        aliases: &["yahoo.com", "ymail"],
        domains: &[
            "yahoo.com",
            "yahoo.ca",
            "yahoo.de",
            "yahoo.it",
            "yahoo.fr",
            "yahoo.es",
            "yahoo.se",
            "yahoo.co.in",
            "yahoo.co.uk",
            "yahoo.co.nz",
            "yahoo.com.au",
            "yahoo.com.ar",
            "yahoo.com.br",
            "yahoo.com.mx",
            "ymail.com",
            "myyahoo.com",
            "rocketmail.com",
        ],
        mx: &["yahoodns.net"],
        submission: &[("smtp.mail.yahoo.com", 465, TlsMode::Implicit), ("smtp.mail.yahoo.com", 587, TlsMode::StartTls)],
        page: "https://help.yahoo.com/kb/SLN4075.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/yahoo.com.xml"],
        note: Some("the password must be an application password: https://help.yahoo.com/kb/SLN15241.html"),
        ..PLAIN
    },
    Row {
        name: "fastmail",
        aliases: &["fastmail.com", "messagingengine"],
        domains: &["fastmail.com", "fastmail.fm", "fastmail.de", "messagingengine.com"],
        mx: &["messagingengine.com"],
        submission: &[("smtp.fastmail.com", 465, TlsMode::Implicit), ("smtp.fastmail.com", 587, TlsMode::StartTls)],
        page: "https://www.fastmail.com/help/technical/servernamesandports.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/messagingengine.com.xml"],
        note: Some("the password must be an application password"),
        ..PLAIN
    },
    Row {
        name: "zoho",
        aliases: &["zohomail", "zoho.com", "zoho mail"],
        domains: &["zoho.com", "zohomail.com"],
        mx: &["zoho.com"],
        submission: &[("smtp.zoho.com", 465, TlsMode::Implicit), ("smtp.zoho.com", 587, TlsMode::StartTls)],
        page: "https://www.zoho.com/mail/help/zoho-smtp.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/zoho.com.xml"],
        note: Some("with two-factor authentication an application password is needed"),
        ..PLAIN
    },
    Row {
        name: "zoho.eu",
        aliases: &["zoho-eu"],
        domains: &["zoho.eu", "zohomail.eu"],
        mx: &["zoho.eu"],
        submission: &[("smtp.zoho.eu", 465, TlsMode::Implicit), ("smtp.zoho.eu", 587, TlsMode::StartTls)],
        page: "https://www.zoho.com/mail/help/zoho-smtp.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/zoho.eu.xml"],
        note: Some("with two-factor authentication an application password is needed"),
        ..PLAIN
    },
    Row {
        name: "yandex",
        aliases: &["yandex.ru", "yandex.com"],
        domains: &["yandex.ru", "yandex.com", "yandex.net", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru", "narod.ru"],
        mx: &["yandex.ru", "yandex.net"],
        submission: &[("smtp.yandex.com", 465, TlsMode::Implicit)],
        page: "https://yandex.com/support/mail/mail-clients.html",
        sources: &["https://github.com/thunderbird/autoconfig/blob/master/ispdb/yandex.ru.xml"],
        note: Some("the password must be an application password, and mail programs must be allowed in the settings"),
        ..PLAIN
    },
];
