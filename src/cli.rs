//! The command line: what can be typed, and one file per subcommand.
//!
//! A subcommand's `Arguments` say what was typed; its `run` validates, works, prints, and answers with an exit
//! status. Nothing below this module knows clap.

mod account;
mod ask;
mod check;
mod completions;
mod demo;
mod doctor;
mod explain;
mod failure;
mod help;
mod import;
mod key;
mod lmtp;
mod lookup;
mod man;
mod map;
mod output;
mod policy;
mod probe;
mod progress;
mod relay;
mod route;
mod runtime;
mod sandbox;
mod secret_commands;
mod sendmail;
mod serve;
mod service;
mod settings;
mod setup;
mod status;
mod token;
mod trace;

use crate::process::Parent;
use crate::verdict::ExitStatus;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write as _;

/// Relays mail through the sender's own provider account.
#[derive(Debug, Parser)]
#[command(name = "sendvia", version, disable_help_subcommand = true, after_help = MORE)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What `--help` says at its end.
const MORE: &str = "`sendvia help COMMAND` tells all of one.";

/// Each subcommand, in the order in which `--help` lists them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Send the message on standard input by the sender's account, as an MTA's pipe asks for it
    Relay(relay::Arguments),
    /// Send the message on standard input as sendmail does, for a person or a program
    Sendmail(sendmail::Arguments),
    /// Put sendvia into the configuration of Postfix or Exim, after showing what changes
    Setup(setup::Arguments),
    /// Take it out again: what stood there before comes back
    Unset(setup::UnsetArguments),
    /// Look at the whole chain from the mail server to the providers, and say what mends it
    Doctor(doctor::Arguments),
    /// Look at the configuration and every account, and tell all that is wrong
    Check(check::Arguments),
    /// List, show and change accounts
    Account(account::Arguments),
    /// Make, replace and copy out the key that seals accounts' secrets
    Key(key::Arguments),
    /// Take accounts over from Postfix, msmtp, Exim, or a table
    Import(import::Arguments),
    /// Print an account's OAuth 2.0 access token, for other programs
    Token(token::Arguments),
    /// Say which account serves a sender, and who may use it
    Lookup(lookup::Arguments),
    /// Show what is closed for now and why, and what was counted today
    Status(status::Arguments),
    /// Tell what happened to a message, from log, journal and what is closed now
    Trace(trace::Arguments),
    /// Open routes that were closed because this host's address was refused
    Route(route::Arguments),
    /// Speak LMTP on standard input and output, with a reply for each recipient
    Lmtp(lmtp::Arguments),
    /// Answer Postfix's policy requests on standard input and output
    Policy(policy::Arguments),
    /// Answer Postfix's table look-ups on standard input and output, or write a table down
    Map(map::Arguments),
    /// Serve LMTP, policy requests and table look-ups on the sockets of `listen`
    Serve(serve::Arguments),
    /// Run the commands that give secrets, for `serve` alone, which starts it
    #[command(name = secret_commands::NAME, hide = true)]
    SecretCommands(secret_commands::Arguments),
    /// See what a provider's servers say to this host, and why they refuse
    Probe(probe::Arguments),
    /// Say what a provider's reply means, and what can be done
    Explain(explain::Arguments),
    /// Tell all of a command, or of each a little
    Help(help::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Write the manual pages into a directory
    Man(man::Arguments),
    /// Show three deliveries to a sandbox that stands for GMX, and what an MTA makes of them
    Demo(demo::Arguments),
    /// Start a submission server that behaves as GMX does, for trying a set-up without a provider
    Sandbox(sandbox::Arguments),
}

/// The command line of an MTA's pipe alone: it is started for every message, and making the parsers of all the other
/// subcommands takes longer than reading its arguments.
#[derive(Debug, Parser)]
#[command(name = "sendvia", version, disable_help_subcommand = true)]
struct PipeLine {
    #[command(subcommand)]
    command: PipeCommand,
}

/// What [`PipeLine`] knows.
#[derive(Debug, Subcommand)]
enum PipeCommand {
    /// Send the message on standard input by the sender's account, as an MTA's pipe asks for it
    Relay(relay::Arguments),
}

/// Runs the program with `arguments`, the program's name first.
pub fn run(arguments: Vec<OsString>) -> ExitStatus {
    // Asked for before anything else: whoever started us may die at any time.
    let parent = Parent::now();
    if let Some(options) = sendmail::options(&arguments) {
        return sendmail::run(options, parent);
    }
    if arguments.get(1).is_some_and(|name| name == "relay") {
        return match PipeLine::try_parse_from(&arguments) {
            Ok(PipeLine { command: PipeCommand::Relay(typed) }) => relay::run(typed, parent),
            Err(refusal) => relay::refuse(&refusal, arguments.len() == 3),
        };
    }
    match CommandLine::try_parse_from(&arguments) {
        Ok(line) => dispatch(line.command, parent),
        Err(refusal) => usage(&refusal),
    }
}

fn dispatch(command: Command, parent: Parent) -> ExitStatus {
    match command {
        Command::Relay(arguments) => relay::run(arguments, parent),
        Command::Sendmail(arguments) => sendmail::run(&arguments.options, parent),
        Command::Account(arguments) => account::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Unset(arguments) => setup::unset(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Lookup(arguments) => lookup::run(&arguments),
        Command::Help(arguments) => help::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Route(arguments) => route::run(&arguments),
        Command::Lmtp(arguments) => lmtp::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::SecretCommands(arguments) => secret_commands::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Sandbox(arguments) => sandbox::run(arguments),
    }
}

/// `--help` and `--version` are answers; anything else that clap refuses is a usage error, with a hint as ours have.
fn usage(refusal: &clap::Error) -> ExitStatus {
    // A closed stdout or stderr leaves nobody to tell.
    let _ = refusal.print();
    if !refusal.use_stderr() {
        return ExitStatus::Ok;
    }
    let _ =
        writeln!(std::io::stderr(), "hint: `sendvia help` lists the commands, `sendvia help COMMAND` tells all of one");
    ExitStatus::Usage
}
