//! What is wrong with a file, where, and what mends it.

use std::fmt;
use std::path::PathBuf;

/// Whether a problem keeps a file from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, but may not be meant so.
    Warning,
    /// The file can't be used.
    Error,
}

/// One thing wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The file as it was opened.
    pub file: PathBuf,
    /// Its line, counted from 1, where there is one.
    pub line: Option<usize>,
    /// The field's name with those of its sections, `submission.port`; empty for the file as a whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What mends it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: impl Into<PathBuf>, problem: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            file: file.into(),
            line: None,
            field: String::new(),
            problem: problem.into(),
            hint: None,
        }
    }

    /// The same problem with a remedy.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// `file:line: field: problem`, without the remedy.
    pub fn headline(&self) -> String {
        self.stated(if self.severity == Severity::Warning { "warning: " } else { "" })
    }

    /// The headline where the severity stands in front of it already.
    pub fn statement(&self) -> String {
        self.stated("")
    }

    fn stated(&self, severity: &str) -> String {
        let mut headline = self.file.display().to_string();
        if let Some(line) = self.line {
            headline.push_str(&format!(":{line}"));
        }
        headline.push_str(": ");
        headline.push_str(severity);
        if !self.field.is_empty() {
            headline.push_str(&self.field);
            headline.push_str(": ");
        }
        headline + &self.problem
    }
}

/// `file:line: field: problem`, and the remedy on a second line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The known name that a mistyped one was probably meant to be.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits from `a` to `b`: insertions, deletions, substitutions, swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for row in 1..=a.len() {
        let mut current = vec![row];
        for column in 1..=b.len() {
            let substituted = previous[column - 1] + usize::from(a[row - 1] != b[column - 1]);
            let mut least = substituted.min(previous[column] + 1).min(current[column - 1] + 1);
            let swapped = row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1];
            if swapped {
                least = least.min(before_at(&before, column - 2) + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[b.len()]
}

fn before_at(row: &[usize], column: usize) -> usize {
    row.get(column).copied().unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_what_was_meant_and_nonsense_finds_nothing() {
        let known = ["login", "provider", "secret", "users"];
        let rows = [
            ("provder", Some("provider")),
            ("lgoin", Some("login")),
            ("Secret", Some("secret")),
            ("user", Some("users")),
            ("hunter2", None),
            ("x", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn a_problem_reads_file_line_field_problem_and_then_its_remedy() {
        let mut problem = Problem::of_file("a.yaml", "expected a number").with_hint("take the quotes off");
        assert_eq!(problem.to_string(), "a.yaml: expected a number\nhint: take the quotes off");
        problem.line = Some(3);
        problem.field = "submission.port".into();
        assert_eq!(problem.headline(), "a.yaml:3: submission.port: expected a number");
    }
}
