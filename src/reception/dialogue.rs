//! Octets to events: where a command line ends, and where a message's octets begin and end.

mod commands;

use super::Event;
use super::replies::Replies;
use super::terms::{Dialect, Terms};
use super::transaction::{Transaction, XForward};
use crate::verdict::Verdict;
use crate::wire::smtp_command::{Command, CommandError, MAX_COMMAND_LINE};
use crate::wire::smtp_data::{Progress, Unstuffer};
use memchr::memchr;

/// Room for input that a dialogue keeps between transactions.
const KEPT: usize = 4 * 1024;

/// One client's dialogue.
#[derive(Debug)]
pub struct Dialogue {
    terms: Terms,
    replies: Replies,
    input: Vec<u8>,
    at: usize,
    content: Vec<u8>,
    state: State,
    is_introduced: bool,
    errors: u32,
    xforward: XForward,
}

/// What comes next from the client.
#[derive(Debug)]
enum State {
    /// A command outside a transaction.
    Idle,
    /// A command after MAIL.
    Envelope(Transaction),
    /// Lines up to the lone dot.
    Data { recipients: usize, unstuffer: Unstuffer },
    /// Octets of a BDAT chunk; `recipients` is 0 where the chunk was refused and is thrown away.
    Chunk { recipients: usize, left: u64, last: bool },
    /// Another BDAT.
    BetweenChunks { recipients: usize },
    /// Nothing until the caller knows that the message is whole.
    Whole { recipients: usize },
    /// Nothing until the caller's verdict.
    Verdict { recipients: usize },
    /// The rest of a line that is too long, and then what was to come.
    LongLine(Box<State>),
    /// Nothing: the dialogue is over.
    Closed,
}

impl Dialogue {
    /// A dialogue that begins, its greeting ready to be sent.
    pub fn new(terms: Terms) -> Dialogue {
        let mut replies = Replies::default();
        replies.greeting(&terms);
        Dialogue {
            is_introduced: terms.dialect == Dialect::Batch,
            terms,
            replies,
            input: Vec::new(),
            at: 0,
            content: Vec::new(),
            state: State::Idle,
            errors: 0,
            xforward: XForward::default(),
        }
    }

    /// Takes what the client sent, cut anywhere.
    pub fn feed(&mut self, octets: &[u8]) {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.extend_from_slice(octets);
    }

    /// Replies that wait to be sent; empty when there are none, and always in batch SMTP.
    pub fn take_replies(&mut self) -> String {
        let replies = self.replies.take();
        if self.terms.dialect == Dialect::Batch { String::new() } else { replies }
    }

    /// The octets that [`Event::Content`] spoke of.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether a client that goes away now breaks something off.
    pub fn is_in_transaction(&self) -> bool {
        self.at < self.input.len() || !matches!(self.state, State::Idle | State::Closed)
    }

    /// Whether octets of a message come next, rather than commands.
    pub fn takes_content(&self) -> bool {
        matches!(self.state, State::Data { .. } | State::Chunk { .. })
    }

    /// What happens next.
    pub fn next_event(&mut self) -> Event {
        self.content.clear();
        loop {
            let event = match self.state {
                State::Closed => Some(Event::Closed),
                State::Verdict { .. } => Some(Event::Starving),
                State::Whole { recipients } => {
                    self.state = State::Verdict { recipients };
                    Some(Event::End)
                }
                State::Data { .. } => self.data(),
                State::Chunk { recipients: 0, .. } => self.refused_chunk(),
                State::Chunk { .. } => self.chunk(),
                State::Idle | State::Envelope(_) | State::BetweenChunks { .. } | State::LongLine(_) => self.line(),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// What became of the message: one verdict in SMTP, one for each recipient, in their order, in LMTP.
    pub fn conclude(&mut self, verdicts: &[Verdict]) {
        let State::Verdict { recipients } = self.state else { return };
        let expected = if self.terms.dialect == Dialect::Lmtp { recipients } else { 1 };
        for index in 0..expected {
            match verdicts.get(index) {
                Some(verdict) => self.replies.ready_line(&verdict.reply_line()),
                None => self.replies.line(451, "4.3.0 no verdict"),
            }
        }
        self.reset();
    }

    /// Ends the dialogue from our side, with a reply that says why.
    pub fn close(&mut self, text: &str) {
        self.replies.line(421, text);
        self.state = State::Closed;
    }

    fn reset(&mut self) {
        self.state = State::Idle;
        self.xforward = XForward::default();
        // What a message needed is not held until the next one, which may be a long time coming.
        self.input.drain(..self.at);
        self.at = 0;
        self.input.shrink_to(KEPT);
        self.content = Vec::new();
    }

    fn data(&mut self) -> Option<Event> {
        let State::Data { recipients, unstuffer } = &mut self.state else { return None };
        if self.at == self.input.len() {
            return Some(Event::Starving);
        }
        match unstuffer.push(&self.input[self.at..], &mut self.content) {
            Progress::More => self.at = self.input.len(),
            Progress::End { consumed } => {
                self.at += consumed;
                self.state = State::Whole { recipients: *recipients };
            }
        }
        (!self.content.is_empty()).then_some(Event::Content)
    }

    fn chunk(&mut self) -> Option<Event> {
        let State::Chunk { recipients, left, last } = self.state else { return None };
        if left > 0 {
            let taken = self.taken_of_chunk(left)?;
            self.content.extend_from_slice(&self.input[self.at - taken..self.at]);
            self.state = State::Chunk { recipients, left: left - taken as u64, last };
            return Some(if taken == 0 { Event::Starving } else { Event::Content });
        }
        if last {
            self.state = State::Whole { recipients };
        } else {
            self.state = State::BetweenChunks { recipients };
            self.replies.line(250, "2.0.0 go on");
        }
        None
    }

    /// RFC 3030 section 2: the octets of a refused chunk come all the same.
    fn refused_chunk(&mut self) -> Option<Event> {
        let State::Chunk { left, last, .. } = self.state else { return None };
        if left == 0 {
            self.reset();
            return None;
        }
        let taken = self.taken_of_chunk(left)?;
        self.state = State::Chunk { recipients: 0, left: left - taken as u64, last };
        (taken == 0).then_some(Event::Starving)
    }

    /// Steps over what there is of `left` octets.
    fn taken_of_chunk(&mut self, left: u64) -> Option<usize> {
        let available = self.input.len() - self.at;
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(available);
        self.at += taken;
        Some(taken)
    }

    fn line(&mut self) -> Option<Event> {
        let Some(length) = memchr(b'\n', &self.input[self.at..]) else { return Some(self.incomplete_line()) };
        let line = self.input[self.at..self.at + length].to_vec();
        self.at += length + 1;
        if let State::LongLine(state) = &mut self.state {
            self.state = std::mem::replace(state.as_mut(), State::Closed);
            return self.refuse_command(&CommandError::LineTooLong);
        }
        match Command::parse(line.strip_suffix(b"\r").unwrap_or(&line)) {
            Ok(command) => self.command(command),
            Err(error) => self.refuse_command(&error),
        }
    }

    fn incomplete_line(&mut self) -> Event {
        if self.input.len() - self.at > MAX_COMMAND_LINE {
            self.at = self.input.len();
            if !matches!(self.state, State::LongLine(_)) {
                let state = std::mem::replace(&mut self.state, State::Closed);
                self.state = State::LongLine(Box::new(state));
            }
        }
        Event::Starving
    }
}

#[cfg(test)]
mod tests;
