//! Keys of the resident service and of what outlives a process.

use super::{read_mailbox, read_path};
use crate::config::{
    Breakers, FenceConfig, Journal, JournalMode, KeySource, Language, Listen, ListenAddress, Notify, Pause, Sessions,
};
use crate::yaml::Value;
use std::path::Path;

/// `key: {file: PATH}`, `{credential: NAME}` or `{command: [..]}`; a path alone is a file.
pub(super) fn key(value: &Value<'_>, base: &Path) -> Option<KeySource> {
    if value.is_text() {
        return read_path(value, base).map(KeySource::File);
    }
    let mut section = value.section()?;
    let file = section.optional("file", |value| read_path(value, base)).map(KeySource::File);
    let credential = section.optional("credential", |value| value.line().map(str::to_owned)).map(KeySource::Credential);
    let words = |value: &Value<'_>| value.each(|word| word.text().map(str::to_owned)).filter(|words| !words.is_empty());
    let command = section.optional("command", words).map(KeySource::Command);
    section.finish();
    let mut given: Vec<KeySource> = [file, credential, command].into_iter().flatten().collect();
    if given.len() != 1 {
        value.error_with_hint("expected one place of the key", "one of file, credential, command");
    }
    given.pop()
}

/// `listen: {lmtp: [..], policy: [..], map: [..], submission: [..], metrics: [..]}`
pub(super) fn listen(value: &Value<'_>) -> Option<Listen> {
    let mut section = value.section()?;
    let mut read = |key| section.optional(key, |value| value.one_or_each(listen_address)).unwrap_or_default();
    let (lmtp, policy, map) = (read("lmtp"), read("policy"), read("map"));
    let metrics = section.optional("metrics", |value| value.one_or_each(metrics_address)).unwrap_or_default();
    let submission = section.optional("submission", |value| value.one_or_each(unix_address)).unwrap_or_default();
    let listen = Listen { lmtp, policy, map, submission, metrics };
    section.finish();
    Some(listen)
}

/// Users are known by their Unix socket's other end alone.
fn unix_address(value: &Value<'_>) -> Option<ListenAddress> {
    let address = listen_address(value)?;
    if let ListenAddress::Tcp(_) = address {
        value.error_with_hint("users of this host submit by a Unix socket", "unix:/run/sendvia/submission");
        return None;
    }
    Some(address)
}

/// The page has no login of its own, so it is not for other hosts.
fn metrics_address(value: &Value<'_>) -> Option<ListenAddress> {
    let address = listen_address(value)?;
    if let ListenAddress::Tcp(tcp) = address
        && !tcp.ip().is_loopback()
    {
        value.error_with_hint("metrics are served to this host alone", "127.0.0.1:9125, or unix:/run/sendvia/metrics");
        return None;
    }
    Some(address)
}

/// `sessions: {account:, waiting:, provider:, all:, idle:, messages:, age:}`
pub(super) fn sessions(value: &Value<'_>) -> Option<Sessions> {
    let mut sessions = Sessions::default();
    let mut section = value.section()?;
    let mut count = |key, least, given: &mut usize| {
        let read = section.optional(key, |value| value.number(least, 100_000));
        *given = read.and_then(|read| usize::try_from(read).ok()).unwrap_or(*given);
    };
    count("account", 1, &mut sessions.account);
    count("waiting", 0, &mut sessions.waiting);
    count("provider", 1, &mut sessions.provider);
    count("all", 1, &mut sessions.all);
    sessions.messages = section.optional("messages", |value| value.number(1, 1_000_000)).unwrap_or(sessions.messages);
    sessions.idle = section.optional("idle", Value::duration).unwrap_or(sessions.idle);
    sessions.age = section.optional("age", Value::duration).unwrap_or(sessions.age);
    section.finish();
    Some(sessions)
}

fn listen_address(value: &Value<'_>) -> Option<ListenAddress> {
    let text = value.line()?;
    if let Some(path) = text.strip_prefix("unix:") {
        let path = Path::new(path);
        if path.is_absolute() {
            return Some(ListenAddress::Unix(path.to_owned()));
        }
        value.error("expected an absolute path behind `unix:`");
        return None;
    }
    let address = text.strip_prefix("tcp:").unwrap_or(text).parse().ok().map(ListenAddress::Tcp);
    if address.is_none() {
        value.error_with_hint("expected a socket", "unix:/run/sendvia/lmtp, or 127.0.0.1:2003");
    }
    address
}

/// `fence: on`, `fence: off`, or `{read: [PATH..]}`
pub(super) fn fence(value: &Value<'_>, base: &Path) -> Option<FenceConfig> {
    if value.is_text() {
        let is_wanted = value.word(&[("on", true), ("off", false)])?;
        return Some(FenceConfig { is_wanted, ..FenceConfig::default() });
    }
    let mut section = value.section()?;
    let read = section.optional("read", |value| value.one_or_each(|path| read_path(path, base))).unwrap_or_default();
    section.finish();
    Some(FenceConfig { is_wanted: true, read })
}

/// `breakers: {credentials: {first: 5m, longest: 6h}, host:, account:, quota:, logins:}`
pub(super) fn breakers(value: &Value<'_>) -> Option<Breakers> {
    let mut breakers = Breakers::default();
    let mut section = value.section()?;
    for (key, pause) in [
        ("credentials", &mut breakers.credentials),
        ("host", &mut breakers.host),
        ("account", &mut breakers.account),
        ("quota", &mut breakers.quota),
        ("logins", &mut breakers.logins),
    ] {
        *pause = section.optional(key, |value| read_pause(value, *pause)).unwrap_or(*pause);
    }
    section.finish();
    Some(breakers)
}

fn read_pause(value: &Value<'_>, default: Pause) -> Option<Pause> {
    let mut section = value.section()?;
    let first = section.optional("first", Value::duration).unwrap_or(default.first);
    let longest = section.optional("longest", Value::duration).unwrap_or(default.longest.max(first));
    section.finish();
    if longest < first {
        value.error("longest is shorter than first");
        return None;
    }
    Some(Pause { first, longest })
}

/// `journal: normal`, or `{mode: durable, keep: 5d}`.
pub(super) fn journal(value: &Value<'_>, default: Journal) -> Option<Journal> {
    const MODES: [(&str, JournalMode); 3] =
        [("off", JournalMode::Off), ("normal", JournalMode::Normal), ("durable", JournalMode::Durable)];
    if value.is_text() {
        return value.word(&MODES).map(|mode| Journal { mode, ..default });
    }
    let mut section = value.section()?;
    let journal = Journal {
        mode: section.optional("mode", |value| value.word(&MODES)).unwrap_or(default.mode),
        keep: section.optional("keep", Value::duration).unwrap_or(default.keep),
    };
    section.finish();
    Some(journal)
}

/// In which customers can be spoken to.
pub(super) const LANGUAGES: [(&str, Language); 2] = [("en", Language::English), ("de", Language::German)];

/// `notify: {to:, owner:, via:, language:, templates:}`
pub(super) fn notify(value: &Value<'_>, base: &Path) -> Option<Notify> {
    let mut section = value.section()?;
    let notify = Notify {
        to: section.optional("to", read_mailbox),
        owner: section.optional("owner", Value::bool).unwrap_or_default(),
        via: section.optional("via", read_mailbox),
        language: section.optional("language", |value| value.word(&LANGUAGES)).unwrap_or_default(),
        templates: section.optional("templates", |value| read_path(value, base)),
    };
    section.finish();
    Some(notify)
}
