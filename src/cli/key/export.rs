//! `sendvia key export`: the key ring as text. It opens every sealed secret, so it is never put on a terminal.

use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;
use crate::secret::key::KeyRing;
use crate::secret::memory;
use crate::verdict::ExitStatus;
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Write it into this file, which only its owner can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Writes the ring out.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let _ = memory::forbid_dumps();
    let source = arguments.settings.load()?.key_source();
    let ring = super::super::runtime::block_on(source.read())??;
    let Some(file) = &arguments.to else { return print(&ring) };
    if file.symlink_metadata().is_ok() {
        return Err(Failure::usage(
            format_args!("{}: exists already", file.display()),
            "name a file that is not there",
        ));
    }
    ring.write(file)?;
    output::say(format_args!("wrote key {} to {}", ring.sealing().id(), file.display()));
    Ok(ExitStatus::Ok)
}

/// Writes `ring` to standard output.
pub(super) fn print(ring: &KeyRing) -> Result<ExitStatus, Failure> {
    let mut out = io::stdout();
    if out.is_terminal() {
        let problem = "a key on a terminal is a key in its history";
        return Err(Failure::usage(problem, "send it into a file or another program, or name one with `--to FILE`"));
    }
    out.write_all(ring.to_text().as_bytes()).and_then(|()| out.flush())?;
    Ok(ExitStatus::Ok)
}
