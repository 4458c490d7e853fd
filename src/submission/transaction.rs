//! One transaction: MAIL to the final reply, every recipient accounted for exactly once.
//!
//! | the server offers | flights of a message to one recipient |
//! |---|---|
//! | PIPELINING, CHUNKING | MAIL, RCPT, BDAT and the message together, while it is short; else the message after the replies |
//! | PIPELINING | MAIL, RCPT, DATA; then the message |
//! | neither | strict lockstep |
//!
//! Where all recipients or none are to get the message, the replies to RCPT are awaited before it.

use super::chat::Shown;
use super::failure::{Failure, FailureKind};
use super::session::Authenticated;
use super::{command, content};
use crate::message::Message;
use crate::message::smtputf8::needs_smtputf8;
use crate::verdict::{Extension, Stage};
use crate::wire::envelope::Envelope;
use crate::wire::reply::{Reply, ReplyClass};

/// The largest message that goes out before the recipients are known to be accepted: what a refusal may waste.
const SHORT: u64 = 128 * 1024;

/// Asked before the end of the message goes out: whether it is known to be whole; else how it was noticed that it is
/// not.
pub type IsWhole<'a> = &'a (dyn Fn() -> Result<(), String> + Sync);

/// Who gets a message of which some recipients are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Nobody.
    AllOrNone,
    /// The others.
    PerRecipient,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// The message was accepted for it.
    Accepted(Reply),
    /// The server said no, to it or to all.
    Refused {
        /// To which command.
        stage: Stage,
        /// What it said.
        reply: Reply,
    },
    /// It was accepted, but another was not, and nothing was sent.
    Withheld,
}

/// What went out with MAIL and RCPT, in the same flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Nothing,
    DataCommand,
    WholeMessage,
}

impl Authenticated {
    /// Sends a message; one outcome for each recipient, in their order.
    ///
    /// # Errors
    /// [`Failure`], where nothing can be said of single recipients. The message was not accepted then, or, for
    /// [`FailureKind::Unanswered`], nobody knows.
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        message: &Message,
        recipients: Recipients,
        is_whole: IsWhole<'_>,
    ) -> Result<Vec<RecipientOutcome>, Failure> {
        let smtputf8 = self.check(envelope, message)?;
        self.count();
        self.chat.begin();
        // Nothing has gone out yet that this could be about.
        self.chat.expect_silence(Stage::Mail).await.map_err(untouched)?;
        let is_all_or_none = recipients == Recipients::AllOrNone && envelope.recipients.len() > 1;
        let mut transaction = Transaction { session: self, envelope, message, smtputf8, is_all_or_none, is_whole };
        let sent = transaction.run().await;
        if sent.is_err() {
            self.chat.give_up();
        }
        sent
    }

    /// What can be known before a single octet is sent; whether SMTPUTF8 has to be asked for.
    fn check(&self, envelope: &Envelope, message: &Message) -> Result<bool, Failure> {
        let server = &self.capabilities;
        let missing = |extension| Err(Failure::new(Stage::Mail, FailureKind::ExtensionMissing(extension)));
        let smtputf8 = needs_smtputf8(&message.header)
            || envelope
                .reverse_path
                .mailbox()
                .is_some_and(|mailbox| mailbox.with_ascii_domain().is_internationalized())
            || envelope.recipients.iter().any(|to| to.mailbox.with_ascii_domain().is_internationalized());
        if smtputf8 && !server.smtputf8 {
            return missing(Extension::SmtpUtf8);
        }
        if message.is_eight_bit() && !server.eight_bit_mime {
            return missing(Extension::EightBitMime);
        }
        match server.size {
            Some(limit) if message.len() > limit => {
                Err(Failure::new(Stage::Mail, FailureKind::TooLarge { size: message.len(), limit }))
            }
            _ => Ok(smtputf8),
        }
    }
}

struct Transaction<'a> {
    session: &'a mut Authenticated,
    envelope: &'a Envelope,
    message: &'a Message,
    smtputf8: bool,
    is_all_or_none: bool,
    is_whole: IsWhole<'a>,
}

impl Transaction<'_> {
    async fn run(&mut self) -> Result<Vec<RecipientOutcome>, Failure> {
        let resets = std::mem::replace(&mut self.session.is_dirty, true);
        let replies = if self.session.capabilities.pipelining {
            let ahead = self.ahead();
            self.pipelined(ahead, resets).await?
        } else {
            self.in_lockstep(resets).await?
        };
        let accepted = replies.recipients.iter().filter(|reply| reply.is_positive()).count();
        let is_mixed = self.is_all_or_none && accepted < replies.recipients.len();
        if let Some(reply) = replies.mail {
            return Ok(self.all_refused(Stage::Mail, &reply));
        }
        if accepted == 0 || is_mixed {
            return Ok(self.outcomes(&replies.recipients, &RecipientOutcome::Withheld));
        }
        let outcome = match replies.ahead {
            Answered::Nothing => self.send_message().await?,
            Answered::Data(reply) => self.after_data(reply).await?,
            Answered::Message(reply) => self.concluded(reply)?,
        };
        Ok(self.outcomes(&replies.recipients, &outcome))
    }

    fn ahead(&self) -> Ahead {
        match self.session.capabilities.chunking {
            _ if self.is_all_or_none => Ahead::Nothing,
            true if self.message.len() <= SHORT => Ahead::WholeMessage,
            true => Ahead::Nothing,
            false => Ahead::DataCommand,
        }
    }

    /// MAIL, all RCPT and what may go ahead in one write; then their replies in order.
    async fn pipelined(&mut self, ahead: Ahead, resets: bool) -> Result<Replies, Failure> {
        let mut flight = if resets { "RSET\r\n".to_owned() } else { String::new() };
        flight.push_str(&self.mail());
        self.envelope.recipients.iter().for_each(|to| {
            flight.push_str(&command::rcpt(to, &self.session.capabilities, self.smtputf8));
        });
        match ahead {
            Ahead::WholeMessage => self.send_all_at_once(flight).await?,
            Ahead::DataCommand | Ahead::Nothing => {
                flight.push_str(if ahead == Ahead::DataCommand { "DATA\r\n" } else { "" });
                let sent = self.session.chat.send(Stage::Mail, flight.as_bytes(), Shown::Lines).await;
                sent.map_err(|failure| self.after_flight(ahead, failure))?;
            }
        }
        let replies = self.pipelined_replies(ahead, resets).await;
        replies.map_err(|failure| self.after_flight(ahead, failure))
    }

    async fn send_all_at_once(&mut self, mut flight: String) -> Result<(), Failure> {
        (self.is_whole)().map_err(|detail| Failure::new(Stage::Mail, FailureKind::Cut(detail)))?;
        flight.push_str(&command::bdat(self.message.len()));
        let shown = flight.trim_end().to_owned();
        let mut octets = flight.into_bytes();
        content::append(self.message, &mut octets)?;
        self.session.chat.show_lines(&shown, self.message.len());
        let written = self.session.chat.write(Stage::Final, &octets).await;
        written.map_err(content::unanswered)
    }

    /// A failure once MAIL is out. A server that closes without a word has begun nothing, unless the whole message went
    /// with it: replies to a flight may be held back until its end, and be lost with it.
    fn after_flight(&self, ahead: Ahead, failure: Failure) -> Failure {
        match ahead {
            Ahead::WholeMessage if !failure.is_untouched => content::unanswered(failure),
            Ahead::WholeMessage => failure,
            _ if failure.stage == Stage::Mail && self.session.chat.is_closed_in_silence() => untouched(failure),
            _ => failure,
        }
    }

    async fn pipelined_replies(&mut self, ahead: Ahead, resets: bool) -> Result<Replies, Failure> {
        let chat = &mut self.session.chat;
        if resets {
            check_reset(&chat.reply(Stage::Mail).await?)?;
        }
        let mail = chat.reply(Stage::Mail).await?;
        check_mail(&mail)?;
        let mut recipients = Vec::new();
        for _ in &self.envelope.recipients {
            match chat.reply(Stage::Rcpt).await.and_then(checked_rcpt) {
                Ok(reply) => recipients.push(reply),
                // MAIL was refused, and that is what counts.
                Err(_) if !mail.is_positive() => break,
                Err(failure) => return Err(failure),
            }
        }
        let is_hopeless = !mail.is_positive() || !recipients.iter().any(Reply::is_positive);
        let ahead = match ahead {
            Ahead::Nothing => Answered::Nothing,
            Ahead::DataCommand => self.data_reply(is_hopeless).await?,
            Ahead::WholeMessage => self.message_reply(is_hopeless).await?,
        };
        Ok(Replies { mail: (!mail.is_positive()).then_some(mail), recipients, ahead })
    }

    /// RFC 2920 section 3.1: a server may say 354 although it accepted nobody; it then gets an empty message.
    async fn data_reply(&mut self, is_hopeless: bool) -> Result<Answered, Failure> {
        let chat = &mut self.session.chat;
        match chat.reply(Stage::Data).await {
            Ok(reply) if is_hopeless && reply.class() == ReplyClass::Intermediate => {
                let end = chat.write(Stage::Data, b".\r\n").await;
                if end.is_err() || chat.reply(Stage::Final).await.is_err() {
                    chat.give_up();
                }
                Ok(Answered::Nothing)
            }
            Ok(reply) => Ok(Answered::Data(reply)),
            Err(_) if is_hopeless => Ok(Answered::Nothing),
            Err(failure) => Err(failure),
        }
    }

    async fn message_reply(&mut self, is_hopeless: bool) -> Result<Answered, Failure> {
        let chat = &mut self.session.chat;
        match chat.reply(Stage::Final).await {
            Ok(reply) if is_hopeless && reply.is_positive() => Err(chat.out_of_step(Stage::Final)),
            Ok(reply) => Ok(Answered::Message(reply)),
            Err(_) if is_hopeless => Ok(Answered::Nothing),
            Err(failure) => Err(failure),
        }
    }

    /// One command, one reply; nothing follows a refusal that decides.
    async fn in_lockstep(&mut self, resets: bool) -> Result<Replies, Failure> {
        let mail = self.begin_in_lockstep(resets).await;
        let mail = mail.map_err(|failure| self.after_flight(Ahead::Nothing, failure))?;
        if !mail.is_positive() {
            return Ok(Replies { mail: Some(mail), recipients: Vec::new(), ahead: Answered::Nothing });
        }
        let mut recipients: Vec<Reply> = Vec::new();
        for to in &self.envelope.recipients {
            let line = command::rcpt(to, &self.session.capabilities, self.smtputf8);
            let reply = self.session.chat.command(Stage::Rcpt, line.as_bytes(), Shown::Lines).await?;
            recipients.push(checked_rcpt(reply)?);
        }
        Ok(Replies { mail: None, recipients, ahead: Answered::Nothing })
    }

    /// RSET where it is needed, and MAIL.
    async fn begin_in_lockstep(&mut self, resets: bool) -> Result<Reply, Failure> {
        let mail = self.mail();
        let chat = &mut self.session.chat;
        if resets {
            check_reset(&chat.command(Stage::Mail, b"RSET\r\n", Shown::Lines).await?)?;
        }
        let reply = chat.command(Stage::Mail, mail.as_bytes(), Shown::Lines).await?;
        check_mail(&reply)?;
        Ok(reply)
    }

    fn mail(&self) -> String {
        command::mail(self.envelope, self.message, &self.session.capabilities, self.smtputf8)
    }

    /// The message, after all replies to RCPT.
    async fn send_message(&mut self) -> Result<RecipientOutcome, Failure> {
        if self.session.capabilities.chunking {
            let chat = &mut self.session.chat;
            let refused = content::send_chunk(chat, self.message, self.is_whole).await?;
            return match refused {
                Some(reply) => Ok(RecipientOutcome::Refused { stage: Stage::Final, reply }),
                None => self.final_reply().await,
            };
        }
        let reply = self.session.chat.command(Stage::Data, b"DATA\r\n", Shown::Lines).await?;
        self.after_data(reply).await
    }

    async fn after_data(&mut self, reply: Reply) -> Result<RecipientOutcome, Failure> {
        match reply.class() {
            ReplyClass::Intermediate => {}
            ReplyClass::Completed => return Err(self.session.chat.out_of_step(Stage::Data)),
            ReplyClass::Transient | ReplyClass::Permanent => {
                return Ok(RecipientOutcome::Refused { stage: Stage::Data, reply });
            }
        }
        let refused = content::send_stuffed(&mut self.session.chat, self.message, self.is_whole).await?;
        match refused {
            Some(reply) => Ok(RecipientOutcome::Refused { stage: Stage::Final, reply }),
            None => self.final_reply().await,
        }
    }

    async fn final_reply(&mut self) -> Result<RecipientOutcome, Failure> {
        let reply = self.session.chat.reply(Stage::Final).await.map_err(content::unanswered)?;
        self.concluded(reply)
    }

    fn concluded(&mut self, reply: Reply) -> Result<RecipientOutcome, Failure> {
        match reply.class() {
            ReplyClass::Completed => {
                self.session.is_dirty = false;
                Ok(RecipientOutcome::Accepted(reply))
            }
            ReplyClass::Intermediate => Err(content::unanswered(self.session.chat.out_of_step(Stage::Final))),
            ReplyClass::Transient | ReplyClass::Permanent => {
                // A refused end of data has cleared the buffers (RFC 5321 section 4.1.1.4), a refused chunk leaves
                // nobody knows what (RFC 3030 section 2).
                self.session.is_dirty = self.session.capabilities.chunking;
                Ok(RecipientOutcome::Refused { stage: Stage::Final, reply })
            }
        }
    }

    fn all_refused(&self, stage: Stage, reply: &Reply) -> Vec<RecipientOutcome> {
        let refused = RecipientOutcome::Refused { stage, reply: reply.clone() };
        vec![refused; self.envelope.recipients.len()]
    }

    /// `outcome` for those who were accepted, their own refusal for the others.
    fn outcomes(&self, replies: &[Reply], outcome: &RecipientOutcome) -> Vec<RecipientOutcome> {
        let of = |reply: &Reply| match reply.is_positive() {
            true => outcome.clone(),
            false => RecipientOutcome::Refused { stage: Stage::Rcpt, reply: reply.clone() },
        };
        replies.iter().map(of).collect()
    }
}

/// What came in for MAIL, RCPT and what went ahead.
struct Replies {
    /// The refusal of MAIL.
    mail: Option<Reply>,
    recipients: Vec<Reply>,
    ahead: Answered,
}

/// The reply to what went ahead.
enum Answered {
    Nothing,
    Data(Reply),
    Message(Reply),
}

/// 421 closes the session before anything of the message was accepted; a 3yz answers no MAIL.
fn check_mail(reply: &Reply) -> Result<(), Failure> {
    match (reply.code, reply.class()) {
        (421, _) => Err(untouched(Failure::refused(Stage::Mail, reply.clone()))),
        (_, ReplyClass::Intermediate) => Err(Failure::unwelcome(Stage::Mail, reply.clone())),
        _ => Ok(()),
    }
}

/// Without RSET nobody knows what MAIL would be answered with.
fn check_reset(reply: &Reply) -> Result<(), Failure> {
    match reply.code {
        421 => Err(untouched(Failure::refused(Stage::Mail, reply.clone()))),
        _ if reply.is_positive() => Ok(()),
        _ => Err(Failure::connection(Stage::Mail, format!("RSET was answered by {reply}"))),
    }
}

/// A 3yz answers no RCPT.
fn checked_rcpt(reply: Reply) -> Result<Reply, Failure> {
    match reply.class() {
        ReplyClass::Intermediate => Err(Failure::unwelcome(Stage::Rcpt, reply)),
        _ => Ok(reply),
    }
}

fn untouched(failure: Failure) -> Failure {
    Failure { is_untouched: true, ..failure }
}
