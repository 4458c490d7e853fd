//! One file: its text, its tree, and the problems found in it.

use super::problem::{Problem, Severity};
use super::tree::{self, Node, Step};
use super::value::Value;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file that is read, in octets.
pub const MAX_OCTETS: u64 = 1 << 20;

/// A file as read. Problems gather in it while its values are looked at.
pub struct Document {
    file: PathBuf,
    text: Zeroizing<String>,
    root: Node,
    problems: RefCell<Vec<Problem>>,
}

impl Document {
    /// Reads `octets` as the content of `file`. A file that is not YAML has that one problem and an empty tree, so that
    /// the files beside it can still be looked at.
    pub fn parse(file: &Path, octets: Vec<u8>) -> Document {
        let text = match String::from_utf8(octets) {
            Ok(text) => Zeroizing::new(text),
            Err(error) => return Document::unreadable(file, not_utf8(file, error)),
        };
        match tree::parse(&text) {
            Ok(root) => Document { file: file.to_owned(), text, root, problems: RefCell::default() },
            Err(error) => Document::unreadable(file, syntax(file, &error)),
        }
    }

    fn unreadable(file: &Path, problem: Problem) -> Document {
        let problems = RefCell::new(vec![problem]);
        Document { file: file.to_owned(), text: Zeroizing::default(), root: Node::Null, problems }
    }

    /// Whether the file was YAML at all; if not, looking at its values says nothing.
    pub fn is_readable(&self) -> bool {
        self.problems.borrow().iter().all(|problem| problem.field != SYNTAX)
    }

    /// The file's only value.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, &self.root)
    }

    /// The problems found, in the order of their lines.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// Whether an error was found so far.
    pub fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(super) fn note(&self, severity: Severity, path: &[Step], field: &str, problem: String, hint: Option<String>) {
        let line = tree::line(&self.text, path).or(Some(1));
        let file = self.file.clone();
        self.problems.borrow_mut().push(Problem { severity, file, line, field: field.to_owned(), problem, hint });
    }
}

/// The field that a file's syntax counts as.
const SYNTAX: &str = "YAML";

fn not_utf8(file: &Path, error: std::string::FromUtf8Error) -> Problem {
    let valid = error.utf8_error().valid_up_to();
    let octets = Zeroizing::new(error.into_bytes());
    let line = 1 + octets[..valid].iter().filter(|octet| **octet == b'\n').count();
    Problem { line: Some(line), field: SYNTAX.into(), ..Problem::of_file(file, "not UTF-8") }
        .with_hint("save the file in UTF-8")
}

/// libyaml's messages speak of the grammar only, never of the content; the place is told apart.
fn syntax(file: &Path, error: &serde_yaml::Error) -> Problem {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default().to_owned();
    let line = Some(error.location().map_or(1, |location| location.line()));
    let hint = "check indentation, colons and quotes at and above this line";
    Problem { line, field: SYNTAX.into(), ..Problem::of_file(file, problem) }.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_tells_its_line_and_nothing_of_the_content() {
        let rows: &[(&[u8], usize)] = &[
            (b"a: 1\nb: [canary\nc: 2\n", 3),
            (b"a: 'canary\n", 2),
            (b"a: 1\n\tcanary: 2\n", 2),
            (b"a: canary\nb\xff: 1\n", 2),
            (b"a: *canary\n", 1),
            (b"a: !canary x\n", 1),
            (b"a: 1\n---\ncanary: 1\n", 1),
            (b"canary: canary: canary\n", 1),
            (b"\x00canary", 1),
        ];
        for (octets, line) in rows {
            let problems = Document::parse(Path::new("f.yaml"), octets.to_vec()).into_problems();
            let [problem] = problems.as_slice() else {
                panic!("{:?}: {problems:?}", octets.escape_ascii().to_string())
            };
            assert!(!problem.to_string().contains("canary"), "{problem}");
            let near = problem.line.is_some_and(|found| found.abs_diff(*line) <= 1);
            assert!(near, "{}: {problem}", octets.escape_ascii());
        }
    }
}
