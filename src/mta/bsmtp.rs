//! Batch SMTP on stdin, as Exim's `use_bsmtp` writes it: commands without replies, and a dot at the end of each message.
//!
//! Nothing goes out before the whole batch was read and understood. There is one exit status for all of it.

use super::delivery::{Desk, IsWhole, overall};
use super::incoming::{Incoming, refused};
use crate::message::{Intake, Limits, Message};
use crate::reception::{Dialect, Dialogue, Event, Mail, Terms};
use crate::relay::Admission;
use crate::verdict::{Disposition, Outcome, Verdict};
use std::path::Path;

/// The most messages in one batch; Exim's `batch_max` is 1 unless somebody sets it.
const MAX_MESSAGES: usize = 100;

/// Octets of a body held in memory before it is spooled, for every message but the first.
const LATER_MEMORY: usize = 64 * 1024;

/// One transaction that was read to its dot.
struct Transaction {
    admission: Admission,
    message: Message,
}

/// Delivers every message of the batch.
pub(super) async fn run(desk: &Desk, incoming: &mut Incoming, is_whole: &IsWhole) -> Result<(), Outcome> {
    let transactions = Batch::new(desk).read(incoming).await?;
    let mut outcomes = Vec::new();
    for transaction in transactions {
        outcomes.push(match transaction {
            Ok(Transaction { admission, message }) => {
                overall(desk.deliver(desk.elapsed(), &admission, message, is_whole).await)
                    .unwrap_or_else(|outcome| outcome)
            }
            Err(outcome) => outcome,
        });
    }
    whole_batch(outcomes)
}

/// Some sent and some refused for good can't be told by one status: it is kept, and says what to change. The journal
/// keeps those that were sent from going out again.
fn whole_batch(outcomes: Vec<Outcome>) -> Result<(), Outcome> {
    let is = |outcome: &Outcome, wanted| Verdict::from(outcome).disposition == wanted;
    let sent = outcomes.iter().filter(|outcome| is(outcome, Disposition::Ok)).count();
    let all = outcomes.len();
    match overall(outcomes) {
        Ok(_) => Ok(()),
        Err(outcome) if sent > 0 && is(&outcome, Disposition::Bounce) => {
            let text = Verdict::from(&outcome).text;
            let problem =
                format!("{sent} of {all} messages of a batch were sent, one was refused: set batch_max to 1 ({text})");
            Err(Outcome::Protocol { problem })
        }
        Err(outcome) => Err(outcome),
    }
}

/// A batch while it is read.
struct Batch<'a> {
    desk: &'a Desk,
    dialogue: Dialogue,
    transactions: Vec<Result<Transaction, Outcome>>,
    current: Option<Current>,
}

/// The message whose octets come now.
struct Current {
    admission: Admission,
    intake: Result<Intake, Outcome>,
}

impl Batch<'_> {
    fn new(desk: &Desk) -> Batch<'_> {
        let dialogue = Dialogue::new(Terms::new(Dialect::Batch, "localhost"));
        Batch { desk, dialogue, transactions: Vec::new(), current: None }
    }

    /// Reads to the end of the batch.
    async fn read(mut self, incoming: &mut Incoming) -> Result<Vec<Result<Transaction, Outcome>>, Outcome> {
        loop {
            match self.dialogue.next_event() {
                Event::Starving => {
                    let octets = incoming.next().await?;
                    if octets.is_empty() {
                        return self.ended();
                    }
                    self.dialogue.feed(octets);
                }
                Event::Begin(mail) => self.begin(*mail)?,
                Event::Content => self.push(),
                Event::End => self.end(),
                Event::Abandoned => self.current = None,
                Event::Closed => return self.ended(),
                Event::Broken(problem) => return Err(protocol(format!("batch SMTP: {problem}"))),
            }
        }
    }

    fn begin(&mut self, mail: Mail) -> Result<(), Outcome> {
        if self.transactions.len() == MAX_MESSAGES {
            return Err(protocol(format!("batch SMTP: more than {MAX_MESSAGES} messages: set batch_max to 1")));
        }
        match self.desk.admit(mail.envelope) {
            Ok(admission) => {
                let intake = Ok(intake(self.transactions.len(), self.desk.spool()));
                self.current = Some(Current { admission, intake });
            }
            Err(outcome) => self.transactions.push(Err(outcome)),
        }
        Ok(())
    }

    /// What was refused already is read over.
    fn push(&mut self) {
        if let Some(Current { intake, .. }) = &mut self.current
            && let Ok(open) = intake
            && let Err(error) = open.push(self.dialogue.content())
        {
            *intake = Err(refused(error));
        }
    }

    fn end(&mut self) {
        // Nobody reads a reply.
        self.dialogue.conclude(&[]);
        let Some(Current { admission, intake }) = self.current.take() else { return };
        let message = intake.and_then(|intake| intake.finish().map_err(refused));
        let message = message.inspect_err(|outcome| self.desk.log_unread(&admission.envelope, outcome));
        self.transactions.push(message.map(|message| Transaction { admission, message }));
    }

    fn ended(self) -> Result<Vec<Result<Transaction, Outcome>>, Outcome> {
        match (self.dialogue.is_in_transaction(), self.transactions.is_empty()) {
            (true, _) => Err(Outcome::Cut { detail: "batch SMTP ended before the lone dot".to_owned() }),
            (false, true) => Err(protocol("batch SMTP: no message".to_owned())),
            (false, false) => Ok(self.transactions),
        }
    }
}

fn intake(index: usize, spool: &Path) -> Intake {
    let limits = Limits::default();
    Intake::new(if index == 0 { limits } else { Limits { memory: LATER_MEMORY, ..limits } }, spool)
}

fn protocol(problem: String) -> Outcome {
    Outcome::Protocol { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::Reply;

    #[test]
    fn a_batch_of_which_some_were_sent_is_kept() {
        let sent = || Outcome::Sent { provider: "gmx".into(), reply: Reply::new(250, "ok") };
        let defer = || Outcome::Local { problem: "x".into() };
        let bounce = || Outcome::Header { problem: "x".into() };
        let rows = [
            (vec![sent(), sent()], None),
            (vec![sent(), defer()], Some("4.3.5 x")),
            (vec![bounce(), bounce()], Some("5.6.0 header section: x")),
            (vec![defer(), bounce()], Some("4.3.5 x")),
        ];
        for (outcomes, line) in rows {
            let told = whole_batch(outcomes).err().map(|outcome| Verdict::from(&outcome).pipe_line());
            assert_eq!(told.as_deref(), line);
        }
        let mixed = Verdict::from(&whole_batch(vec![sent(), bounce()]).unwrap_err());
        assert_eq!(mixed.disposition, Disposition::Defer);
        assert!(mixed.text.contains("1 of 2 messages") && mixed.text.contains("batch_max"), "{}", mixed.text);
    }
}
