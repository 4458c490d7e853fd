//! `sendvia import`: accounts from what sends mail today. A plan first; nothing is overwritten unless that is asked for;
//! what can't be taken is told row by row.

mod csv;
mod exim;
mod msmtp;
mod netloc;
mod plan;
mod postfix;

use super::account::draft::{Destination, Draft};
use super::failure::{Failure, finish};
use super::settings::Settings;
use crate::account::AccountAddress;
use crate::verdict::ExitStatus;
use clap::{Args, Subcommand};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// Take what Postfix's sender-dependent maps hold
    Postfix(postfix::Arguments),
    /// Take the accounts of an msmtp configuration
    Msmtp(msmtp::Arguments),
    /// Take the logins of Exim's passwd.client
    Exim(exim::Arguments),
    /// Take rows of comma-separated values
    Csv(csv::Arguments),
}

/// What every import takes.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    settings: Settings,
    /// Carry the plan out unasked
    #[arg(long)]
    yes: bool,
    /// Who may use what comes in, separated by commas: SASL logins, unix:NAME, *
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    users: Vec<String>,
    /// Overwrite accounts that are there
    #[arg(long)]
    force: bool,
}

/// What was found in an old set-up.
#[derive(Default)]
struct Harvest {
    /// Accounts in the making.
    rows: Vec<Row>,
    /// Where something stands that can't be taken, and why.
    left: Vec<String>,
    /// What may be of interest all the same.
    notes: Vec<String>,
    /// What may go from the old set-up, once mail goes out by sendvia.
    obsolete: Vec<String>,
}

/// One account, and where it stood.
struct Row {
    origin: String,
    draft: Draft,
    aliases: Vec<AccountAddress>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    finish(match &arguments.source {
        Source::Postfix(arguments) => postfix::run(arguments),
        Source::Msmtp(arguments) => msmtp::run(arguments),
        Source::Exim(arguments) => exim::run(arguments),
        Source::Csv(arguments) => csv::run(arguments),
    })
}

/// The file's text, wiped when dropped: it holds passwords.
fn read(path: &std::path::Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let trouble = |error: std::io::Error| {
        Failure::new(format_args!("{}: {error}", path.display()))
            .hint("name a file that can be read, or - for standard input")
    };
    let text =
        if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    text.map(zeroize::Zeroizing::new).map_err(trouble)
}
