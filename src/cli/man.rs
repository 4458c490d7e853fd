//! `sendvia man DIR`: manual pages, generated from the command line's own definition and from the reference.

mod page;

use super::CommandLine;
use crate::verdict::ExitStatus;
use clap::{Args, Command, CommandFactory};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The reference of `sendvia.yaml`.
const CONFIGURATION: &str = include_str!("../../docs/reference/config.md");

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the pages go: sendvia.1, sendvia-COMMAND.1 for each command, and sendvia.yaml.5
    directory: PathBuf,
}

/// Writes all pages.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    match write_pages(&arguments.directory) {
        Ok(()) => ExitStatus::Ok,
        Err(error) => {
            eprintln!("{}: {error}\nhint: name a directory that you may write to", arguments.directory.display());
            ExitStatus::Config
        }
    }
}

fn write_pages(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut root = CommandLine::command();
    root.build();
    write_page(directory, "sendvia", &root)?;
    write_subcommands(directory, "sendvia", &root)?;
    let yaml = page::page("sendvia.yaml", 5, "the configuration of sendvia", CONFIGURATION);
    fs::write(directory.join("sendvia.yaml.5"), yaml)
}

fn write_subcommands(directory: &Path, parent: &str, command: &Command) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let name = format!("{parent}-{}", subcommand.get_name());
        write_page(directory, &name, subcommand)?;
        write_subcommands(directory, &name, subcommand)?;
    }
    Ok(())
}

fn write_page(directory: &Path, name: &str, command: &Command) -> io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)
}
