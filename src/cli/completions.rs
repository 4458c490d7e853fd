//! `sendvia completions SHELL`: completion scripts, generated from the command line's own definition.

use super::CommandLine;
use crate::verdict::ExitStatus;
use clap::{Args, CommandFactory};
use std::io::{self, Write};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// For which shell
    shell: clap_complete::Shell,
}

/// Prints the script for the shell.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "sendvia", &mut script);
    match io::stdout().write_all(&script) {
        Ok(()) => ExitStatus::Ok,
        Err(_) => ExitStatus::TempFail,
    }
}
