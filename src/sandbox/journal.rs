//! What happened: messages as files, events as lines of JSON, and counters that can be waited for.

use super::transaction::Transaction;
use serde::Serialize;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A message that was taken. `NNNNNN.eml` holds its octets as they came, dot-stuffing undone; `NNNNNN.json` this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Counted from 1.
    pub number: u64,
    /// The session it came by, counted from 1.
    pub session: u64,
    /// The client's address and port.
    pub peer: String,
    /// What EHLO said.
    pub ehlo: String,
    /// The TLS version, if there was TLS.
    pub tls: Option<String>,
    /// Who had logged in.
    pub login: String,
    /// By which mechanism.
    pub mechanism: String,
    /// The MAIL command as it came.
    pub mail: String,
    /// Its reverse-path, empty for the null reverse-path.
    pub mail_from: String,
    /// Its parameters as they came.
    pub parameters: Vec<String>,
    /// Every recipient that was accepted.
    pub recipients: Vec<KeptRecipient>,
    /// `DATA` or `BDAT`.
    pub by: String,
    /// The message's length.
    pub octets: u64,
    /// Extensions that the client made use of.
    pub used: Vec<String>,
    /// What broke the protocol in this session so far without being reason to refuse.
    pub faults: Vec<String>,
    /// Whether the client was told.
    pub answered: bool,
    /// Where its octets are; empty when messages are only counted.
    #[serde(skip)]
    pub path: PathBuf,
}

/// A recipient with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeptRecipient {
    /// The address.
    pub address: String,
    /// Its parameters as they came.
    pub parameters: Vec<String>,
}

/// How often things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// TCP connections.
    pub connections: u64,
    /// Connections that ended.
    pub closed: u64,
    /// TLS handshakes completed.
    pub handshakes: u64,
    /// Commands read.
    pub commands: u64,
    /// Successful logins.
    pub logins: u64,
    /// Refused logins.
    pub refused_logins: u64,
    /// MAIL commands accepted.
    pub transactions: u64,
    /// Messages taken.
    pub messages: u64,
    /// Negative replies.
    pub refusals: u64,
    /// Messages whose end never came.
    pub cut: u64,
    /// Breaches of the protocol.
    pub faults: u64,
}

impl Kept {
    /// The message's octets.
    ///
    /// # Errors
    /// As reading the file fails.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        std::fs::read(&self.path)
    }
}

/// The journal of one server.
pub(super) struct Journal {
    dir: PathBuf,
    discard: bool,
    sessions: AtomicU64,
    inner: Mutex<Inner>,
    counters: watch::Sender<Counters>,
}

struct Inner {
    events: File,
    messages: Vec<Kept>,
    faults: Vec<String>,
}

/// A line of `events.jsonl`.
#[derive(Serialize)]
struct Event<'a> {
    time: String,
    session: u64,
    event: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

impl Journal {
    pub(super) fn open(dir: &Path, discard: bool) -> io::Result<Journal> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let events = OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join("events.jsonl"))?;
        let inner = Inner { events, messages: Vec::new(), faults: Vec::new() };
        let counters = watch::Sender::new(Counters::default());
        Ok(Journal { dir: dir.to_owned(), discard, sessions: AtomicU64::new(0), inner: Mutex::new(inner), counters })
    }

    pub(super) fn connected(&self, peer: SocketAddr) -> u64 {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        self.record(session, "connected", &peer.to_string(), |counters| counters.connections += 1);
        session
    }

    pub(super) fn fault(&self, session: u64, what: &str) {
        self.lock().faults.push(format!("session {session}: {what}"));
        self.record(session, "fault", what, |counters| counters.faults += 1);
    }

    /// Writes an event, then lets the counters show it.
    pub(super) fn record(&self, session: u64, event: &str, detail: &str, count: impl FnOnce(&mut Counters)) {
        let time = jiff::Timestamp::now().to_string();
        if let Ok(mut line) = serde_json::to_vec(&Event { time, session, event, detail }) {
            line.push(b'\n');
            // A full disk must not change what the client sees; the counters still tell.
            let _ = self.lock().events.write_all(&line);
        }
        self.counters.send_modify(count);
    }

    /// Counts without an event.
    pub(super) fn count(&self, count: impl FnOnce(&mut Counters)) {
        self.counters.send_modify(count);
    }

    /// A file for a message under way, or none when messages are only counted.
    pub(super) fn new_file(&self, session: u64) -> io::Result<Option<(PathBuf, File)>> {
        if self.discard {
            return Ok(None);
        }
        let path = self.dir.join(format!(".taking-{session}"));
        let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
        Ok(Some((path, file)))
    }

    /// Numbers and keeps a complete message: the envelope first, so that whoever sees the message finds both.
    pub(super) fn keep(&self, mut kept: Kept, taking: Option<&Path>, transaction: &Transaction) -> io::Result<()> {
        let session = kept.session;
        {
            let mut inner = self.lock();
            kept.number = inner.messages.len() as u64 + 1;
            if let Some(taking) = taking {
                kept.path = self.dir.join(format!("{:06}.eml", kept.number));
                std::fs::write(kept.path.with_extension("json"), serde_json::to_vec_pretty(&kept)?)?;
                std::fs::rename(taking, &kept.path)?;
            }
            inner.messages.push(kept);
        }
        self.record(session, "message", &transaction.mail_line, |counters| counters.messages += 1);
        Ok(())
    }

    pub(super) fn messages(&self) -> Vec<Kept> {
        self.lock().messages.clone()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    pub(super) fn counters(&self) -> Counters {
        *self.counters.borrow()
    }

    pub(super) async fn wait_until(&self, done: impl Fn(&Counters) -> bool) {
        // The sender lives as long as `self`, so this ends only when `done` holds.
        let _ = self.counters.subscribe().wait_for(|counters| done(counters)).await;
    }

    // Every change is a single push, so a panic elsewhere leaves nothing half-done.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
