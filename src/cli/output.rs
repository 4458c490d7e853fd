//! What commands print: tables and problems for people, JSON for scripts. A closed standard output leaves nobody to tell,
//! and is no reason to panic.

use crate::yaml::{Problem, Severity};
use std::fmt::Display;
use std::io::{self, Write as _};

/// Prints `text` and a line end.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints `value` as JSON.
pub(super) fn json(value: &serde_json::Value) {
    say(format_args!("{value:#}"));
}

/// Tells a problem and its remedy on standard error.
pub(super) fn fail(problem: impl Display, hint: Option<&str>) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{problem}");
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}

/// Tells problems on standard error.
pub(super) fn complain(problems: &[Problem]) {
    for problem in problems {
        let _ = writeln!(io::stderr(), "{problem}");
    }
}

/// A problem for scripts.
pub(super) fn problem_json(problem: &Problem) -> serde_json::Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    serde_json::json!({
        "severity": severity,
        "file": problem.file.display().to_string(),
        "line": problem.line,
        "field": (!problem.field.is_empty()).then_some(&problem.field),
        "problem": problem.problem,
        "hint": problem.hint,
    })
}

/// Rows under a heading, each column as wide as it must be.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|title| title.to_uppercase()).collect();
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heading.len()).map(|column| width(column).unwrap_or_default()).collect();
    let lines = all().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Names and values, one a line.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len() + 1).max().unwrap_or_default();
    let lines =
        pairs.iter().map(|(name, value)| format!("{:<width$} {value}", format!("{name}:")).trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_widest_cell_and_no_line_ends_in_blanks() {
        let rows = [vec!["anna@gmx.de".to_owned(), "gmx".to_owned()], vec!["b@x".to_owned(), String::new()]];
        assert_eq!(table(&["account", "provider"], &rows), "ACCOUNT      PROVIDER\nanna@gmx.de  gmx\nb@x");
    }
}
