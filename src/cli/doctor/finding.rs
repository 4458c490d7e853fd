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

    /// What `sendvia check` tells.
    pub(super) fn take_problem(&mut self, problem: &Problem) {
        let mend = problem.hint.clone().unwrap_or_else(|| "sendvia check".to_owned());
        let why = "what can't be read defers the mail of its senders";
        let what = problem.headline();
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
