//! `sendvia.yaml`: YAML to [`Config`].

mod routes;
mod service;

use super::search::directory_of;
use super::{Authorise, Config, ConfigErrors, Log, LogLevel, LogTarget, NullSender, Timeouts, UnknownSender};
use crate::account::Place;
use crate::account::preset::{self, Preset, Presets};
use crate::wire::mailbox::Mailbox;
use crate::yaml::{Document, MAX_OCTETS, Problem, Value};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the configuration `file`; beside it, what may not be meant so.
pub(super) fn file(file: &Path) -> Result<(Config, Vec<Problem>), ConfigErrors> {
    let octets =
        content(file).map_err(|error| ConfigErrors { problems: vec![Problem::of_file(file, error.to_string())] })?;
    let document = Document::parse(file, octets);
    let mut config = Config::beside(directory_of(file));
    config.file = Some(file.to_owned());
    if document.is_readable() {
        fill(&mut config, &document.root(), directory_of(file));
    }
    match document.has_errors() {
        true => Err(ConfigErrors { problems: document.into_problems() }),
        false => Ok((config, document.into_problems())),
    }
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
    const TARGETS: [(&str, LogTarget); 3] =
        [("syslog", LogTarget::Syslog), ("journald", LogTarget::Journald), ("none", LogTarget::None)];
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
        None => value.word(&[("defer", false), ("bounce", true)]).map(|bounces| match bounces {
            false => NullSender::Defer,
            true => NullSender::Bounce,
        }),
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
