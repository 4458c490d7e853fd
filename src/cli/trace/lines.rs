//! Where log lines about a message are looked for, and which they are.

use crate::setup::run_tool;
use crate::wire::text::one_line;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// Mail logs of Debian and others, the one before the present one first.
const LOGS: [&str; 8] = [
    "/var/log/mail.log.1",
    "/var/log/mail.log",
    "/var/log/maillog.1",
    "/var/log/maillog",
    "/var/log/exim4/mainlog.1",
    "/var/log/exim4/mainlog",
    "/var/log/exim/main.log",
    "/var/log/syslog",
];

/// Lines about a message are older than the journal keeps them at the most.
const SINCE: &str = "--since=-10d";

/// More lines than a message has.
const MOST: usize = 2000;

/// The longest line shown, in characters.
const LONGEST: usize = 2000;

/// What the log has of a message.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The files, or the systemd journal.
    pub(super) source: String,
    /// In the log's order, without control characters.
    pub(super) lines: Vec<String>,
    /// What could not be read.
    pub(super) notes: Vec<String>,
}

impl Lines {
    /// From these files; from the host's own logs where there are none.
    pub(super) fn about(queue_id: &str, files: &[PathBuf]) -> Lines {
        if !files.is_empty() {
            return from_files(queue_id, files.iter().map(PathBuf::as_path));
        }
        let there = LOGS.iter().map(Path::new).filter(|path| path.exists());
        let found = from_files(queue_id, there);
        match found.lines.is_empty() {
            true => from_journal(queue_id, found),
            false => found,
        }
    }
}

/// What may stand in a queue id.
pub(super) fn is_of_queue_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

fn from_files<'p>(queue_id: &str, files: impl Iterator<Item = &'p Path>) -> Lines {
    let (mut found, mut sources) = (Lines::default(), Vec::new());
    for path in files {
        match lines_of(path, queue_id) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                found.lines.extend(lines);
                sources.push(path.display().to_string());
            }
            Err(error) => found.notes.push(format!("{}: {error}", path.display())),
        }
    }
    found.source = sources.join(", ");
    found
}

fn lines_of(path: &Path, queue_id: &str) -> std::io::Result<Vec<String>> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    while lines.len() < MOST && reader.read_until(b'\n', &mut line)? > 0 {
        let shown = one_line(&line, LONGEST);
        if names(&shown, queue_id) {
            lines.push(shown.trim_end().to_owned());
        }
        line.clear();
    }
    Ok(lines)
}

/// The systemd journal, which shows a user what he may see.
fn from_journal(queue_id: &str, before: Lines) -> Lines {
    let pattern = format!("--grep={queue_id}");
    // It ends with 1 where nothing was found, and there need not be one.
    let Ok(told) = run_tool("journalctl", &["-q", "--no-pager", "-o", "short-iso", SINCE, &pattern]) else {
        return before;
    };
    let lines = told.lines().map(|line| one_line(line.as_bytes(), LONGEST)).filter(|line| names(line, queue_id));
    Lines { source: "systemd journal".to_owned(), lines: lines.take(MOST).collect(), notes: before.notes }
}

/// Whether the queue id stands in the line as a word.
fn names(line: &str, queue_id: &str) -> bool {
    line.match_indices(queue_id).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = line[at + queue_id.len()..].chars().next();
        !before.is_some_and(is_of_queue_id) && !behind.is_some_and(is_of_queue_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_message_by_a_whole_word() {
        let rows = [
            ("mail postfix/qmgr[1]: 4Xq1: removed", true),
            ("queued as 4Xq1", true),
            ("(4Xq1)", true),
            ("4Xq1a: removed", false),
            ("x4Xq1: removed", false),
            ("4Xq1-b: removed", false),
            ("nothing", false),
        ];
        for (line, expected) in rows {
            assert_eq!(names(line, "4Xq1"), expected, "{line}");
        }
    }

    #[test]
    fn files_are_read_in_their_order_and_shown_without_controls() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = [
            write("1", "a: 4Xq1: first\nother\n"),
            directory.path().join("none"),
            write("2", "b: 4Xq1: \u{1b}[31msecond\n\n4Xq1 last"),
        ];
        let found = Lines::about("4Xq1", &files);
        assert_eq!(found.lines, ["a: 4Xq1: first", "b: 4Xq1: [31msecond", "4Xq1 last"]);
        assert_eq!(found.notes.len(), 1, "{found:?}");
    }
}
