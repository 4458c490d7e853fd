//! Keys of what MTAs are told.

use super::read_path;
use super::service::LANGUAGES;
use crate::config::mta::LOGIN_FIELD_LIFETIME;
use crate::config::{LoginFieldConfig, MapConfig, PolicyConfig};
use crate::yaml::{Section, Value};
use std::path::Path;

/// `policy: {filter: "sendvia:", language: de}`
pub(super) fn policy(value: &Value<'_>) -> Option<PolicyConfig> {
    let mut section = value.section()?;
    let filter = section.optional("filter", transport);
    let language = section.optional("language", |value| value.word(&LANGUAGES)).unwrap_or_default();
    section.finish();
    Some(PolicyConfig { filter, language })
}

/// `map: {transport: "sendvia:"}`
pub(super) fn map(value: &Value<'_>) -> Option<MapConfig> {
    let mut section: Section<'_> = value.section()?;
    let default = MapConfig::default();
    let transport = section.optional("transport", transport).unwrap_or(default.transport);
    section.finish();
    Some(MapConfig { transport })
}

/// `login_field: {key_file: PATH, exim_key_file: PATH, lifetime: 10d}`, one of the keys at least.
pub(super) fn login_field(value: &Value<'_>, base: &Path) -> Option<LoginFieldConfig> {
    let mut section = value.section()?;
    let key_file = section.optional("key_file", |value| read_path(value, base));
    let exim_key_file = section.optional("exim_key_file", |value| read_path(value, base));
    let lifetime = section.optional("lifetime", Value::duration).unwrap_or(LOGIN_FIELD_LIFETIME);
    section.finish();
    if key_file.is_none() && exim_key_file.is_none() {
        value.error_with_hint(
            "expected a key",
            "key_file: PATH where Postfix asks `sendvia policy`, exim_key_file: PATH for Exim",
        );
        return None;
    }
    Some(LoginFieldConfig { key_file, exim_key_file, lifetime })
}

/// `TRANSPORT:NEXTHOP`, the next hop empty where the transport has its own.
fn transport(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    match text.split_once(':') {
        Some((name, _)) if !name.is_empty() && !text.contains(' ') => Some(text.to_owned()),
        _ => {
            value.error_with_hint("expected a transport of Postfix", "its name in master.cf and a colon: \"sendvia:\"");
            None
        }
    }
}
