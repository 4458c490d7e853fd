//! What was found: what, why it matters, and the command that mends it.

use crate::verdict::ExitStatus;
use crate::yaml::{Problem, Severity};
use serde_json::{Value, json};

/// One thing that is not as it should be.
struct Finding {
    severity: Severity,
    /// Stable, for scripts.
    name: &'static str,
    what: String,
    why: &'static str,
    mend: String,
}

/// All of them.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Mail is lost, returned or never goes out because of it.
    pub(super) fn error(&mut self, name: &'static str, what: String, why: &'static str, mend: String) {
        self.0.push(Finding { severity: Severity::Error, name, what, why, mend });
    }

    /// It works, but not as well as it should.
    pub(super) fn warning(&mut self, name: &'static str, what: String, why: &'static str, mend: String) {
        self.0.push(Finding { severity: Severity::Warning, name, what, why, mend });
    }

    /// What `sendvia check` tells, of `sendvia.yaml` or of an account.
    pub(super) fn take_problem(&mut self, problem: &Problem, is_of_account: bool) {
        let hint = || problem.hint.clone().unwrap_or_else(|| "sendvia check".to_owned());
        let mend = corrected(problem).or_else(|| secret_again(problem)).unwrap_or_else(hint);
        let why = match (problem.severity, is_of_account) {
            (Severity::Warning, _) => "it works so, and hardly as you want it",
            (Severity::Error, true) => "what can't be read defers the mail of its senders",
            (Severity::Error, false) => "mail that needs it is deferred, all mail where the file can't be read",
        };
        let what = problem.statement();
        self.0.push(Finding { severity: problem.severity, name: "check", what, why, mend });
    }

    fn has(&self, severity: Severity) -> bool {
        self.0.iter().any(|finding| finding.severity == severity)
    }

    pub(super) fn status(&self) -> ExitStatus {
        match (self.has(Severity::Error), self.has(Severity::Warning)) {
            (true, _) => ExitStatus::Unsound,
            (false, true) => ExitStatus::No,
            (false, false) => ExitStatus::Ok,
        }
    }

    pub(super) fn text(&self) -> String {
        if self.0.is_empty() {
            return "all is well".to_owned();
        }
        let texts: Vec<String> = self.0.iter().map(Finding::text).collect();
        texts.join("\n\n")
    }

    pub(super) fn json(&self) -> Value {
        json!({"ok": self.0.is_empty(), "findings": self.0.iter().map(Finding::json).collect::<Vec<_>>()})
    }
}

/// The command that puts in the word that was meant: another key, or another value of the key.
fn corrected(problem: &Problem) -> Option<String> {
    let is_plain = |word: &str| word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    let meant = problem.hint.as_deref()?.strip_prefix("did you mean `")?.strip_suffix("`?")?;
    let (line, key) = (problem.line?, problem.field.rsplit('.').next()?);
    if !is_plain(meant) || key.is_empty() || !is_plain(key) {
        return None;
    }
    let change = match problem.problem.as_str() {
        "unknown key" => format!("s/\\b{key}\\b/{meant}/"),
        _ => format!("s/\\b\\({key}: *\\)[^ ,}}]*/\\1{meant}/"),
    };
    Some(format!("sed -i --follow-symlinks '{line}{change}' {}", problem.file.display()))
}

/// The command that seals an account's secret once more, where that is what its problem asks for.
fn secret_again(problem: &Problem) -> Option<String> {
    let hint = problem.hint.as_deref().filter(|hint| hint.contains("sendvia account set-secret"))?;
    let address = problem.file.file_name()?.to_str()?.strip_suffix(".yaml")?;
    // A name with a per cent sign stands for an address with characters that no file's name has.
    let is_address = address.contains('@') && !address.contains(['%', '\'', ' ']);
    is_address.then(|| format!("sendvia account set-secret {address} # {}", hint.replace('`', "")))
}

impl Finding {
    fn severity(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    fn text(&self) -> String {
        format!("{}: {}\nwhy: {}\nhint: {}", self.severity(), self.what, self.why, self.mend)
    }

    fn json(&self) -> Value {
        json!({"severity": self.severity(), "name": self.name, "what": self.what, "why": self.why, "mend": self.mend})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_misspelt_is_put_right_by_a_command() {
        let problem = |field: &str, problem: &str, hint: &str| Problem {
            line: Some(2),
            field: field.to_owned(),
            ..Problem::of_file("/a.yaml", problem).with_hint(hint)
        };
        let rows = [
            ("provider", "unknown provider", "did you mean `gmx`?", Some("2s/\\b\\(provider: *\\)[^ ,}]*/\\1gmx/")),
            ("secret.plian", "unknown key", "did you mean `plain`?", Some("2s/\\bplian\\b/plain/")),
            ("provider", "unknown provider", "known: gmx", None),
            ("x'y", "unknown key", "did you mean `plain`?", None),
        ];
        for (field, what, hint, expected) in rows {
            let expected = expected.map(|change| format!("sed -i --follow-symlinks '{change}' /a.yaml"));
            assert_eq!(corrected(&problem(field, what, hint)), expected, "{field}");
        }
    }

    #[test]
    fn a_warning_is_called_one_once_and_defers_nothing() {
        let warning = Problem { severity: Severity::Warning, ..Problem::of_file("/sendvia.yaml", "x") };
        let mut findings = Findings::default();
        findings.take_problem(&warning, false);
        let text = findings.text();
        assert!(text.starts_with("warning: /sendvia.yaml: x\n") && !text.contains("defer"), "{text}");
    }

    #[test]
    fn a_secret_that_no_key_opens_is_entered_again_by_a_command() {
        let problem = |file: &str| Problem::of_file(file, "x").with_hint("or `sendvia account set-secret`");
        let expected = "sendvia account set-secret anna@gmx.de # or sendvia account set-secret";
        assert_eq!(secret_again(&problem("/a/anna@gmx.de.yaml")).as_deref(), Some(expected));
        assert_eq!(secret_again(&problem("/a/an%2fna@gmx.de.yaml")), None);
        assert_eq!(secret_again(&problem("/a/sendvia.yaml")), None);
    }
}
