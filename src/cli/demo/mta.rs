//! What an MTA makes of a pipe's exit status and output: the rules of Postfix's pipe(8), and of Exim's pipe transport
//! with the settings of `contrib/exim`.

use crate::verdict::Disposition;
use crate::wire::reply::EnhancedStatus;

/// An MTA's decision, and what happens to the message then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) disposition: Disposition,
    /// The MTA's own word for it.
    pub(super) word: &'static str,
    pub(super) then: &'static str,
}

/// pipe(8): an enhanced status code at the start of the output wins over the exit status, unless that is 0.
pub(super) fn postfix(exit_status: Option<i32>, output: &str) -> View {
    let said = EnhancedStatus::at_start_of(output.as_bytes()).map(|status| status.0);
    let disposition = match (exit_status, said) {
        (Some(0), _) => Disposition::Ok,
        (Some(_), Some(4)) => Disposition::Defer,
        (Some(_), Some(5)) => Disposition::Bounce,
        // Death by a signal, and EX_OSERR and EX_TEMPFAIL.
        (None | Some(71 | 75), _) => Disposition::Defer,
        (Some(_), _) => Disposition::Bounce,
    };
    match disposition {
        Disposition::Ok => View { disposition, word: "status=sent", then: "takes the message off its queue" },
        Disposition::Defer => View { disposition, word: "status=deferred", then: "keeps it, tries again later" },
        Disposition::Bounce => View { disposition, word: "status=bounced", then: "returns it with this text" },
    }
}

/// Exim with `temp_errors` as its default, 73 and 75, and `freeze_signal`.
pub(super) fn exim(exit_status: Option<i32>) -> View {
    match exit_status {
        Some(0) => View { disposition: Disposition::Ok, word: "=>", then: "takes the message off its queue" },
        None | Some(73 | 75) => {
            View { disposition: Disposition::Defer, word: "==", then: "keeps it, tries again later" }
        }
        Some(_) => View { disposition: Disposition::Bounce, word: "**", then: "returns it with this text" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mta_reads_status_and_output_by_its_own_rules() {
        use Disposition::{Bounce, Defer, Ok};
        let rows = [
            (Some(0), "", Ok, Ok),
            (Some(75), "4.7.1 gmx: ...", Defer, Defer),
            (Some(69), "5.7.1 not yours", Bounce, Bounce),
            (Some(69), "4.7.1 contradiction", Defer, Bounce),
            (Some(71), "", Defer, Bounce),
            (Some(73), "", Bounce, Defer),
            (Some(101), "panicked", Bounce, Bounce),
            (None, "", Defer, Defer),
        ];
        for (status, output, by_postfix, by_exim) in rows {
            let found = (postfix(status, output).disposition, exim(status).disposition);
            assert_eq!(found, (by_postfix, by_exim), "{status:?} {output}");
        }
    }
}
