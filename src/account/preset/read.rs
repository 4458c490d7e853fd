//! A site's providers, from the configuration.

use super::{Limits, Preset, Presets};
use crate::account::server::{Server, TLS_MODES, TlsMode};
use crate::account::terms::{ENVELOPE_FROM_RULES, HEADER_FROM_RULES};
use crate::wire::sasl::{MECHANISMS, Mechanism};
use crate::yaml::{Section, Value};

/// Reads `providers: {NAME: {...}}`'s value for `name`. Where a built-in provider has the name, only what differs from
/// that needs to be said.
pub(crate) fn read(name: &str, value: &Value<'_>) -> Option<Preset> {
    let mut section = value.section()?;
    let base = Presets::default().find(name);
    let submission = match &base {
        Some(_) => section.optional("submission", |value| value.one_or_each(read_submission)),
        None => section.required("submission", |value| value.one_or_each(read_submission)),
    };
    let base = base.unwrap_or_default();
    let words = |value: &Value<'_>| value.one_or_each(|word| word.line().map(str::to_lowercase));
    let line = |value: &Value<'_>| value.line().map(str::to_owned);
    let preset = Preset {
        name: if base.name.is_empty() { name.to_owned() } else { base.name },
        aliases: section.optional("aliases", words).unwrap_or(base.aliases),
        domains: section.optional("domains", words).unwrap_or(base.domains),
        mx: section.optional("mx", words).unwrap_or(base.mx),
        submission: submission.unwrap_or(base.submission),
        mechanisms: section.optional("mechanisms", read_mechanisms).or(base.mechanisms),
        header_from: section
            .optional("header_from", |value| value.word(&HEADER_FROM_RULES))
            .unwrap_or(base.header_from),
        envelope_from: section
            .optional("envelope_from", |value| value.word(&ENVELOPE_FROM_RULES))
            .unwrap_or(base.envelope_from),
        limits: section.optional("limits", read_limits).unwrap_or_default().or(base.limits),
        routes: section.optional("routes", |value| value.one_or_each(line)).unwrap_or_default(),
        page: section.optional("page", line).or(base.page),
        sources: base.sources,
        note: section.optional("note", line).or(base.note),
    };
    section.finish();
    (!preset.submission.is_empty()).then_some(preset)
}

/// Reads `{host, port, tls}`. Port and protection stand for each other; without both it is `implicit` at 465.
pub(crate) fn read_submission(value: &Value<'_>) -> Option<Server> {
    let mut section = value.section()?;
    let host = section.required("host", read_host);
    // A wrong port or word is told, and must not be taken for one that is missing.
    let errors = (section.get("port"), section.get("tls"));
    let port = section.optional("port", Value::port);
    let tls = section.optional("tls", |value| value.word(&TLS_MODES));
    section.finish();
    let complete = errors.0.is_some() == port.is_some() && errors.1.is_some() == tls.is_some();
    let tls = tls.or(port.map(TlsMode::of_port)).unwrap_or(TlsMode::Implicit);
    let port = port.unwrap_or(tls.usual_port());
    host.filter(|_| complete).map(|host| Server { host, port, tls })
}

fn read_host(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Some(bare.to_owned());
    }
    if let Some((_, port)) = text.rsplit_once(':')
        && port.parse::<u16>().is_ok()
    {
        value.error_with_hint("expected a host name, but found a port in it", "give the port under `port`");
        return None;
    }
    let ascii = idna::domain_to_ascii(text).ok().filter(|host| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    });
    if ascii.is_none() {
        value.error("expected a host name or an IP address");
    }
    ascii
}

/// Reads a list of SASL mechanisms' names.
pub(crate) fn read_mechanisms(value: &Value<'_>) -> Option<Vec<Mechanism>> {
    let mechanisms = value.one_or_each(read_mechanism)?;
    if mechanisms.is_empty() {
        value.error_with_hint("expected at least one mechanism", "leave the key out to use what the server offers");
        return None;
    }
    Some(mechanisms)
}

fn read_mechanism(value: &Value<'_>) -> Option<Mechanism> {
    let mechanism = value.line()?.parse().ok();
    if mechanism.is_none() {
        let names = MECHANISMS.map(Mechanism::name).join(", ");
        value.error(format!("expected a SASL mechanism: {names}"));
    }
    mechanism
}

/// Reads `limits: {...}`.
pub(crate) fn read_limits(value: &Value<'_>) -> Option<Limits> {
    let mut section = value.section()?;
    let limits = Limits {
        messages_per_hour: count(&mut section, "messages_per_hour"),
        messages_per_day: count(&mut section, "messages_per_day"),
        recipients_per_hour: count(&mut section, "recipients_per_hour"),
        recipients_per_day: count(&mut section, "recipients_per_day"),
        recipients_per_message: count(&mut section, "recipients_per_message"),
        messages_per_minute: count(&mut section, "messages_per_minute"),
        logins_per_minute: count(&mut section, "logins_per_minute"),
        sessions: count(&mut section, "sessions"),
        message_octets: count(&mut section, "message_octets"),
    };
    section.finish();
    Some(limits)
}

fn count(section: &mut Section<'_>, key: &'static str) -> Option<u64> {
    section.optional(key, |value| value.number(1, u64::MAX))
}
