//! `sendvia route reopen`: opens what is closed because this host's address was refused.

use super::failure::{Failure, finish};
use super::output;
use super::settings::Settings;
use crate::config::Config;
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
    finish(open_routes(reopen, which))
}

fn open_routes(reopen: &Reopen, which: impl Fn(&Closure) -> bool) -> Result<ExitStatus, Failure> {
    let config = reopen.settings.load()?;
    // What is closed may have gone from the configuration: that is no mistake.
    if !open_again(&config, which)? {
        reopen.which.as_deref().map_or(Ok(()), |name| known(&config, name))?;
        output::say(NOTHING);
    }
    Ok(ExitStatus::Ok)
}

/// Whether there is such a route or provider; a server without a provider's name is `HOST:PORT`.
fn known(config: &Config, name: &str) -> Result<(), Failure> {
    let routes = config.routes.iter().map(|route| route.name.clone());
    let providers = config.presets.all().into_iter().map(|preset| preset.name);
    let mut names: Vec<String> = std::iter::once("direct".to_owned()).chain(routes).chain(providers).collect();
    names.dedup();
    let is_known = |part: &str| part.contains(':') || names.iter().any(|name| name.eq_ignore_ascii_case(part));
    match name.split(" to ").find(|part| !is_known(part)) {
        None => Ok(()),
        Some(part) => {
            let hint = format!("known: {}, or a server's HOST:PORT", names.join(", "));
            Err(Failure::usage(format_args!("there is no route or provider {part}"), hint))
        }
    }
}

/// What is said where there is nothing to open.
pub(super) const NOTHING: &str = "nothing was closed";

/// Opens every closure that `which` names, and tells which they were: whether there was one.
///
/// # Errors
/// A state that can't be read.
pub(super) fn open_again(config: &Config, which: impl Fn(&Closure) -> bool) -> Result<bool, Failure> {
    let opened = reopen(&Sqlite::new(&config.state, Clock::System), which)
        .map_err(|error| Failure::new(&error).hint_if(error.hint()))?;
    opened.iter().for_each(|closure| output::say(format_args!("opened: {}", closure.subject)));
    Ok(!opened.is_empty())
}

fn reopen(state: &Sqlite, which: impl Fn(&Closure) -> bool) -> Result<Vec<Closure>, StateError> {
    let mut opened = Vec::new();
    for closure in state.closures()?.into_iter().filter(which) {
        opened.extend(state.lift(&closure.subject)?);
    }
    Ok(opened)
}
