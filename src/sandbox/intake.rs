//! The message of a session: DATA, BDAT, and the reply to the whole.

use super::header;
use super::journal::Kept;
use super::receive::{Oddity, Receiver, Undot};
use super::replies;
use super::rule::{Kind, Stage};
use super::session::{Flow, Session};
use super::transaction::Transaction;
use crate::wire::reply::Reply;
use std::io;

impl Session {
    pub(super) async fn data(&mut self) -> io::Result<Flow> {
        let ready =
            self.transaction.as_ref().is_some_and(|known| !known.recipients.is_empty() && known.chunks.is_none());
        let own = match ready {
            true => Reply::new(354, "Start mail input; end with <CRLF>.<CRLF>"),
            false => Reply::new(503, "Bad sequence of commands"),
        };
        let reply = self.decided(Stage::Data, own);
        let flow = self.send(Stage::Data, &reply).await?;
        if flow == Flow::Close || reply.code / 100 != 3 {
            return Ok(flow);
        }
        let (mut receiver, mut undot) = (Receiver::new(&self.shared.journal, self.id)?, Undot::new());
        let mut decoded = Vec::new();
        loop {
            let octets = self.connection.octets().await.unwrap_or_default();
            if octets.is_empty() {
                return Ok(self.cut());
            }
            let came = octets.len();
            let end = undot.decode(octets, &mut decoded);
            self.connection.consume(end.unwrap_or(came));
            receiver.push(&decoded)?;
            decoded.clear();
            if end.is_some() {
                break;
            }
        }
        if undot.unstuffed {
            self.fault("a line that begins with a dot nobody had doubled");
        }
        self.whole(receiver).await
    }

    pub(super) async fn bdat(&mut self, size: u64, last: bool) -> io::Result<Flow> {
        let ready = self.transaction.as_ref().is_some_and(|known| !known.recipients.is_empty());
        let mut receiver = match self.transaction.as_mut().and_then(|known| known.chunks.take()) {
            Some(receiver) => receiver,
            None => Receiver::new(&self.shared.journal, self.id)?,
        };
        if !self.read_chunk(size, &mut receiver).await? {
            return Ok(self.cut());
        }
        if !self.shared.extensions.chunking || !ready {
            return self.refuse_chunk(ready).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.by_bdat = true;
        }
        if last {
            return self.whole(receiver).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.chunks = Some(receiver);
        }
        let reply = self.decided(Stage::Data, Reply::new(250, &format!("{size} octets received")));
        if !reply.is_positive() {
            self.transaction = None;
        }
        self.send(Stage::Data, &reply).await
    }

    /// A chunk is read even where it is refused, because the client sent it without asking (RFC 3030 section 2).
    async fn read_chunk(&mut self, size: u64, receiver: &mut Receiver) -> io::Result<bool> {
        let mut missing = size;
        while missing > 0 {
            let octets = self.connection.octets().await.unwrap_or_default();
            if octets.is_empty() {
                return Ok(false);
            }
            let taken = usize::try_from(missing).unwrap_or(usize::MAX).min(octets.len());
            receiver.push(&octets[..taken])?;
            self.connection.consume(taken);
            missing -= taken as u64;
        }
        Ok(true)
    }

    async fn refuse_chunk(&mut self, ready: bool) -> io::Result<Flow> {
        if !self.shared.extensions.chunking {
            self.fault("BDAT was not offered");
        }
        let code = if ready { 502 } else { 503 };
        let reply = self.decided(Stage::Data, Reply::new(code, "Bad sequence of commands, or BDAT not implemented"));
        self.send(Stage::Data, &reply).await
    }

    fn cut(&mut self) -> Flow {
        self.shared.journal.record(self.id, "cut", "the connection ended within a message", |counters| {
            counters.cut += 1;
        });
        Flow::Close
    }

    /// The whole message is here: judge it, keep it, answer.
    async fn whole(&mut self, mut receiver: Receiver) -> io::Result<Flow> {
        receiver.finish()?;
        let Some(transaction) = self.transaction.take() else {
            return Ok(Flow::Close);
        };
        let own = self.judge(&receiver, &transaction);
        let reply = self.decided(Stage::Final, own);
        if reply.is_positive() {
            let silent = [Kind::DropReply(Stage::Final), Kind::SilentAt(Stage::Final)];
            let answered = !silent.iter().any(|kind| self.shared.rules.has(kind));
            let kept = self.kept(&receiver, &transaction, answered);
            self.shared.journal.keep(kept, receiver.path(), &transaction)?;
            self.taken += 1;
        } else if let Some(path) = receiver.path() {
            // It is overwritten by the session's next message anyway.
            let _ = std::fs::remove_file(path);
        }
        self.send(Stage::Final, &reply).await
    }

    fn judge(&mut self, receiver: &Receiver, transaction: &Transaction) -> Reply {
        let declared = transaction.has("BODY=8BITMIME");
        let oddities: Vec<Oddity> =
            receiver.oddities().filter(|oddity| *oddity != Oddity::EightBit || !declared).collect();
        oddities.iter().for_each(|oddity| self.fault(oddity.describe()));
        if let Some(oddity) = oddities.iter().find(|oddity| oddity.smuggles()) {
            return replies::lines(554, &["Transaction failed", oddity.describe()]);
        }
        if receiver.octets() > self.size_limit() {
            return Reply::new(552, "Message size exceeds fixed maximum message size");
        }
        let login = self.login.as_ref().map(|(login, _)| login.as_str()).unwrap_or_default();
        let refused = self.shared.rules.find(|kind| match kind {
            Kind::HeaderPolicy => header::problem(receiver.header()),
            Kind::FromMustMatch if !header::is_from(receiver.header(), login) => {
                Some(format!("the header From is not {login}"))
            }
            _ => None,
        });
        match refused {
            None => replies::okay(),
            Some(reason) => {
                self.shared.journal.record(self.id, "header-refused", &reason, |_| ());
                replies::header_refused(self.peer.ip())
            }
        }
    }

    fn kept(&self, receiver: &Receiver, transaction: &Transaction, answered: bool) -> Kept {
        let mut used = transaction.used();
        if self.pipelined {
            used.push("PIPELINING".to_owned());
        }
        let (login, mechanism) = self
            .login
            .as_ref()
            .map(|(login, mechanism)| (login.clone(), mechanism.name().to_owned()))
            .unwrap_or_default();
        Kept {
            number: 0,
            session: self.id,
            peer: self.peer.to_string(),
            ehlo: self.ehlo.clone(),
            tls: self.tls.clone(),
            login,
            mechanism,
            mail: transaction.mail_line.clone(),
            mail_from: transaction.reverse_path.to_string(),
            parameters: transaction.parameters.clone(),
            recipients: transaction.recipients.clone(),
            by: if transaction.by_bdat { "BDAT" } else { "DATA" }.to_owned(),
            octets: receiver.octets(),
            used,
            faults: self.faults.clone(),
            answered,
            path: Default::default(),
        }
    }
}
