//! `sendvia help [COMMAND]`: the long form of `--help`, with what the reference says. The pages are those of the book, so
//! that help and book can't tell different things.

mod text;

use super::{CommandLine, output};
use crate::verdict::ExitStatus;
use clap::{Args, Command, CommandFactory};

/// The reference's pages.
const COMMANDS: &str = include_str!("../../docs/reference/command.md");
const ADMINISTRATION: &str = include_str!("../../docs/reference/administration.md");

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The command, as `account add`; without one, what all of them are for
    command: Vec<String>,
}

/// Prints help for a command, or for all of them.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let words: Vec<&str> = arguments.command.iter().map(String::as_str).collect();
    let mut root = CommandLine::command();
    root.build();
    if words.is_empty() {
        output::say(overview());
        return ExitStatus::Ok;
    }
    let Some(mut command) = find(&root, &words).cloned() else {
        let hint = "`sendvia help` lists the commands";
        output::fail(format_args!("there is no command `sendvia {}`", words.join(" ")), Some(hint));
        return ExitStatus::Usage;
    };
    // Nobody reading is no trouble.
    let _ = command.print_long_help();
    let more = of_reference(&words.join(" "));
    if !more.is_empty() {
        output::say(format_args!("\n{more}"));
    }
    ExitStatus::Ok
}

fn find<'c>(root: &'c Command, words: &[&str]) -> Option<&'c Command> {
    words.iter().try_fold(root, |command, word| command.find_subcommand(word))
}

fn overview() -> String {
    let about = "sendvia: mail by the sender's own provider account, for Postfix, Exim and the command line";
    let first = "First steps: `sendvia demo`, then `sendvia setup postfix` or `sendvia setup exim`, `sendvia account add \
        ADDRESS`, `sendvia doctor`. `sendvia help COMMAND` tells all of one.";
    let sections = text::sections(ADMINISTRATION);
    let sections = sections.iter().map(|section| text::plain(section)).collect::<Vec<_>>().join("\n\n");
    format!("{}\n\n{}\n\n{sections}", text::plain(about), text::plain(first))
}

/// What the reference says of the command called `name`, and of those below it.
fn of_reference(name: &str) -> String {
    let full = format!("sendvia {name}");
    let headed = |section: &&str| {
        let heading = section.lines().next().unwrap_or_default().trim_start_matches("## ");
        heading.split(", ").any(|one| one == full)
    };
    let own = text::sections(COMMANDS).into_iter().find(headed).map(|section| {
        // Its heading and synopsis stand above.
        text::plain(section.split_once('\n').map_or("", |(_, body)| body))
    });
    let rows = text::sections(ADMINISTRATION).into_iter().filter_map(|section| text::rows_of(section, name));
    own.into_iter().chain(rows).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(command: &Command, above: &[&str]) -> Vec<String> {
        let mut paths = Vec::new();
        for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let words: Vec<&str> = above.iter().copied().chain([one.get_name()]).collect();
            paths.push(words.join(" "));
            paths.extend(paths_below(one, &words));
        }
        paths
    }

    fn paths_below(command: &Command, words: &[&str]) -> Vec<String> {
        paths(command, words)
    }

    #[test]
    fn the_reference_says_something_of_every_command() {
        let root = CommandLine::command();
        let silent: Vec<String> = paths(&root, &[]).into_iter().filter(|path| of_reference(path).len() < 20).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn help_fits_a_terminal_and_shows_no_marks() {
        let texts = [overview(), of_reference("account"), of_reference("relay"), of_reference("trace")];
        for text in texts {
            for line in text.lines().filter(|line| !line.starts_with("    sendvia ")) {
                assert!(line.chars().count() <= 80, "{line}");
                assert!(!line.contains("](") && !line.contains("**") && !line.starts_with('|'), "{line}");
            }
        }
    }
}
