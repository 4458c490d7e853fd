//! `sendvia map`: Postfix's socketmap on standard input and output, and the same tables written down.

use super::output;
use super::service;
use super::settings::Settings;
use crate::mta::socketmap::{Entry, Maps, NoMaps, Table};
use crate::verdict::ExitStatus;
use clap::{Args, ValueEnum};
use std::io::{self, Write as _};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Write this table for texthash:, hash: or lmdb: instead, a line for each sender
    #[arg(long, value_name = "TABLE")]
    export: Option<TableName>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TableName {
    Transport,
    Login,
    Relayhost,
}

/// Answers until the client leaves, or writes a table.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    if let Some(table) = arguments.export {
        return export(&arguments.settings, table.table());
    }
    match service::begin(&arguments.settings) {
        Some(config) => service::exchange_on_stdio(&Maps::new(&config)),
        None => service::exchange_on_stdio(&NoMaps),
    }
}

impl TableName {
    fn table(self) -> Table {
        match self {
            TableName::Transport => Table::Transport,
            TableName::Login => Table::Login,
            TableName::Relayhost => Table::Relayhost,
        }
    }
}

/// A table that is not whole is told by the exit status, so that no script puts it in the old one's place.
fn export(settings: &Settings, table: Table) -> ExitStatus {
    let config = match settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let exported = Maps::new(&config).export(table, &mut |entry| match entry {
        Entry::Line(key, value) if written.is_ok() => written = writeln!(stdout, "{key}\t{value}"),
        Entry::Line(..) => {}
        Entry::Left(problem) => output::fail(format_args!("left out: {problem}"), None),
    });
    match (exported, written.and_then(|()| stdout.flush())) {
        (Ok(()), Ok(())) => ExitStatus::Ok,
        (Ok(()), Err(error)) => {
            output::fail(error, None);
            ExitStatus::TempFail
        }
        (Err(error), _) => {
            output::fail(&error, error.hint().as_deref());
            ExitStatus::Config
        }
    }
}
