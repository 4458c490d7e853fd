//! `secret: {secret_service: {ATTRIBUTE: VALUE, ...}}`: the keyring of a person at a desktop (freedesktop.org's Secret
//! Service), asked by `secret-tool` of libsecret, which every desktop has a package of: linking D-Bus into each delivery
//! of each mail server would serve nobody.

use super::{CommandLine, SecretCommand, command};

/// The command that looks the attributes up.
pub(super) fn command(attributes: &[(String, String)]) -> SecretCommand {
    let words = ["secret-tool", "lookup"].map(str::to_owned).into_iter();
    let pairs = attributes.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    SecretCommand { line: CommandLine::Words(words.chain(pairs).collect()), time_limit: command::TIME_LIMIT }
}
