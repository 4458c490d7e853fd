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
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// How long QUIT may take to go out.
const FAREWELL: Duration = Duration::from_secs(1);

/// Octets of replies taken in while a flight goes out.
const MAX_HEARD: usize = 1024 * 1024;

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
    is_closed: bool,
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
            is_closed: false,
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

    /// From here on [`Chat::is_closed_in_silence`] speaks of what follows.
    pub(super) fn begin(&mut self) {
        self.heard_anything = false;
    }

    /// Whether the server closed the connection without a single octet since [`Chat::begin`].
    pub(super) fn is_closed_in_silence(&self) -> bool {
        self.is_closed && !self.heard_anything
    }

    /// One command and its reply, in lockstep.
    pub(super) async fn command(&mut self, stage: Stage, line: &[u8], shown: Shown<'_>) -> Result<Reply, Failure> {
        self.send(stage, line, shown).await?;
        self.reply(stage).await
    }

    /// One flight in one write, after [`Chat::expect_silence`].
    pub(super) async fn send(&mut self, stage: Stage, octets: &[u8], shown: Shown<'_>) -> Result<(), Failure> {
        self.expect_silence(stage).await?;
        self.show_sent(octets, &shown);
        self.write(stage, octets).await
    }

    /// Nothing may have come in that no command asked for.
    pub(super) async fn expect_silence(&mut self, stage: Stage) -> Result<(), Failure> {
        if self.is_early().await { Err(self.out_of_step(stage)) } else { Ok(()) }
    }

    /// Octets of the message, or a flight whose lines are shown elsewhere. What the server says meanwhile is taken in:
    /// it may take nothing more before its words are.
    pub(super) async fn write(&mut self, stage: Stage, octets: &[u8]) -> Result<(), Failure> {
        let (limit, deadline) = (self.timeouts.block, self.deadline);
        let (mut left, mut room) = (octets, MAX_HEARD);
        let writing = poll_fn(|cx| match self.stream.poll_give(cx, &mut left) {
            Poll::Pending => self.poll_listen(cx, &mut room),
            given => given,
        });
        let written = within(deadline, limit, writing).await;
        self.settled(stage, written, limit)
    }

    /// Takes in what comes; ready only at the end of the connection.
    fn poll_listen(&mut self, cx: &mut Context<'_>, room: &mut usize) -> Poll<io::Result<()>> {
        while *room > 0 {
            let length = std::task::ready!(self.stream.poll_take(cx, &mut self.buffer))?;
            if length == 0 {
                return Poll::Ready(Err(closed()));
            }
            self.heard_anything = true;
            self.reader.feed(&self.buffer[..length]);
            *room = room.saturating_sub(length);
        }
        Poll::Pending
    }

    /// The next reply; the caller says which command it answers.
    pub(super) async fn reply(&mut self, stage: Stage) -> Result<Reply, Failure> {
        let limit = self.limit(stage);
        self.reply_within(stage, limit).await
    }

    /// What a server says that stopped taking a message in: its reply may be there although writing failed.
    pub(super) async fn last_words(&mut self, stage: Stage) -> Result<Reply, Failure> {
        self.reply_within(stage, LAST_WORDS).await
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
                    return Err(closed());
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
        let Some(length) = self.stream.read_now(&mut self.buffer).await else { return false };
        self.heard_anything |= length > 0;
        self.is_closed |= length == 0;
        self.reader.feed(&self.buffer[..length]);
        true
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
        let farewell = async {
            if self.is_usable && self.send(Stage::Unknown, b"QUIT\r\n", Shown::Lines).await.is_ok() {
                // Nothing depends on it any more.
                let _ = self.stream.shutdown().await;
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// The end of a session whose server said what no command asked for, or is gone.
    pub(super) fn out_of_step(&mut self, stage: Stage) -> Failure {
        self.is_usable = false;
        match self.reader.next_reply() {
            Ok(Some(mut reply)) => {
                reply.lines.iter_mut().for_each(|line| self.conceal_in(line));
                Failure::connection(stage, format!("the server spoke out of turn: {reply}"))
            }
            _ if self.reader.is_empty() && self.is_closed => Failure::connection(stage, closed()),
            _ => Failure::connection(stage, "the server spoke out of turn"),
        }
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
            Ended::Done(Err(error)) => {
                self.is_closed |= is_end(&error);
                // What is no reply is quoted in the error, and may repeat a secret as a reply may.
                let mut detail = error.to_string().into_bytes();
                self.conceal_in(&mut detail);
                Failure::connection(stage, String::from_utf8_lossy(&detail))
            }
            Ended::Late => Failure::connection(stage, format!("no answer within {} s", limit.as_secs_f32())),
            Ended::Deadline => Failure::new(stage, FailureKind::Deadline),
        };
        self.is_usable = false;
        Err(failure)
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}

/// Whether an error means that the server, or somebody in its name, ended the connection.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe | ConnectionAborted | NotConnected)
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
