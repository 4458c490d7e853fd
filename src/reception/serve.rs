//! Running a dialogue on a stream.

use super::{Dialect, Dialogue, Event, Mail, Terms};
use crate::verdict::{Disposition, Verdict};
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Octets of a message read in one go.
const PIECE: usize = 64 * 1024;

/// The same of commands: a connection that waits for them shall cost little.
const COMMANDS: usize = 2 * 1024;

/// Takes messages in and delivers them.
pub trait Deliver: Sync {
    /// A message being taken in.
    type Intake: Send;

    /// A message begins.
    fn begin(&self, mail: Mail) -> Self::Intake;

    /// Some of its octets. What goes wrong is kept for the verdict.
    fn push(&self, intake: &mut Self::Intake, octets: &[u8]);

    /// It is whole: delivers it. One verdict for each recipient, in their order.
    fn deliver(&self, intake: Self::Intake) -> impl Future<Output = Vec<Verdict>> + Send;
}

/// How a dialogue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By QUIT, or by us.
    Closed,
    /// The client went away between transactions.
    Gone,
    /// The client went away inside one: nothing of it was sent.
    Cut,
    /// The client said nothing for too long.
    Idle,
}

/// Speaks by `terms` on a stream until the client leaves or is silent for longer than `idle`; `stopping` ends the
/// dialogue where no transaction is under way.
///
/// # Errors
/// Those of the stream, a client that does not read its replies among them.
pub async fn serve<S, D>(
    stream: &mut S,
    terms: Terms,
    deliver: &D,
    idle: Duration,
    stopping: impl Future<Output = ()>,
) -> io::Result<Ended>
where
    S: AsyncRead + AsyncWrite + Unpin,
    D: Deliver,
{
    let dialect = terms.dialect;
    let mut line = Line { stream, dialogue: Dialogue::new(terms), idle, buffer: Vec::new(), is_stopping: false };
    let mut intake = None;
    tokio::pin!(stopping);
    loop {
        match line.dialogue.next_event() {
            Event::Starving => {
                if let Some(ended) = line.refill(stopping.as_mut()).await? {
                    return Ok(ended);
                }
            }
            Event::Begin(mail) => intake = Some(deliver.begin(*mail)),
            Event::Content => {
                if let Some(intake) = &mut intake {
                    deliver.push(intake, line.dialogue.content());
                }
            }
            Event::End => {
                line.send().await?;
                let verdicts = match intake.take() {
                    // On the heap, so that a connection that waits is not as large as a delivery.
                    Some(intake) => Box::pin(deliver.deliver(intake)).await,
                    None => Vec::new(),
                };
                match dialect {
                    Dialect::Lmtp => line.dialogue.conclude(&verdicts),
                    Dialect::Smtp | Dialect::Batch => line.dialogue.conclude(single(&verdicts)),
                }
            }
            Event::Abandoned => intake = None,
            Event::Closed | Event::Broken(_) => {
                line.send().await?;
                return Ok(Ended::Closed);
            }
        }
    }
}

/// A dialogue and the stream it runs on.
struct Line<'a, S> {
    stream: &'a mut S,
    dialogue: Dialogue,
    idle: Duration,
    buffer: Vec<u8>,
    is_stopping: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<'_, S> {
    /// Sends the replies that wait, then reads; how the dialogue ended, if it did.
    async fn refill(&mut self, stopping: impl Future<Output = ()>) -> io::Result<Option<Ended>> {
        self.send().await?;
        if self.is_stopping && !self.dialogue.is_in_transaction() {
            self.dialogue.close("4.3.2 going down, try again");
            return Ok(None);
        }
        self.fit_buffer();
        let read = tokio::select! {
            read = timeout(self.idle, self.stream.read(&mut self.buffer)) => read,
            () = stopping, if !self.is_stopping => {
                self.is_stopping = true;
                return Ok(None);
            }
        };
        let is_in_transaction = self.dialogue.is_in_transaction();
        match read {
            Ok(Ok(0)) if is_in_transaction => Ok(Some(Ended::Cut)),
            Ok(Ok(0)) => Ok(Some(Ended::Gone)),
            Ok(Ok(length)) => {
                self.dialogue.feed(&self.buffer[..length]);
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.dialogue.close("4.4.2 idle for too long");
                self.send().await?;
                Ok(Some(if is_in_transaction { Ended::Cut } else { Ended::Idle }))
            }
        }
    }

    fn fit_buffer(&mut self) {
        let wanted = if self.dialogue.takes_content() { PIECE } else { COMMANDS };
        if self.buffer.len() != wanted {
            self.buffer = vec![0; wanted];
        }
    }

    async fn send(&mut self) -> io::Result<()> {
        let replies = self.dialogue.take_replies();
        if replies.is_empty() {
            return Ok(());
        }
        let written = async {
            self.stream.write_all(replies.as_bytes()).await?;
            self.stream.flush().await
        };
        timeout(self.idle, written).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// The verdict of a protocol that has one reply for a message: the first that keeps it in the queue, else the first
/// that refuses it, else the first.
fn single(verdicts: &[Verdict]) -> &[Verdict] {
    let first = |wanted| verdicts.iter().position(|verdict| verdict.disposition == wanted);
    let index = first(Disposition::Defer).or_else(|| first(Disposition::Bounce)).unwrap_or(0);
    verdicts.get(index..=index).unwrap_or_default()
}
