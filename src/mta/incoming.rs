//! What comes on standard input, and where long messages are spooled.

use super::answer::local;
use crate::config::Config;
use crate::message::{Intake, IntakeError, Limits, Message};
use crate::stdio::{self, Stdin};
use crate::verdict::Outcome;
use rustix::fs::{Access, Mode};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;

/// Octets read in one go.
const PIECE: usize = 64 * 1024;

/// The least octets of a message: no MTA has an empty one, so what is empty was cut.
pub(super) const LEAST: u64 = 1;

/// Standard input, up to its end.
pub(super) struct Incoming {
    stdin: Stdin,
    buffer: Vec<u8>,
    has_ended: bool,
}

impl Incoming {
    /// To be called once.
    pub(super) fn new() -> Result<Incoming, Outcome> {
        Ok(Incoming { stdin: stdio::stdin().map_err(local)?, buffer: vec![0; PIECE], has_ended: false })
    }

    /// The next octets; none at the end.
    pub(super) async fn next(&mut self) -> Result<&[u8], Outcome> {
        if self.has_ended {
            return Ok(&[]);
        }
        let cut = |error| Outcome::Cut { detail: format!("standard input: {error}") };
        let read = self.stdin.read(&mut self.buffer).await.map_err(cut)?;
        self.has_ended = read == 0;
        Ok(&self.buffer[..read])
    }

    /// Reads to the end, whatever comes. A person at a terminal is not made to type it.
    pub(super) async fn drain(&mut self) {
        if std::io::stdin().is_terminal() {
            return;
        }
        while self.next().await.is_ok_and(|octets| !octets.is_empty()) {}
    }

    /// The message that all of it is; of at least `size` octets.
    pub(super) async fn message(&mut self, spool: &Path, size: u64) -> Result<Message, Outcome> {
        let mut intake = Intake::new(Limits::default(), spool);
        loop {
            let octets = self.next().await?;
            if octets.is_empty() {
                break;
            }
            intake.push(octets).map_err(refused)?;
        }
        let found = intake.octets();
        if found < size {
            return Err(Outcome::Cut { detail: format!("expected at least {size} octets, but found {found}") });
        }
        intake.finish().map_err(refused)
    }
}

/// Why a message was not taken in, as an outcome.
pub(super) fn refused(error: IntakeError) -> Outcome {
    match error {
        IntakeError::HeaderTooLarge { limit } => Outcome::HeaderTooLarge { limit },
        IntakeError::NoSpace { .. } => Outcome::Local { problem: error.to_string() },
        IntakeError::Spool { ref source, .. } => Outcome::Local { problem: format!("{error}: {source}") },
    }
}

/// Where long messages are spooled: `spool` in the state directory if we may write there, else `$TMPDIR`, else `/tmp`.
pub(super) fn spool_directory(config: &Config) -> PathBuf {
    let spool = config.state.join("spool");
    if is_writable(&spool) || rustix::fs::mkdir(&spool, Mode::RWXU).is_ok() {
        return spool;
    }
    std::env::var_os("TMPDIR").map(PathBuf::from).filter(|path| is_writable(path)).unwrap_or_else(|| "/tmp".into())
}

fn is_writable(directory: &Path) -> bool {
    rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
