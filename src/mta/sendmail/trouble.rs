//! What a person reads when a message was not sent: the problem, and a remedy.

use crate::config::ConfigErrors;
use crate::mta::for_person;
use crate::stdio;
use crate::verdict::{Disposition, ExitStatus, Outcome, Verdict};
use crate::wire::reply::{EnhancedStatus, Reply, ReplyClass};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    problem: String,
    hint: Option<String>,
    status: ExitStatus,
}

impl Trouble {
    /// A command line that makes no sense.
    pub(super) fn usage(problem: impl Into<String>, hint: &str) -> Trouble {
        Trouble { problem: problem.into(), hint: Some(hint.to_owned()), status: ExitStatus::Usage }
    }

    /// All that is wrong with the configuration.
    pub(super) fn configuration(errors: &ConfigErrors) -> Trouble {
        let problems: Vec<String> = errors.problems.iter().map(ToString::to_string).collect();
        Trouble { problem: problems.join("\n"), hint: None, status: ExitStatus::Config }
    }

    /// The resident service can't be reached.
    pub(super) fn no_service(socket: &Path, error: &io::Error) -> Trouble {
        Trouble {
            problem: format!(
                "the account is not yours to read, and sendvia's service can't be asked: {}: {error}",
                socket.display()
            ),
            hint: Some("is `sendvia serve` running, with `listen: {submission: ..}`?".to_owned()),
            status: ExitStatus::TempFail,
        }
    }

    /// What the resident service replied.
    pub(super) fn refused_by_service(reply: &Reply) -> Trouble {
        let status = match (reply.class(), reply.enhanced_status()) {
            (ReplyClass::Permanent, Some(EnhancedStatus(5, 7, 1))) => ExitStatus::NoPermission,
            (ReplyClass::Permanent, Some(EnhancedStatus(5, 6, _))) => ExitStatus::DataError,
            (ReplyClass::Permanent, Some(EnhancedStatus(5, 1, 1))) => ExitStatus::NoUser,
            (ReplyClass::Permanent, _) => ExitStatus::Unavailable,
            (_, Some(EnhancedStatus(4, 3, 5))) => ExitStatus::Config,
            _ => ExitStatus::TempFail,
        };
        let hint = (status == ExitStatus::TempFail).then(|| "nothing is queued here: send it again later".to_owned());
        Trouble { problem: format!("sendvia's service: {reply}"), hint, status }
    }

    /// Tells it on standard error.
    pub(super) fn tell(&self) -> ExitStatus {
        let mut text = format!("sendvia: {}\n", self.problem);
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        // Where nobody reads, the exit status still says it.
        let _ = stdio::print_error(&text);
        self.status
    }
}

impl From<&Outcome> for Trouble {
    fn from(outcome: &Outcome) -> Trouble {
        Trouble { problem: for_person(outcome).text, hint: hint(outcome), status: outcome.exit_status_for_person() }
    }
}

/// What can be done, where the text does not say it already.
fn hint(outcome: &Outcome) -> Option<String> {
    let hint = match outcome {
        Outcome::NoAccount { .. } | Outcome::NullSender { .. } => {
            "name a sender that has an account: `-f ADDRESS`; `sendvia account list` shows them"
        }
        Outcome::NotAuthorised { .. } => {
            "the Unix user who owns the account's file may use it, and those whom its `users` list as `unix:NAME`"
        }
        Outcome::HeaderFrom { expected, .. } => return Some(format!("write `From: {expected}`")),
        Outcome::Header { .. } => "mend the header section: the lines before the first empty one",
        Outcome::HeaderTooLarge { .. } => "does an empty line stand between header section and text?",
        Outcome::TooLarge { .. } => "send it in parts, or a link in its place",
        Outcome::Mixed { .. } => "send again without that recipient",
        Outcome::TooManyRecipients { .. } => "send it in parts",
        Outcome::Refused { .. } => "`sendvia explain` says what a provider's reply means",
        Outcome::Local { .. } | Outcome::Credentials { .. } => "`sendvia check` reads configuration and every account",
        Outcome::Unanswered { .. } => "look whether it arrived before sending it again",
        _ if Verdict::from(outcome).disposition == Disposition::Defer => "nothing is queued here: send it again later",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_problem_and_remedy() {
        let outcome = Outcome::NoAccount { sender: "a@b.example".into(), permanent: false };
        let trouble = Trouble::from(&outcome);
        assert_eq!(trouble.problem, "no account for sender <a@b.example>");
        assert_eq!(trouble.status, ExitStatus::Config);
        assert!(trouble.hint.unwrap().contains("-f"));
        let expected = "anna@gmx.de".to_owned();
        let foreign = Outcome::HeaderFrom { account: expected.clone(), found: "b@x".into(), expected };
        let rows = [
            (foreign, "`From: anna@gmx.de`"),
            (Outcome::Header { problem: "x".into() }, "header section"),
            (Outcome::HeaderTooLarge { limit: 1 }, "empty line"),
        ];
        for (outcome, remedy) in rows {
            let trouble = Trouble::from(&outcome);
            assert_eq!(trouble.status, ExitStatus::DataError, "{outcome:?}");
            assert!(trouble.hint.is_some_and(|hint| hint.contains(remedy)), "{outcome:?}");
        }
        let mixed = Outcome::Mixed { recipient: "c@d.example".into(), detail: "550 no".into() };
        assert!(!Trouble::from(&mixed).problem.contains("transport"));
    }
}
