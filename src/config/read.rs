//! `sendvia.yaml`: YAML to [`Config`].

mod mta;
mod routes;
mod service;

use super::search::directory_of;
use super::{Authorise, Config, Log, LogLevel, LogTarget, NullSender, Timeouts, UnknownSender};
use crate::account::Place;
use crate::account::preset::{self, Preset, Presets};
use crate::wire::mailbox::Mailbox;
use crate::yaml::{Document, MAX_OCTETS, Problem, Value};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the configuration `file` as far as it can be read, and all that is wrong with it.
pub(super) fn file(file: &Path) -> (Option<Config>, Vec<Problem>) {
    let octets = match content(file) {
        Ok(octets) => octets,
        Err(error) => return (None, vec![Problem::of_file(file, error.to_string())]),
    };
    let document = Document::parse(file, octets);
    let mut config = Config::beside(directory_of(file));
    config.file = Some(file.to_owned());
    if document.is_readable() {
        fill(&mut config, &document.root(), directory_of(file));
    }
    (Some(config), document.into_problems())
}

fn content(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    std::fs::File::open(file)?.take(MAX_OCTETS + 1).read_to_end(&mut octets)?;
    match octets.len() as u64 > MAX_OCTETS {
        true => Err(std::io::Error::other(format!("larger than {MAX_OCTETS} octets"))),
        false => Ok(octets),
    }
}

fn fill(config: &mut Config, root: &Value<'_>, base: &Path) {
    if root.is_null() {
        return;
    }
    let Some(mut section) = root.section() else { return };
    if let Some(place) = section.optional("accounts", |value| read_place(value, base)) {
        config.accounts = place;
    }
    if let Some(state) = section.optional("state", |value| read_path(value, base)) {
        config.state = state;
    }
    config.ca_file = section.optional("tls", |value| read_tls(value, base));
    config.authorise = section.optional("authorise", read_authorise).unwrap_or_default();
    config.presets = section.optional("providers", read_providers).unwrap_or_default();
    config.timeouts = section.optional("timeouts", read_timeouts).unwrap_or_default();
    config.log = section.optional("log", read_log).unwrap_or_default();
    config.unknown_sender = section.optional("unknown_sender", |value| value.word(&UNKNOWN_SENDER)).unwrap_or_default();
    config.null_sender = section.optional("null_sender", read_null_sender).unwrap_or_default();
    config.ehlo_name = section.optional("ehlo_name", |value| value.line().map(str::to_owned));
    config.limits = section.optional("limits", preset::read_limits).unwrap_or_default();
    config.key = section.optional("key", |value| service::key(value, base));
    config.routes = section.optional("routes", |value| routes::read(value, base)).unwrap_or_default();
    config.listen = section.optional("listen", service::listen).unwrap_or_default();
    config.policy = section.optional("policy", mta::policy).unwrap_or_default();
    config.map = section.optional("map", mta::map).unwrap_or_default();
    config.login_field = section.optional("login_field", |value| mta::login_field(value, base));
    config.sessions = section.optional("sessions", service::sessions).unwrap_or_default();
    config.fence = section.optional("fence", |value| service::fence(value, base)).unwrap_or_default();
    config.breakers = section.optional("breakers", service::breakers).unwrap_or_default();
    if let Some(journal) = section.optional("journal", |value| service::journal(value, config.journal)) {
        config.journal = journal;
    }
    config.notify = section.optional("notify", |value| service::notify(value, base)).unwrap_or_default();
    section.finish();
}

const UNKNOWN_SENDER: [(&str, UnknownSender); 2] = [("defer", UnknownSender::Defer), ("bounce", UnknownSender::Bounce)];

/// A directory, or `sqlite:PATH`.
fn read_place(value: &Value<'_>, base: &Path) -> Option<Place> {
    let text = value.line()?;
    Some(Place::parse(text, base))
}

/// A path, relative to the configuration's directory.
pub(super) fn read_path(value: &Value<'_>, base: &Path) -> Option<PathBuf> {
    value.line().map(|path| base.join(path))
}

fn read_tls(value: &Value<'_>, base: &Path) -> Option<PathBuf> {
    let mut section = value.section()?;
    let ca_file = section.optional("ca_file", |value| read_path(value, base));
    section.finish();
    ca_file
}

fn read_authorise(value: &Value<'_>) -> Option<Authorise> {
    let authorise = value.word(&[("users", Authorise::Users), ("mta", Authorise::Mta)])?;
    if authorise == Authorise::Mta {
        value.warning(
            "every account may be used by whatever the MTA hands over; accounts' `users` do not count",
            "make sure that the MTA refuses foreign senders (Postfix: reject_sender_login_mismatch)",
        );
    }
    Some(authorise)
}

fn read_providers(value: &Value<'_>) -> Option<Presets> {
    let entries = value.section()?.entries();
    let site: Vec<Preset> = entries.iter().filter_map(|(name, value)| preset::read_site_preset(name, value)).collect();
    Some(Presets::with_site(site))
}

fn read_timeouts(value: &Value<'_>) -> Option<Timeouts> {
    let mut section = value.section()?;
    let mut read = |key| section.optional(key, Value::duration);
    let timeouts = Timeouts {
        deadline: read("deadline"),
        connect: read("connect"),
        greeting: read("greeting"),
        ehlo: read("ehlo"),
        tls: read("tls"),
        auth: read("auth"),
        mail: read("mail"),
        rcpt: read("rcpt"),
        data: read("data"),
        block: read("block"),
        final_reply: read("final_reply"),
    };
    section.finish();
    Some(timeouts)
}

/// `log: syslog`, or `log: {to: syslog, level: info}`.
fn read_log(value: &Value<'_>) -> Option<Log> {
    const TARGETS: [(&str, LogTarget); 4] = [
        ("syslog", LogTarget::Syslog),
        ("journald", LogTarget::Journald),
        ("stderr", LogTarget::StandardError),
        ("none", LogTarget::None),
    ];
    const LEVELS: [(&str, LogLevel); 4] = [
        ("error", LogLevel::Error),
        ("warning", LogLevel::Warning),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
    ];
    if value.is_text() {
        return value.word(&TARGETS).map(|to| Log { to, ..Log::default() });
    }
    let mut section = value.section()?;
    let log = Log {
        to: section.optional("to", |value| value.word(&TARGETS)).unwrap_or_default(),
        level: section.optional("level", |value| value.word(&LEVELS)).unwrap_or_default(),
    };
    section.finish();
    Some(log)
}

/// `defer`, `bounce`, or `{via: ADDRESS}`; `via: ADDRESS` as text is taken as well.
fn read_null_sender(value: &Value<'_>) -> Option<NullSender> {
    if !value.is_text() {
        let mut section = value.section()?;
        let via = section.required("via", read_mailbox);
        section.finish();
        return via.map(NullSender::Via);
    }
    match value.text()?.strip_prefix("via:") {
        Some(address) => match parse_mailbox(address.trim()) {
            Some(mailbox) => Some(NullSender::Via(mailbox)),
            None => {
                value.error("expected an address behind `via:`");
                None
            }
        },
        None => match value.text()? {
            "defer" => Some(NullSender::Defer),
            "bounce" => Some(NullSender::Bounce),
            _ => {
                value.error("expected one of defer, bounce, or `via: ADDRESS`");
                None
            }
        },
    }
}

/// An address with its domain.
pub(super) fn read_mailbox(value: &Value<'_>) -> Option<Mailbox> {
    let mailbox = parse_mailbox(value.line()?);
    if mailbox.is_none() {
        value.error("expected an address");
    }
    mailbox
}

fn parse_mailbox(text: &str) -> Option<Mailbox> {
    Mailbox::parse(text).ok().filter(|mailbox| !mailbox.domain().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FenceConfig, JournalMode, KeySource, Language, ListenAddress, Way};
    use std::time::Duration;

    fn read(text: &str) -> (Config, Vec<String>) {
        let document = Document::parse(Path::new("/c/sendvia.yaml"), text.as_bytes().to_vec());
        let mut config = Config::beside(Path::new("/c"));
        if document.is_readable() {
            fill(&mut config, &document.root(), Path::new("/c"));
        }
        (config, document.into_problems().iter().map(Problem::to_string).collect())
    }

    #[test]
    fn every_key_is_read() {
        let text = "accounts: customers\nstate: /var/lib/x\ntls: {ca_file: ca.pem}\nauthorise: users\nlog: {to: journald, level: debug}\n\
            unknown_sender: bounce\nnull_sender: {via: post@example.org}\nkey: {file: key}\nehlo_name: mx.example.org\n\
            timeouts: {connect: 5s, deadline: 10m}\njournal: {mode: durable, keep: 7d}\n\
            routes: [direct, {local: 192.0.2.7}, {name: office, socks5: 'proxy.example:1081', login_file: pl}]\n\
            listen: {lmtp: ['unix:/run/sendvia/lmtp', '127.0.0.1:2003'], policy: 'unix:/run/p'}\n\
            policy: {filter: 'sendvia:', language: de}\nmap: {transport: 'lmtp:unix:sendvia'}\nlogin_field: {key_file: login.key, exim_key_file: exim.key}\nfence: {read: [secrets, /srv/x]}\n\
            limits: {messages_per_hour: 100}\nnotify: {to: admin@example.org, owner: true, language: de}\n\
            providers:\n  haus:\n    submission: {host: mail.haus.example, port: 587, tls: starttls}\n    domains: [haus.example]\n";
        let (config, problems) = read(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(config.accounts, Place::Directory("/c/customers".into()));
        assert_eq!(config.ca_file, Some("/c/ca.pem".into()));
        assert_eq!(config.key, Some(KeySource::File("/c/key".into())));
        assert_eq!(config.null_sender, NullSender::Via(Mailbox::parse("post@example.org").expect("an address")));
        assert_eq!(config.unknown_sender, UnknownSender::Bounce);
        assert_eq!(config.policy.filter.as_deref(), Some("sendvia:"));
        assert_eq!(config.policy.language, Language::German);
        assert_eq!(config.map.transport, "lmtp:unix:sendvia");
        let keys = config.login_field.map(|field| (field.key_file, field.exim_key_file));
        assert_eq!(keys, Some((Some("/c/login.key".into()), Some("/c/exim.key".into()))));
        let read = vec!["/c/secrets".into(), "/srv/x".into()];
        assert_eq!(config.fence, FenceConfig { is_wanted: true, read });
        assert_eq!(config.timeouts.connect, Some(Duration::from_secs(5)));
        assert_eq!((config.journal.mode, config.journal.keep.as_secs()), (JournalMode::Durable, 7 * 24 * 3600));
        let names: Vec<&str> = config.routes.iter().map(|route| route.name.as_str()).collect();
        assert_eq!(names, ["direct", "local: 192.0.2.7", "office"]);
        assert!(
            matches!(&config.routes[2].way, Way::Socks5(proxy) if proxy.port == 1081 && proxy.login_file.is_some())
        );
        assert_eq!(config.listen.lmtp[0], ListenAddress::Unix("/run/sendvia/lmtp".into()));
        assert_eq!(config.presets.of_domain("haus.example").map(|preset| preset.name).as_deref(), Some("haus"));
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        for text in ["", "# nothing\n", "providers:\n"] {
            let (config, problems) = read(text);
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(config.accounts, Place::Directory("/c/accounts.d".into()));
            assert_eq!(config.state, Path::new("/c/state"));
        }
    }

    #[test]
    fn every_error_tells_line_field_problem_and_all_come_at_once() {
        let text = "acounts: x\nauthorise: all\nnull_sender: via\ntimeouts: {connect: soon}\nproviders:\n  haus: {}\n  haus: {}\n\
            listen: {lmtp: [here]}\nroutes: [direct, direct, {socks5: 'u:pw@proxy:1'}]\nkey: {}\n";
        let (_, problems) = read(text);
        let expected = [
            "/c/sendvia.yaml:1: acounts: unknown key\nhint: did you mean `accounts`?",
            "/c/sendvia.yaml:2: authorise: expected one of users, mta",
            "/c/sendvia.yaml:3: null_sender: expected one of defer, bounce, or `via: ADDRESS`",
            "/c/sendvia.yaml:4: timeouts.connect: expected a span of time\nhint: write seconds, or a unit: 30s, 5m, 2h, 5d",
            "/c/sendvia.yaml:6: providers.haus.submission: missing",
            "/c/sendvia.yaml:7: providers.haus: stands here twice\nhint: keep one of the two",
            "/c/sendvia.yaml:8: listen.lmtp[0]: expected a socket\nhint: unix:/run/sendvia/lmtp, or 127.0.0.1:2003",
            "/c/sendvia.yaml:9: routes[2].socks5: a login does not belong here\nhint: put USER:PASSWORD into a private file: `login_file: PATH`",
            "/c/sendvia.yaml:9: routes[2]: expected one way, but found 0\nhint: one of direct, local, socks5, connect, upstream",
            "/c/sendvia.yaml:9: routes[1]: another route has this name\nhint: give one of them a `name`",
            "/c/sendvia.yaml:10: key: expected one place of the key\nhint: one of file, credential, command",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn leaving_the_check_to_the_mta_is_said() {
        let (config, problems) = read("authorise: mta\n");
        assert_eq!(config.authorise, Authorise::Mta);
        assert!(problems[0].starts_with("/c/sendvia.yaml:1: warning: authorise: "), "{problems:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let document = Document::parse(Path::new("f"), octets);
            fill(&mut Config::beside(Path::new("/c")), &document.root(), Path::new("/c"));
        }
    }
}
