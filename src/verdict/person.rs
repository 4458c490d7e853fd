//! What a person at a shell gets instead of the MTA's three exit statuses: sysexits(3) where it has the word.

use super::{Disposition, ExitStatus, Meaning, Outcome, Verdict};

impl Outcome {
    /// The exit status for a person, who reads it himself and has no queue that would try again.
    pub fn exit_status_for_person(&self) -> ExitStatus {
        match self {
            Outcome::NoAccount { .. } | Outcome::NullSender { .. } | Outcome::Local { .. } => ExitStatus::Config,
            Outcome::NotAuthorised { .. } => ExitStatus::NoPermission,
            Outcome::HeaderFrom { .. }
            | Outcome::Header { .. }
            | Outcome::HeaderTooLarge { .. }
            | Outcome::Protocol { .. } => ExitStatus::DataError,
            Outcome::Credentials { .. } => ExitStatus::Config,
            Outcome::Refused { meaning: Meaning::CredentialsRefused | Meaning::AppPasswordNeeded, .. } => {
                ExitStatus::NoPermission
            }
            Outcome::Refused { meaning: Meaning::RecipientUnknown, .. } if self.is_permanent() => ExitStatus::NoUser,
            Outcome::Sent { .. }
            | Outcome::AlreadySent { .. }
            | Outcome::AccountDisabled { .. }
            | Outcome::TooLarge { .. }
            | Outcome::ExtensionMissing { .. }
            | Outcome::Refused { .. }
            | Outcome::Connection { .. }
            | Outcome::Unanswered { .. }
            | Outcome::Closed { .. }
            | Outcome::Busy { .. }
            | Outcome::Mixed { .. }
            | Outcome::TooManyRecipients { .. }
            | Outcome::Cut { .. }
            | Outcome::Deadline { .. }
            | Outcome::Terminated { .. } => Verdict::from(self).exit_status(),
        }
    }

    fn is_permanent(&self) -> bool {
        Verdict::from(self).disposition == Disposition::Bounce
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::*;
    use crate::wire::reply::Reply;

    #[test]
    fn a_person_is_told_whose_fault_it_is() {
        let refused = |stage, code, meaning| Outcome::Refused {
            provider: "gmx".into(),
            stage,
            reply: Reply::new(code, "text"),
            meaning,
        };
        let rows = [
            (Outcome::NoAccount { sender: "a@b".into(), permanent: false }, 78),
            (Outcome::NotAuthorised { sender: "a@b".into(), submitter: "unix:x".into() }, 77),
            (Outcome::Header { problem: "x".into() }, 65),
            (Outcome::Local { problem: "x".into() }, 78),
            (refused(Stage::Auth, 535, Meaning::CredentialsRefused), 77),
            (refused(Stage::Rcpt, 550, Meaning::RecipientUnknown), 67),
            (refused(Stage::Rcpt, 450, Meaning::RecipientUnknown), 75),
            (refused(Stage::Final, 554, Meaning::Spam), 69),
            (Outcome::Cut { detail: "x".into() }, 75),
        ];
        for (outcome, status) in rows {
            assert_eq!(outcome.exit_status_for_person().code(), status, "{outcome:?}");
        }
    }
}
