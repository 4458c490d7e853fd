//! SMTP for a Unix user of this host: nobody logs in, the user is known. On the stdin and stdout of `sendvia sendmail
//! -bs`, and on the service's socket for submissions.

use super::delivery::Desk;
use super::incoming::refused;
use super::{for_person, host};
use crate::message::{Intake, Limits};
use crate::reception::{self, Deliver, Dialect, Ended, Mail, Terms};
use crate::relay::Admission;
use crate::verdict::Outcome;
use crate::verdict::Verdict;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};

/// RFC 5321 section 4.5.3.2.7.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Speaks on a stream until the client leaves, is silent for too long, or `stopping` is over and no transaction is under
/// way; `desk` gives the one that a message is handed to when it begins.
///
/// # Errors
/// Those of the stream.
pub(super) async fn serve<S, F>(stream: &mut S, desk: F, stopping: impl Future<Output = ()>) -> io::Result<Ended>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Arc<Desk> + Sync,
{
    reception::serve(stream, Terms::new(Dialect::Smtp, host()), &Counter { desk }, IDLE, stopping).await
}

/// Takes messages over the counter.
struct Counter<F> {
    desk: F,
}

/// One message as it comes in, or why it won't be delivered.
struct Taking {
    desk: Arc<Desk>,
    began: Instant,
    state: Result<(Admission, Intake), Outcome>,
}

impl<F: Fn() -> Arc<Desk> + Sync> Deliver for Counter<F> {
    type Intake = Taking;

    fn begin(&self, mail: Mail) -> Taking {
        let desk = (self.desk)();
        let intake = Intake::new(Limits::default(), desk.spool());
        let state = desk.admit(mail.envelope).map(|admission| (admission, intake));
        Taking { desk, began: Instant::now(), state }
    }

    fn push(&self, taking: &mut Taking, octets: &[u8]) {
        if let Ok((admission, intake)) = &mut taking.state
            && let Err(error) = intake.push(octets)
        {
            let outcome = refused(error);
            taking.desk.log_unread(&admission.envelope, &outcome);
            taking.state = Err(outcome);
        }
    }

    async fn deliver(&self, taking: Taking) -> Vec<Verdict> {
        let Taking { desk, began, state } = taking;
        let read = state.and_then(|(admission, intake)| Ok((admission, intake.finish().map_err(refused)?)));
        let outcomes = match read {
            // The lone dot has come, so it is whole.
            Ok((admission, message)) => desk.deliver(began.elapsed(), &admission, message, &|| Ok(())).await,
            Err(outcome) => vec![outcome],
        };
        outcomes.iter().map(for_person).collect()
    }
}
