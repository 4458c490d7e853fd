//! `sendvia key new`: a key ring of one new key, where none is.

use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;
use super::{KeyLock, export, writable};
use crate::secret::key::{KeyId, KeyRing};
use crate::secret::memory;
use crate::secret::vault::KeySource;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::Path;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Write the key to standard output instead of its file: for a systemd credential or a password manager
    #[arg(long)]
    print: bool,
}

/// Makes the key.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let _ = memory::forbid_dumps();
    if arguments.print {
        return export::print(&KeyRing::generate()?);
    }
    let source = arguments.settings.load()?.key_source();
    let Some(file) = writable(&source) else { return Err(not_ours(&source)) };
    let id = make(&file)?;
    output::say(format_args!("made key {id} in {}", file.display()));
    output::say("keep a copy where this host's backups are not: `sendvia key export`");
    Ok(ExitStatus::Ok)
}

/// Makes a ring in `file`, which must not be there.
///
/// # Errors
/// What the system refused, or that a ring is there.
pub(in crate::cli) fn make(file: &Path) -> Result<KeyId, Failure> {
    let _lock = KeyLock::of(file)?;
    if file.symlink_metadata().is_ok() {
        let problem = format!("{}: exists already, and accounts may be sealed with it", file.display());
        return Err(Failure::new(problem).hint("`sendvia key rotate` replaces a key and seals everything again"));
    }
    let ring = KeyRing::generate()?;
    ring.write(file)?;
    Ok(ring.sealing().id())
}

fn not_ours(source: &KeySource) -> Failure {
    match source {
        KeySource::Credential(name) => Failure::usage(
            format_args!("the key is the systemd credential {name}, which sendvia does not write"),
            format!("sendvia key new --print | systemd-creds encrypt --name={name} - /etc/credstore.encrypted/{name}"),
        ),
        KeySource::File(_) | KeySource::Command(_) => Failure::usage(
            "the key is what a command prints, and sendvia does not write there",
            "put what `sendvia key new --print` prints where the command takes it from",
        ),
    }
}
