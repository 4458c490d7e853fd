//! `-bs`: SMTP on stdin and stdout. Nobody logs in: the Unix user is known.

use super::Trouble;
use crate::message::{Intake, Limits};
use crate::mta::answer::local;
use crate::mta::delivery::Desk;
use crate::mta::host;
use crate::mta::incoming::refused;
use crate::reception::{self, Deliver, Dialect, Ended, Mail, Terms};
use crate::relay::Admission;
use crate::stdio;
use crate::verdict::{Outcome, Verdict};
use std::future::pending;
use std::time::{Duration, Instant};

/// RFC 5321 section 4.5.3.2.7.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Speaks until the client leaves.
pub(super) async fn run(desk: &Desk) -> Result<(), Trouble> {
    let troubled = |error| Trouble::from(&local(error));
    let mut stream = tokio::io::join(stdio::stdin().map_err(troubled)?, stdio::stdout().map_err(troubled)?);
    let terms = Terms::new(Dialect::Smtp, host());
    let ended = reception::serve(&mut stream, terms, &Counter { desk }, IDLE, pending()).await;
    match ended.map_err(troubled)? {
        Ended::Closed | Ended::Gone => Ok(()),
        Ended::Cut => Err(Trouble::from(&Outcome::Cut { detail: "the client went away".to_owned() })),
        Ended::Idle => Err(Trouble::from(&Outcome::Cut { detail: "the client was silent for too long".to_owned() })),
    }
}

/// Takes messages over the counter.
struct Counter<'a> {
    desk: &'a Desk,
}

/// One message as it comes in, or why it won't be delivered.
struct Taking {
    began: Instant,
    recipients: usize,
    state: Result<(Admission, Intake), Outcome>,
}

impl Deliver for Counter<'_> {
    type Intake = Taking;

    fn begin(&self, mail: Mail) -> Taking {
        let recipients = mail.envelope.recipients.len();
        let intake = Intake::new(Limits::default(), self.desk.spool());
        let state = self.desk.admit(mail.envelope).map(|admission| (admission, intake));
        Taking { began: Instant::now(), recipients, state }
    }

    fn push(&self, taking: &mut Taking, octets: &[u8]) {
        if let Ok((admission, intake)) = &mut taking.state
            && let Err(error) = intake.push(octets)
        {
            let outcome = refused(error);
            self.desk.log_unread(&admission.envelope, &outcome);
            taking.state = Err(outcome);
        }
    }

    async fn deliver(&self, taking: Taking) -> Vec<Verdict> {
        let Taking { began, recipients, state } = taking;
        let read = state.and_then(|(admission, intake)| Ok((admission, intake.finish().map_err(refused)?)));
        let outcomes = match read {
            // The lone dot has come, so it is whole.
            Ok((admission, message)) => self.desk.deliver(began.elapsed(), &admission, message, &|| Ok(())).await,
            Err(outcome) => vec![outcome; recipients],
        };
        outcomes.iter().map(Verdict::from).collect()
    }
}
