//! `secret: {...}` from an account's file.

use super::{CommandLine, SecretCommand, SecretSource, command, oauth};
use crate::yaml::{Section, Value};
use secrecy::SecretString;
use std::path::Path;

/// What stood under `secret`.
pub(crate) struct Sources {
    /// The last source that could be read.
    pub(crate) source: Option<SecretSource>,
    /// How many stood there.
    pub(crate) given: usize,
}

/// Reads every source under `secret`; exactly one is right, which the caller tells. Paths are relative to `base`;
/// `preset` is the account's provider.
pub(crate) fn read(section: &mut Section<'_>, base: &Path, preset: Option<&str>) -> Sources {
    type Reader<'r> = &'r dyn Fn(&Value<'_>) -> Option<SecretSource>;
    let file = |value: &Value<'_>| value.line().map(|path| SecretSource::File(base.join(path)));
    let oauth = |value: &Value<'_>| oauth::read(value, base, preset).map(Box::new).map(SecretSource::OAuth);
    let readers: [(&'static str, Reader<'_>); 7] = [
        ("plain", &|value| value.secret().map(|text| SecretSource::Plain(SecretString::from(text.as_str())))),
        ("file", &file),
        ("env", &|value| read_name(value).map(SecretSource::Env)),
        ("credential", &|value| read_name(value).map(SecretSource::Credential)),
        ("sealed", &|value| value.line().map(|text| SecretSource::Sealed(text.to_owned()))),
        ("secret_service", &|value| read_attributes(value).map(SecretSource::SecretService)),
        ("oauth", &oauth),
    ];
    let mut sources = Sources { source: None, given: 0 };
    for (key, read) in readers {
        if let Some(value) = section.get(key) {
            sources.given += 1;
            sources.source = read(&value).or(sources.source);
        }
    }
    read_command(section, &mut sources);
    sources
}

/// `command:` as a line or a list of words, `shell: true`, `timeout:`.
fn read_command(section: &mut Section<'_>, sources: &mut Sources) {
    let shell = section.optional("shell", Value::bool).unwrap_or_default();
    let time_limit = section.optional("timeout", Value::duration).unwrap_or(command::TIME_LIMIT);
    let Some(value) = section.get("command") else { return };
    sources.given += 1;
    let line = match (value.is_list(), shell) {
        (true, _) => read_words(&value),
        (false, true) => value.text().map(|line| CommandLine::Shell(line.to_owned())),
        (false, false) => value.text().and_then(|line| match CommandLine::split(line) {
            Ok(words) => Some(words),
            Err(problem) => {
                value.error(problem);
                None
            }
        }),
    };
    sources.source =
        line.map(|line| SecretSource::Command(SecretCommand { line, time_limit })).or(sources.source.take());
}

fn read_words(value: &Value<'_>) -> Option<CommandLine> {
    let words = value.each(|word| word.text().map(str::to_owned))?;
    if words.is_empty() {
        value.error("expected a program");
        return None;
    }
    Some(CommandLine::Words(words))
}

/// Attribute names and values as `secret-tool store` was given them.
fn read_attributes(value: &Value<'_>) -> Option<Vec<(String, String)>> {
    let entries = value.section()?.entries();
    let attributes: Vec<_> =
        entries.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.line()?.to_owned()))).collect();
    if attributes.is_empty() || attributes.iter().any(|(name, _)| name.starts_with('-')) {
        value.error("expected attributes, as `secret-tool lookup` takes them");
        return None;
    }
    Some(attributes)
}

/// A variable's or credential's name: a path in it would lead elsewhere.
fn read_name(value: &Value<'_>) -> Option<String> {
    let name = value.line()?;
    if name.contains(['/', '=', '\0']) || name.starts_with('.') {
        value.error("expected a name");
        return None;
    }
    Some(name.to_owned())
}
