//! The order of commands, and the reply to each.

use super::{Dialogue, State};
use crate::reception::transaction::{Mail, Transaction};
use crate::reception::{Dialect, Event};
use crate::wire::envelope::Recipient;
use crate::wire::mailbox::ReversePath;
use crate::wire::smtp_command::{Command, CommandError, MailParameters};
use crate::wire::smtp_data::{LineEnds, Unstuffer};

/// Each command's function does what it says and answers what happened, if anything that the caller must know.
impl Dialogue {
    pub(super) fn command(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => self.introduce(&command),
            Command::Mail(reverse_path, parameters) => self.mail(reverse_path, parameters),
            Command::Rcpt(recipient) => self.rcpt(recipient),
            Command::Data => self.begin_data(),
            Command::Bdat { size, last } => self.begin_chunk(size, last),
            Command::Rset => self.rset(),
            Command::Quit => self.quit(),
            Command::Noop => self.answer(250, "2.0.0 ok"),
            Command::Help => self.answer(214, "2.0.0 see RFC 5321 and RFC 2033"),
            Command::Vrfy => self.answer(252, "2.5.2 the provider knows"),
            Command::Xforward(attributes) => self.forwarded(attributes),
            Command::StartTls | Command::Auth { .. } => self.refuse(502, "5.5.1", "not offered"),
        }
    }

    pub(super) fn refuse_command(&mut self, error: &CommandError) -> Option<Event> {
        let (code, status) = error.codes();
        self.refuse(code, status, &error.to_string())
    }

    fn answer(&mut self, code: u16, text: &str) -> Option<Event> {
        self.replies.line(code, text);
        None
    }

    /// A command that can't be carried out. After too many of them the client is sent away; a batch is broken at once,
    /// because what follows would be read in another sense than it was written.
    fn refuse(&mut self, code: u16, status: &str, text: &str) -> Option<Event> {
        if self.terms.dialect == Dialect::Batch {
            self.state = State::Closed;
            return Some(Event::Broken(text.to_owned()));
        }
        self.errors += 1;
        self.replies.line(code, &format!("{status} {text}"));
        if self.errors <= self.terms.max_errors {
            return None;
        }
        let abandoned = self.abandoned();
        self.close("4.7.0 too many errors");
        abandoned
    }

    /// What a command that ends the transaction means for a message that has begun.
    fn abandoned(&self) -> Option<Event> {
        matches!(self.state, State::BetweenChunks { .. }).then_some(Event::Abandoned)
    }

    fn introduce(&mut self, command: &Command) -> Option<Event> {
        match (self.terms.dialect, command) {
            (Dialect::Batch, _) => return None,
            (Dialect::Smtp, Command::Helo(_)) => self.replies.line(250, &self.terms.host),
            (Dialect::Smtp, Command::Ehlo(_)) | (Dialect::Lmtp, Command::Lhlo(_)) => {
                self.replies.extensions(&self.terms);
            }
            (Dialect::Smtp, _) => return self.refuse(500, "5.5.1", "this is SMTP: expected EHLO"),
            (Dialect::Lmtp, _) => return self.refuse(500, "5.5.1", "this is LMTP: expected LHLO"),
        }
        let abandoned = self.abandoned();
        self.is_introduced = true;
        self.reset();
        abandoned
    }

    fn rset(&mut self) -> Option<Event> {
        let abandoned = self.abandoned();
        self.reset();
        self.replies.line(250, "2.0.0 ok");
        abandoned
    }

    fn quit(&mut self) -> Option<Event> {
        let abandoned = self.abandoned();
        // In a batch, QUIT after an envelope without its message leaves something unsaid.
        if self.terms.dialect == Dialect::Batch && !matches!(self.state, State::Idle) {
            return self.refuse(503, "5.5.1", "QUIT inside a transaction");
        }
        self.replies.line(221, "2.0.0 bye");
        self.state = State::Closed;
        abandoned
    }

    fn forwarded(&mut self, attributes: Vec<(String, Option<String>)>) -> Option<Event> {
        match (self.terms.dialect, &self.state) {
            (Dialect::Lmtp, State::Idle) => {
                self.xforward.add(attributes);
                self.answer(250, "2.0.0 ok")
            }
            (Dialect::Lmtp, _) => self.refuse(503, "5.5.1", "XFORWARD comes before MAIL"),
            (Dialect::Smtp | Dialect::Batch, _) => self.refuse(502, "5.5.1", "not offered"),
        }
    }

    fn mail(&mut self, reverse_path: ReversePath, parameters: MailParameters) -> Option<Event> {
        if !self.is_introduced {
            return self.refuse(503, "5.5.1", "introduce yourself first");
        }
        if !matches!(self.state, State::Idle) {
            return self.refuse(503, "5.5.1", "a transaction is under way");
        }
        if let (Some(size), Some(limit)) = (parameters.size, self.terms.max_size)
            && size > limit
        {
            return self.refuse(552, "5.3.4", "the message is too large");
        }
        self.state = State::Envelope(Transaction::new(reverse_path, parameters));
        self.answer(250, "2.1.0 ok")
    }

    fn rcpt(&mut self, recipient: Recipient) -> Option<Event> {
        let State::Envelope(transaction) = &mut self.state else {
            return self.refuse(503, "5.5.1", "MAIL comes first");
        };
        if transaction.recipients() >= self.terms.max_recipients {
            return self.refuse(452, "4.5.3", "too many recipients");
        }
        transaction.add(recipient);
        self.answer(250, "2.1.5 ok")
    }

    fn begin_data(&mut self) -> Option<Event> {
        let line_ends = if self.terms.dialect == Dialect::Batch { LineEnds::Lf } else { LineEnds::Crlf };
        match self.begin() {
            Ok((mail, recipients)) => {
                self.state = State::Data { recipients, unstuffer: Unstuffer::new(line_ends) };
                self.replies.line(354, "end with a lone dot");
                Some(Event::Begin(mail))
            }
            Err(text) => self.refuse(503, "5.5.1", text),
        }
    }

    fn begin_chunk(&mut self, left: u64, last: bool) -> Option<Event> {
        if let State::BetweenChunks { recipients } = self.state {
            self.state = State::Chunk { recipients, left, last };
            return None;
        }
        match self.begin() {
            Ok((mail, recipients)) => {
                self.state = State::Chunk { recipients, left, last };
                Some(Event::Begin(mail))
            }
            Err(text) => {
                let event = self.refuse(503, "5.5.1", text);
                if !matches!(self.state, State::Closed) {
                    self.state = State::Chunk { recipients: 0, left, last };
                }
                event
            }
        }
    }

    /// RFC 2033 section 4.2: without a recipient there is no message.
    fn begin(&self) -> Result<(Box<Mail>, usize), &'static str> {
        match &self.state {
            State::Envelope(transaction) if transaction.recipients() > 0 => {
                let mail = Mail { envelope: transaction.envelope(), xforward: self.xforward.clone() };
                Ok((Box::new(mail), transaction.recipients()))
            }
            State::Envelope(_) => Err("no valid recipients"),
            State::BetweenChunks { .. } => Err("BDAT has begun"),
            _ => Err("MAIL comes first"),
        }
    }
}
