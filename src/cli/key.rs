//! `sendvia key`: makes the key that seals accounts' secrets, replaces it, and copies it out.

mod export;
mod new;
mod reseal;
mod rotate;

pub(super) use new::make as make_key;

use super::failure::{Failure, finish};
use crate::secret::vault::KeySource;
use crate::verdict::ExitStatus;
use clap::{Args, Subcommand};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the key
    New(new::Arguments),
    /// Make a new key, seal every account and token again with it, and take the old key off
    Rotate(rotate::Arguments),
    /// Write the key out, for a copy in a safe place
    Export(export::Arguments),
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    finish(match &arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Rotate(arguments) => rotate::run(arguments),
        Command::Export(arguments) => export::run(arguments),
    })
}

/// Held while a key ring is changed, so that two who change it come one after the other. The lock is on the directory:
/// the file itself is replaced as a whole.
struct KeyLock(#[expect(dead_code, reason = "closing it lets go of the lock")] File);

impl KeyLock {
    fn of(file: &Path) -> Result<KeyLock, Failure> {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let trouble = |error: std::io::Error| {
            let hint = format!("the key's directory must be there: `install -d -m 750 {}`", directory.display());
            Failure::new(format_args!("{}: {error}", directory.display())).hint(hint)
        };
        let directory_file = File::open(directory).map_err(trouble)?;
        rustix::fs::flock(&directory_file, FlockOperation::LockExclusive).map_err(|error| trouble(error.into()))?;
        Ok(KeyLock(directory_file))
    }
}

/// The ring's file, which only sendvia writes; a credential or a command is the site's.
fn writable(source: &KeySource) -> Option<PathBuf> {
    source.file().map(Path::to_owned)
}
