//! AUTH of a session.

use super::auth::{Attempt, Exchange, Step, encode, error_challenge};
use super::connection::Line;
use super::rule::{Kind, Stage};
use super::session::{Flow, Session};
use super::{Mechanism, TlsMode};
use crate::wire::reply::{Reply, ReplyClass};
use std::io;

impl Session {
    pub(super) async fn auth(&mut self, mechanism: &str, initial: Option<&str>) -> io::Result<Flow> {
        if self.login.is_some() || self.ehlo.is_empty() {
            return self.answer(Stage::Auth, Reply::new(503, "Bad sequence of commands")).await;
        }
        if self.tls.is_none() && self.mode != TlsMode::None {
            self.fault("AUTH without TLS");
            return self.answer(Stage::Auth, Reply::new(530, "Must issue a STARTTLS command first")).await;
        }
        let Some(mechanism) = self.shared.mechanisms.iter().copied().find(|known| known.name() == mechanism) else {
            return self.answer(Stage::Auth, Reply::new(504, "Unrecognized authentication type")).await;
        };
        let Some(attempt) = self.exchange(mechanism, initial).await? else {
            return self.answer(Stage::Auth, Reply::new(501, "Malformed authentication response")).await;
        };
        let own = self.judged(&attempt);
        let reply = self.decided(Stage::Auth, own);
        let journal = &self.shared.journal;
        if reply.is_positive() {
            journal.record(self.id, "login", &attempt.login, |counters| counters.logins += 1);
            self.login = Some((attempt.login, mechanism));
        } else {
            journal.record(self.id, "login-refused", &attempt.login, |counters| counters.refused_logins += 1);
            if let Some(json) = error_challenge(mechanism).filter(|_| reply.class() == ReplyClass::Permanent) {
                self.challenge(json).await?;
                self.connection.line().await?;
            }
        }
        self.send(Stage::Auth, &reply).await
    }

    /// The exchange up to the client's last word; `None` if it made no sense or was cancelled by `*`.
    async fn exchange(&mut self, mechanism: Mechanism, initial: Option<&str>) -> io::Result<Option<Attempt>> {
        let mut exchange = Exchange::new(mechanism);
        let mut step = exchange.begin(initial);
        loop {
            match step {
                Step::Done(attempt) => return Ok(Some(attempt)),
                Step::Malformed => return Ok(None),
                Step::Challenge(challenge) => self.challenge(&challenge).await?,
            }
            step = match self.connection.line().await? {
                Line::Complete(line) => {
                    self.shared.spoken(self.id, "C: <hidden>");
                    String::from_utf8(line).map_or(Step::Malformed, |line| exchange.respond(&line))
                }
                _ => Step::Malformed,
            };
        }
    }

    async fn challenge(&mut self, challenge: &str) -> io::Result<()> {
        self.lockstep("a challenge of AUTH").await;
        let line = format!("334 {}", encode(challenge));
        self.shared.spoken(self.id, &format!("S: {line}"));
        self.connection.write(format!("{line}\r\n").as_bytes()).await
    }

    fn judged(&self, attempt: &Attempt) -> Reply {
        let logins = self.shared.journal.counters().logins;
        let rule = self.shared.rules.find(|kind| match kind {
            Kind::TooManyLogins(limit) if logins >= *limit => {
                Some(Reply::new(454, "4.7.0 Too many login attempts, please try again later."))
            }
            Kind::WrongPassword(login) if login.as_ref().is_none_or(|login| *login == attempt.login) => Some(refused()),
            _ => None,
        });
        rule.unwrap_or_else(|| match self.shared.users.admits(&attempt.login, &attempt.secret) {
            true => Reply::new(235, "Authentication succeeded"),
            false => refused(),
        })
    }
}

fn refused() -> Reply {
    Reply::new(535, "Authentication credentials invalid")
}
