//! One session: a command, a reply, and what must hold between them.

use super::command::Command;
use super::connection::{Connection, Line};
use super::rule::{Kind, Stage};
use super::transaction::Transaction;
use super::{Mechanism, Shared, TlsMode, replies};
use crate::wire::reply::{Reply, ReplyClass};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// GMX's SIZE in the capture of 2016.
const SIZE: u64 = 69_920_427;

/// Whether the session goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Close,
}

pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) peer: SocketAddr,
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) mode: TlsMode,
    pub(super) tls: Option<String>,
    pub(super) ehlo: String,
    /// Login and mechanism.
    pub(super) login: Option<(String, Mechanism)>,
    pub(super) transaction: Option<Transaction>,
    pub(super) taken: u64,
    pub(super) pipelined: bool,
    pub(super) faults: Vec<String>,
}

impl Session {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, mode: TlsMode, shared: Arc<Shared>) -> Session {
        let id = shared.journal.connected(peer);
        Session {
            connection: Connection::new(stream),
            peer,
            shared,
            id,
            mode,
            tls: None,
            ehlo: String::new(),
            login: None,
            transaction: None,
            taken: 0,
            pipelined: false,
            faults: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) {
        // An error means that the client went away, which is no fault of the server's.
        let end = self.converse().await.err().map(|error| error.to_string()).unwrap_or_default();
        self.connection.close().await;
        self.shared.journal.record(self.id, "closed", &end, |counters| counters.closed += 1);
    }

    async fn converse(&mut self) -> io::Result<()> {
        if self.shared.rules.has(&Kind::DropAfter(Stage::Connect)) {
            return Ok(());
        }
        if self.mode == TlsMode::Implicit && self.begin_tls().await? == Flow::Close {
            return Ok(());
        }
        let blocked = self.shared.rules.find(|kind| match kind {
            Kind::BlockList(address) => address.is_none_or(|address| address == self.peer.ip()).then_some(()),
            _ => None,
        });
        let own = blocked.map_or_else(replies::greeting, |()| replies::block_listed(self.peer.ip()));
        let greeting = self.decided(Stage::Banner, own);
        if self.send(Stage::Banner, &greeting).await? == Flow::Close || !greeting.is_positive() {
            return Ok(());
        }
        while self.next_command().await? == Flow::Continue {}
        Ok(())
    }

    async fn begin_tls(&mut self) -> io::Result<Flow> {
        if self.shared.rules.has(&Kind::SilentAt(Stage::Tls)) {
            self.connection.until_closed().await;
            return Ok(Flow::Close);
        }
        if self.shared.rules.has(&Kind::DropReply(Stage::Tls)) {
            return Ok(Flow::Close);
        }
        let version = self.connection.start_tls(&self.shared.acceptor).await?;
        self.shared.journal.record(self.id, "tls", &version, |counters| counters.handshakes += 1);
        self.tls = Some(version);
        let drops = self.shared.rules.has(&Kind::DropAfter(Stage::Tls));
        Ok(if drops { Flow::Close } else { Flow::Continue })
    }

    async fn next_command(&mut self) -> io::Result<Flow> {
        let line = match self.connection.line().await? {
            Line::Complete(line) => line,
            Line::End => return Ok(Flow::Close),
            Line::Bare => {
                self.fault("a command line with bare CR or LF");
                return self.answer(Stage::Other, Reply::new(500, "Line must end with CRLF")).await;
            }
            Line::TooLong => {
                self.answer(Stage::Other, Reply::new(500, "Line too long")).await?;
                return Ok(Flow::Close);
            }
        };
        self.shared.journal.count(|counters| counters.commands += 1);
        let Ok(line) = String::from_utf8(line) else {
            self.fault("a command line that is not UTF-8");
            return self.answer(Stage::Other, Reply::new(500, "Syntax error")).await;
        };
        self.shared.heard(self.id, &line);
        if !line.is_ascii() && !self.shared.extensions.smtputf8 {
            self.fault("octets over 127 in a command without SMTPUTF8");
        }
        self.carry_out(Command::parse(&line), &line).await
    }

    async fn carry_out(&mut self, command: Command, line: &str) -> io::Result<Flow> {
        match command {
            Command::Ehlo(name) => self.ehlo(name).await,
            Command::Helo(name) => {
                self.ehlo = name;
                self.transaction = None;
                self.answer(Stage::Ehlo, Reply::new(250, "gmx.net Hello")).await
            }
            Command::StartTls => self.starttls().await,
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial.as_deref()).await,
            Command::Mail { reverse_path, parameters } => self.mail(line, reverse_path, parameters).await,
            Command::Rcpt { mailbox, parameters } => self.rcpt(&mailbox, parameters).await,
            Command::Data => self.data().await,
            Command::Bdat { size, last } => self.bdat(size, last).await,
            Command::Rset => {
                self.transaction = None;
                self.answer(Stage::Other, Reply::new(250, "Requested mail action okay, completed")).await
            }
            Command::Noop => self.answer(Stage::Other, Reply::new(250, "OK")).await,
            Command::Quit => {
                let bye = Reply::new(221, "gmx.net Service closing transmission channel");
                self.answer(Stage::Quit, bye).await?;
                Ok(Flow::Close)
            }
            Command::Unknown => self.answer(Stage::Other, Reply::new(500, "Syntax error, command unrecognized")).await,
            Command::Malformed(expected) => {
                self.fault(&format!("expected {expected}, but found {line:?}"));
                let text = format!("Syntax error in parameters or arguments, expected {expected}");
                self.answer(Stage::Other, Reply::new(501, &text)).await
            }
        }
    }

    async fn ehlo(&mut self, name: String) -> io::Result<Flow> {
        let hello = format!("gmx.net Hello {name} [{}]", self.peer.ip());
        self.ehlo = name;
        self.transaction = None;
        let mut lines = vec![hello, format!("SIZE {}", self.size_limit())];
        let extensions = self.shared.extensions;
        let offered = [
            (extensions.pipelining, "PIPELINING"),
            (extensions.chunking, "CHUNKING"),
            (extensions.eight_bit_mime, "8BITMIME"),
            (extensions.smtputf8, "SMTPUTF8"),
            (extensions.dsn, "DSN"),
            (extensions.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
        ];
        lines.extend(offered.iter().filter(|(is, _)| *is).map(|(_, keyword)| (*keyword).to_owned()));
        let mechanisms: Vec<&str> = self.shared.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
        if !mechanisms.is_empty() {
            lines.push(format!("AUTH {}", mechanisms.join(" ")));
        }
        if self.offers_starttls() {
            lines.push("STARTTLS".to_owned());
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        self.answer(Stage::Ehlo, replies::lines(250, &lines)).await
    }

    fn offers_starttls(&self) -> bool {
        self.mode == TlsMode::StartTls && self.tls.is_none() && !self.shared.rules.has(&Kind::NoStartTls)
    }

    async fn starttls(&mut self) -> io::Result<Flow> {
        if !self.offers_starttls() {
            return self.answer(Stage::StartTls, Reply::new(502, "Command not implemented")).await;
        }
        if self.connection.early().await > 0 {
            self.fault("octets behind STARTTLS");
        }
        let reply = self.decided(Stage::StartTls, Reply::new(220, "OK"));
        let injects = self.shared.rules.has(&Kind::StartTlsInjection);
        let flow = if injects {
            self.connection.write(b"220 OK\r\n250 injected in clear\r\n").await.map(|()| Flow::Continue)?
        } else {
            self.send(Stage::StartTls, &reply).await?
        };
        if flow == Flow::Close || !reply.is_positive() {
            return Ok(flow);
        }
        self.connection.discard();
        self.ehlo.clear();
        self.begin_tls().await
    }

    pub(super) fn size_limit(&self) -> u64 {
        let ruled = self.shared.rules.find(|kind| match kind {
            Kind::Size(limit) => Some(*limit),
            _ => None,
        });
        ruled.unwrap_or(SIZE)
    }

    /// The reply that a rule puts in place of `own` at this stage, or `own`.
    pub(super) fn decided(&self, stage: Stage, own: Reply) -> Reply {
        let ruled = self.shared.rules.find(|kind| match kind {
            Kind::Reply(at, reply) if *at == stage => Some(reply.clone()),
            _ => None,
        });
        ruled.unwrap_or(own)
    }

    pub(super) async fn answer(&mut self, stage: Stage, own: Reply) -> io::Result<Flow> {
        let reply = self.decided(stage, own);
        self.send(stage, &reply).await
    }

    /// Sends `reply`, or does what the rules of this stage say instead.
    pub(super) async fn send(&mut self, stage: Stage, reply: &Reply) -> io::Result<Flow> {
        self.look_for_early_octets(stage).await;
        let rules = &self.shared.rules;
        if rules.has(&Kind::SilentAt(stage)) {
            self.connection.until_closed().await;
            return Ok(Flow::Close);
        }
        if rules.has(&Kind::DropReply(stage)) {
            return Ok(Flow::Close);
        }
        let delay = rules.find(|kind| match kind {
            Kind::Delay(at, time) if *at == stage => Some(*time),
            _ => None,
        });
        if let Some(time) = delay {
            tokio::time::sleep(time).await;
        }
        if matches!(reply.class(), ReplyClass::Transient | ReplyClass::Permanent) {
            self.shared.journal.record(self.id, "refused", &format!("{stage:?}: {reply}"), |counters| {
                counters.refusals += 1;
            });
        }
        self.shared.said(self.id, reply);
        self.connection.write(&replies::octets(stage, reply, self.shared.extensions)).await?;
        let drops = self.shared.rules.has(&Kind::DropAfter(stage));
        Ok(if drops || reply.code == 421 { Flow::Close } else { Flow::Continue })
    }

    /// Notices octets that came before the reply they should have waited for (RFC 2920 section 3.1).
    async fn look_for_early_octets(&mut self, stage: Stage) {
        let may_be_followed =
            matches!(stage, Stage::Mail | Stage::Rcpt | Stage::Other | Stage::Final) || self.transaction_by_bdat();
        if self.shared.extensions.pipelining && may_be_followed {
            self.pipelined |= self.connection.early().await > 0;
        } else {
            self.lockstep(&format!("the reply at {stage:?}")).await;
        }
    }

    fn transaction_by_bdat(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.by_bdat)
    }

    pub(super) async fn lockstep(&mut self, before: &str) {
        if self.connection.early().await > 0 {
            self.fault(&format!("octets before {before}"));
        }
    }

    pub(super) fn fault(&mut self, what: &str) {
        self.shared.journal.fault(self.id, what);
        self.faults.push(what.to_owned());
    }
}
