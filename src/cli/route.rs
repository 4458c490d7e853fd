//! `sendvia route reopen`: opens what is closed because this host's address was refused.

use super::output;
use super::settings::Settings;
use crate::state::{Clock, Closure, Kind, Ledger, Sqlite, StateError};
use crate::verdict::ExitStatus;
use clap::{Args, Subcommand};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open closed routes, so that the next message tries them
    Reopen(Reopen),
}

#[derive(Debug, Args)]
struct Reopen {
    #[command(flatten)]
    settings: Settings,
    /// Routes of this name or to this provider only, as `sendvia status` shows them
    #[arg(value_name = "ROUTE|PROVIDER")]
    which: Option<String>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let Command::Reopen(reopen) = &arguments.command;
    let which = |closure: &Closure| {
        let is_named = |name: &str| closure.subject.name.split(" to ").any(|part| part.eq_ignore_ascii_case(name));
        closure.subject.kind == Kind::Route
            && reopen.which.as_deref().is_none_or(|name| is_named(name) || closure.subject.name == name)
    };
    open_again(&reopen.settings, which)
}

/// Opens every closure that `which` names, and tells which they were.
pub(super) fn open_again(settings: &Settings, which: impl Fn(&Closure) -> bool) -> ExitStatus {
    let config = match settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    match reopen(&Sqlite::new(&config.state, Clock::System), which) {
        Ok(opened) if opened.is_empty() => output::say("nothing was closed"),
        Ok(opened) => opened.iter().for_each(|closure| output::say(format_args!("opened: {}", closure.subject))),
        Err(error) => {
            output::fail(&error, error.hint().as_deref());
            return ExitStatus::Config;
        }
    }
    ExitStatus::Ok
}

fn reopen(state: &Sqlite, which: impl Fn(&Closure) -> bool) -> Result<Vec<Closure>, StateError> {
    let mut opened = Vec::new();
    for closure in state.closures()?.into_iter().filter(which) {
        opened.extend(state.lift(&closure.subject)?);
    }
    Ok(opened)
}
