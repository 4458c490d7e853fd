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
        domains: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.org", "gmx.eu", "gmx.info", "gmx.biz", "gmx.li"],
        mx: &["gmx.net"],
        submission: &[("mail.gmx.net", 465, TlsMode::Implicit), ("mail.gmx.net", 587, TlsMode::StartTls)],
        page: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
        sources: &["https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html"],
        note: Some(
            "POP3/IMAP access must be switched on in the mailbox's settings; with two-factor authentication an application password is needed",
        ),
        ..PLAIN
    },
    Row {
        name: "gmx.com",
        aliases: &["gmx-com"],
        domains: &["gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es", "gmx.it"],
        submission: &[("mail.gmx.com", 465, TlsMode::Implicit), ("mail.gmx.com", 587, TlsMode::StartTls)],
        page: "https://support.gmx.com/pop-imap/imap/server.html",
        sources: &["https://support.gmx.com/pop-imap/imap/server.html"],
        ..PLAIN
    },
    Row {
        name: "web.de",
        aliases: &["webde", "web"],
        domains: &["web.de"],
        mx: &["web.de"],
        submission: &[("smtp.web.de", 465, TlsMode::Implicit), ("smtp.web.de", 587, TlsMode::StartTls)],
        page: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        sources: &["https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html"],
        note: Some(
            "POP3/IMAP access must be switched on in the mailbox's settings; with two-factor authentication an application password is needed",
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
        sources: &["https://hilfe.freenet.de/"],
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
        page: "https://www.telekom.de/hilfe/apps-dienste/e-mail",
        sources: &["https://www.telekom.de/hilfe/apps-dienste/e-mail"],
        note: Some("the password is the e-mail password, which is not the customer centre's"),
        ..PLAIN
    },
    Row {
        name: "ionos",
        aliases: &["1und1", "1&1", "1and1", "ionos.de"],
        mx: &["ionos.de", "kundenserver.de", "ionos.com", "1and1.com", "perfora.net"],
        submission: &[("smtp.ionos.de", 465, TlsMode::Implicit), ("smtp.ionos.de", 587, TlsMode::StartTls)],
        page: "https://www.ionos.de/hilfe/e-mail/allgemeine-themen/serverdaten-fuer-imap-pop3-und-smtp/",
        sources: &["https://www.ionos.de/hilfe/e-mail/allgemeine-themen/serverdaten-fuer-imap-pop3-und-smtp/"],
        ..PLAIN
    },
    Row {
        name: "strato",
        aliases: &["strato.de"],
        mx: &["rzone.de"],
        submission: &[("smtp.strato.de", 465, TlsMode::Implicit), ("smtp.strato.de", 587, TlsMode::StartTls)],
        page: "https://www.strato.de/faq/mail/",
        sources: &["https://www.strato.de/faq/mail/"],
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
        domains: &["posteo.de", "posteo.net", "posteo.at", "posteo.ch", "posteo.eu", "posteo.org"],
        mx: &["posteo.de"],
        submission: &[("posteo.de", 465, TlsMode::Implicit), ("posteo.de", 587, TlsMode::StartTls)],
        page: "https://posteo.de/hilfe",
        sources: &["https://posteo.de/hilfe"],
        ..PLAIN
    },
    Row {
        name: "gmail",
        aliases: &["googlemail", "google", "google workspace", "gsuite"],
        domains: &["gmail.com", "googlemail.com"],
        mx: &["google.com", "googlemail.com"],
        submission: &[("smtp.gmail.com", 465, TlsMode::Implicit), ("smtp.gmail.com", 587, TlsMode::StartTls)],
        header_from: HeaderFromRule::Accept,
        envelope_from: EnvelopeFromRule::Keep,
        page: "https://support.google.com/mail/answer/7126229",
        sources: &["https://support.google.com/mail/answer/7126229"],
        ..PLAIN
    },
    Row {
        name: "outlook",
        aliases: &[
            "outlook.com",
            "hotmail",
            "live",
            "office365",
            "office 365",
            "microsoft",
            "microsoft365",
            "microsoft 365",
            "m365",
            "exchange online",
        ],
        domains: &["outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "live.com", "live.de", "msn.com"],
        mx: &["outlook.com", "mx.microsoft"],
        submission: &[("smtp.office365.com", 587, TlsMode::StartTls)],
        mechanisms: Some(&[Mechanism::XOAuth2, Mechanism::Login]),
        page: "https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
        sources: &[
            "https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
        ],
        ..PLAIN
    },
    Row {
        name: "icloud",
        aliases: &["apple", "me.com", "icloud.com"],
        domains: &["icloud.com", "me.com", "mac.com"],
        mx: &["icloud.com"],
        submission: &[("smtp.mail.me.com", 587, TlsMode::StartTls)],
        page: "https://support.apple.com/en-us/102525",
        sources: &["https://support.apple.com/en-us/102525"],
        ..PLAIN
    },
    Row {
        name: "yahoo",
        aliases: &["yahoo.com", "ymail"],
        domains: &[
            "yahoo.com",
            "yahoo.de",
            "yahoo.fr",
            "yahoo.it",
            "yahoo.es",
            "yahoo.co.uk",
            "ymail.com",
            "rocketmail.com",
        ],
        mx: &["yahoodns.net"],
        submission: &[("smtp.mail.yahoo.com", 465, TlsMode::Implicit), ("smtp.mail.yahoo.com", 587, TlsMode::StartTls)],
        page: "https://help.yahoo.com/kb/SLN4724.html",
        sources: &["https://help.yahoo.com/kb/SLN4724.html"],
        ..PLAIN
    },
    Row {
        name: "fastmail",
        aliases: &["fastmail.com", "messagingengine"],
        domains: &["fastmail.com", "fastmail.fm", "fastmail.de"],
        mx: &["messagingengine.com"],
        submission: &[("smtp.fastmail.com", 465, TlsMode::Implicit), ("smtp.fastmail.com", 587, TlsMode::StartTls)],
        page: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
        sources: &["https://www.fastmail.help/hc/en-us/articles/1500000278342"],
        ..PLAIN
    },
    Row {
        name: "zoho",
        aliases: &["zohomail", "zoho.com", "zoho mail"],
        domains: &["zoho.com", "zohomail.com"],
        mx: &["zoho.com"],
        submission: &[("smtp.zoho.com", 465, TlsMode::Implicit), ("smtp.zoho.com", 587, TlsMode::StartTls)],
        page: "https://www.zoho.com/mail/help/zoho-smtp.html",
        sources: &["https://www.zoho.com/mail/help/zoho-smtp.html"],
        ..PLAIN
    },
    Row {
        name: "zoho.eu",
        aliases: &["zoho-eu"],
        domains: &["zohomail.eu", "zoho.eu"],
        mx: &["zoho.eu"],
        submission: &[("smtp.zoho.eu", 465, TlsMode::Implicit), ("smtp.zoho.eu", 587, TlsMode::StartTls)],
        page: "https://www.zoho.com/mail/help/zoho-smtp.html",
        sources: &["https://www.zoho.com/mail/help/zoho-smtp.html"],
        ..PLAIN
    },
    Row {
        name: "yandex",
        aliases: &["yandex.ru", "yandex.com"],
        domains: &["yandex.ru", "yandex.com", "ya.ru", "yandex.by", "yandex.kz"],
        mx: &["yandex.ru", "yandex.net"],
        submission: &[("smtp.yandex.ru", 465, TlsMode::Implicit)],
        page: "https://yandex.com/support/mail/mail-clients.html",
        sources: &["https://yandex.com/support/mail/mail-clients.html"],
        ..PLAIN
    },
];
