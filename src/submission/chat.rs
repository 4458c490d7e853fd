//! Octets out in flights, replies in one by one, each wait within its limit.

use super::failure::{Failure, FailureKind};
use super::stream::Stream;
use super::{Dial, Timeouts};
use crate::verdict::Stage;
use crate::wire::reply::Reply;
use crate::wire::reply_reader::ReplyReader;
use crate::wire::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Octets read in one go.
const PIECE: usize = 16 * 1024;

/// Characters of a line that the dialogue shows.
const MAX_SHOWN: usize = 2000;

/// A shorter secret is no secret, and stands in many words.
const LEAST_CONCEALED: usize = 4;

/// Stands where a server repeated a secret.
const CONCEALED: &[u8] = b"********";

/// How long a server that refuses in mid-message may take to be heard after it closed its side.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One connection as a conversation.
#[derive(Debug)]
pub(super) struct Chat {
    stream: Stream,
    reader: ReplyReader,
    buffer: Vec<u8>,
    timeouts: Timeouts,
    deadline: Option<Instant>,
    dialogue: Option<UnboundedSender<String>>,
    concealed: Vec<Zeroizing<Vec<u8>>>,
    is_usable: bool,
    heard_anything: bool,
}

/// What is shown of a flight in the dialogue.
pub(super) enum Shown<'a> {
    /// Its lines.
    Lines,
    /// This instead, because a secret is in it.
    Instead(&'a str),
}

impl Chat {
    pub(super) fn new(stream: Stream, dial: &Dial) -> Chat {
        Chat {
            stream,
            reader: ReplyReader::default(),
            buffer: vec![0; PIECE],
            timeouts: dial.timeouts,
            deadline: dial.deadline,
            dialogue: dial.dialogue.clone(),
            concealed: Vec::new(),
            is_usable: true,
            heard_anything: false,
        }
    }

    /// The bare connection, to be put under TLS. What the server sent ahead of the handshake ends the session: whoever sits
    /// in between could have put it there.
    pub(super) fn into_stream(self) -> Result<Stream, Failure> {
        match self.reader.is_empty() {
            true => Ok(self.stream),
            false => {
                let detail = "octets came behind the reply to STARTTLS";
                Err(Failure::new(Stage::StartTls, FailureKind::Tls(detail.to_owned())))
            }
        }
    }

    /// From here on no reply is passed on that repeats `secret`, as it is or in base64.
    pub(super) fn conceal(&mut self, secret: &str) {
        if secret.len() >= LEAST_CONCEALED {
            self.concealed.push(Zeroizing::new(secret.as_bytes().to_vec()));
            self.concealed.push(Zeroizing::new(STANDARD.encode(secret).into_bytes()));
        }
    }

    fn conceal_in(&self, line: &mut Vec<u8>) {
        for secret in &self.concealed {
            let found: Vec<usize> = memmem::find_iter(line, secret.as_slice()).collect();
            for at in found.into_iter().rev() {
                line.splice(at..at + secret.len(), CONCEALED.iter().copied());
            }
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.is_usable
    }

    pub(super) fn give_up(&mut self) {
        self.is_usable = false;
    }

    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    pub(super) fn set_dialogue(&mut self, dialogue: Option<UnboundedSender<String>>) {
        self.dialogue = dialogue;
    }

    /// From here on [`Chat::heard_nothing`] speaks of what follows.
    pub(super) fn begin(&mut self) {
        self.heard_anything = false;
    }

    /// Whether the server has not said a single octet since [`Chat::begin`].
    pub(super) fn heard_nothing(&self) -> bool {
        !self.heard_anything
    }

    /// One command and its reply, in lockstep.
    pub(super) async fn command(&mut self, stage: Stage, line: &[u8], shown: Shown<'_>) -> Result<Reply, Failure> {
        self.send(stage, line, shown).await?;
        self.reply(stage).await
    }

    /// One flight in one write. Nothing may have come in that no command asked for.
    pub(super) async fn send(&mut self, stage: Stage, octets: &[u8], shown: Shown<'_>) -> Result<(), Failure> {
        if !self.reader.is_empty() {
            return Err(self.out_of_step(stage));
        }
        self.show_sent(octets, &shown);
        self.write(stage, octets).await
    }

    /// Octets of the message, or a flight whose lines are shown elsewhere.
    pub(super) async fn write(&mut self, stage: Stage, octets: &[u8]) -> Result<(), Failure> {
        let limit = self.timeouts.block;
        let writing = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        let written = within(self.deadline, limit, writing).await;
        self.settled(stage, written, limit)
    }

    /// The next reply; the caller says which command it answers.
    pub(super) async fn reply(&mut self, stage: Stage) -> Result<Reply, Failure> {
        let limit = self.limit(stage);
        self.reply_within(stage, limit).await
    }

    /// What a server says that stopped taking a message in: its reply may be there although writing failed.
    pub(super) async fn last_words(&mut self, stage: Stage) -> Option<Reply> {
        self.reply_within(stage, LAST_WORDS).await.ok()
    }

    async fn reply_within(&mut self, stage: Stage, limit: Duration) -> Result<Reply, Failure> {
        let reading = async {
            loop {
                match self.reader.next_reply() {
                    Ok(Some(reply)) => return Ok(reply),
                    Ok(None) => {}
                    Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                }
                let length = self.stream.read(&mut self.buffer).await?;
                if length == 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
                }
                self.heard_anything = true;
                self.reader.feed(&self.buffer[..length]);
            }
        };
        let read = within(self.deadline, limit, reading).await;
        let mut reply = self.settled(stage, read, limit)?;
        reply.lines.iter_mut().for_each(|line| self.conceal_in(line));
        // RFC 5321 section 3.8: the server closes after a 421.
        self.is_usable &= reply.code != 421;
        self.show_reply(&reply);
        Ok(reply)
    }

    /// Takes in what is there without waiting; whether anything was, an end of the connection included.
    pub(super) async fn is_early(&mut self) -> bool {
        if !self.reader.is_empty() {
            return true;
        }
        // Lets the runtime ask the kernel once.
        tokio::task::yield_now().await;
        let (stream, buffer) = (&mut self.stream, &mut self.buffer);
        let read = std::future::poll_fn(|cx| {
            let mut buffer = ReadBuf::new(buffer);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => Poll::Ready(None),
                Poll::Ready(Ok(())) => Poll::Ready(Some(buffer.filled().len())),
                Poll::Ready(Err(_)) => Poll::Ready(Some(0)),
            }
        });
        let read = read.await;
        if let Some(length) = read {
            self.heard_anything |= length > 0;
            self.reader.feed(&self.buffer[..length]);
        }
        read.is_some()
    }

    /// Waits until the server says something that nobody asked for, its end included.
    pub(super) async fn closed(&mut self) {
        if self.is_usable && self.reader.is_empty() {
            // Whatever comes, the session is over.
            let _ = self.stream.read(&mut self.buffer).await;
        }
        self.is_usable = false;
    }

    /// Says QUIT and waits for nothing.
    pub(super) async fn quit(mut self) {
        if self.is_usable && self.send(Stage::Unknown, b"QUIT\r\n", Shown::Lines).await.is_ok() {
            let _ = timeout(Duration::from_secs(1), self.stream.shutdown()).await;
        }
    }

    pub(super) fn out_of_step(&mut self, stage: Stage) -> Failure {
        self.is_usable = false;
        Failure::connection(stage, "the server spoke out of turn")
    }

    /// Tells a line of the dialogue to whoever listens, and to the log at its lowest level.
    pub(super) fn show(&self, line: impl FnOnce() -> String) {
        let is_logged = tracing::enabled!(tracing::Level::DEBUG);
        if !is_logged && self.dialogue.is_none() {
            return;
        }
        let line = line();
        if is_logged {
            tracing::debug!("{line}");
        }
        if let Some(dialogue) = &self.dialogue {
            // Whoever listened may have gone.
            let _ = dialogue.send(line);
        }
    }

    fn show_sent(&self, octets: &[u8], shown: &Shown<'_>) {
        match shown {
            Shown::Instead(text) => self.show(|| format!("C: {text}")),
            Shown::Lines => {
                for line in octets.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
                    self.show(|| format!("C: {}", one_line(line, MAX_SHOWN)));
                }
            }
        }
    }

    fn show_reply(&self, reply: &Reply) {
        for (index, line) in reply.lines.iter().enumerate() {
            let separator = if index + 1 == reply.lines.len() { ' ' } else { '-' };
            self.show(|| format!("S: {}{separator}{}", reply.code, one_line(line, MAX_SHOWN)));
        }
    }

    fn limit(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Connect => self.timeouts.connect,
            Stage::Tls => self.timeouts.tls,
            Stage::Banner => self.timeouts.greeting,
            Stage::Ehlo | Stage::StartTls => self.timeouts.ehlo,
            Stage::Auth => self.timeouts.auth,
            Stage::Mail | Stage::Unknown => self.timeouts.mail,
            Stage::Rcpt => self.timeouts.rcpt,
            Stage::Data => self.timeouts.data,
            Stage::Final => self.timeouts.final_reply,
        }
    }

    fn settled<T>(&mut self, stage: Stage, ended: Ended<T>, limit: Duration) -> Result<T, Failure> {
        let failure = match ended {
            Ended::Done(Ok(value)) => return Ok(value),
            Ended::Done(Err(error)) => Failure::connection(stage, error),
            Ended::Late => Failure::connection(stage, format!("no answer within {} s", limit.as_secs())),
            Ended::Deadline => Failure::new(stage, FailureKind::Deadline),
        };
        self.is_usable = false;
        Err(failure)
    }
}

enum Ended<T> {
    Done(io::Result<T>),
    Late,
    Deadline,
}

async fn within<T>(deadline: Option<Instant>, limit: Duration, work: impl Future<Output = io::Result<T>>) -> Ended<T> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let (limit, late) = match left {
        Some(left) if left < limit => (left, Ended::Deadline),
        _ => (limit, Ended::Late),
    };
    match timeout(limit, work).await {
        Ok(done) => Ended::Done(done),
        Err(_) => late,
    }
}
