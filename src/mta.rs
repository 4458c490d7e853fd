//! How an MTA, or a program that takes us for one, talks to us, one file per protocol: framing, the MTA's parameters,
//! what goes back, and the exit discipline of an MTA's child. Nothing is decided about a delivery here, and no protocol
//! knows another.

mod answer;
mod bsmtp;
mod counter;
mod delivery;
mod exchange;
mod incoming;
pub mod lmtp;
mod logging;
mod pipe;
pub mod policy;
pub mod sendmail;
pub mod service;
pub mod socketmap;
mod trace;
mod unix_user;

pub use exchange::{Exchange, Next, exchange};
pub use logging::{start_log, start_log_of_service};

use crate::account::Submitter;
use crate::config::Config;
use crate::process::{DEADLINE, Parent};
use crate::stdio;
use crate::verdict::{ExitStatus, Outcome, Verdict};
use crate::wire::text::one_line;
use delivery::Desk;
use incoming::Incoming;
use std::path::PathBuf;

/// One call of `sendvia relay`.
#[derive(Debug)]
pub struct Request {
    /// What `--config` named.
    pub config: Option<PathBuf>,
    /// Who handed the message to the MTA.
    pub submitter: Submitter,
    /// The MTA's name for the message.
    pub queue_id: Option<String>,
    /// Whether the dialogue with the provider is logged.
    pub debug: bool,
    /// How envelope and message come.
    pub form: Form,
}

/// How envelope and message come.
#[derive(Debug)]
pub enum Form {
    /// The envelope as arguments, the message on stdin.
    Arguments {
        /// The reverse-path.
        sender: String,
        /// At least one.
        recipients: Vec<String>,
        /// The least octets that must come.
        size: Option<u64>,
    },
    /// Batch SMTP on stdin.
    Batch,
    /// The envelope in trace fields at the head of the message on stdin.
    Trace {
        /// The least octets that must come.
        size: Option<u64>,
    },
}

/// Carries out `request` for an MTA that started this process: nothing on success, else one line that begins with a
/// status code, and 0, 69 or 75 in every case.
pub fn relay(request: Request, parent: Parent) -> ExitStatus {
    answer::answered(DEADLINE, async move {
        let mut incoming = Incoming::new()?;
        let told = carry_out(request, parent, &mut incoming).await;
        // An MTA that writes to nobody may take its own error for the answer.
        incoming.drain().await;
        told
    })
}

/// Answers an MTA whose call can't be understood; `problem` says why.
pub fn refuse_call(problem: &str) -> ExitStatus {
    let problem = format!("command line: {}", one_line(problem.as_bytes(), 300));
    answer::answered(DEADLINE, async move {
        Incoming::new()?.drain().await;
        Err(Outcome::Protocol { problem })
    })
}

async fn carry_out(request: Request, parent: Parent, incoming: &mut Incoming) -> Result<(), Outcome> {
    let config = Config::load(request.config.as_deref())
        .map_err(|errors| Outcome::Local { problem: format!("configuration: {errors}") })?;
    let desk = Desk::of_queue(config, request.submitter, request.queue_id, request.debug);
    let is_whole = move || sender_still_lives(&parent);
    match request.form {
        Form::Arguments { sender, recipients, size } => {
            let envelope = pipe::envelope(&sender, &recipients)?;
            pipe::run(&desk, incoming, envelope, size, &is_whole).await
        }
        Form::Batch => bsmtp::run(&desk, incoming, &is_whole).await,
        Form::Trace { size } => trace::run(&desk, incoming, size, &is_whole).await,
    }
}

/// pipe(8) and Exim read our answer from a pipe, which loses its reader with their death, whoever adopts us then.
fn sender_still_lives(parent: &Parent) -> Result<(), String> {
    parent.still_lives()?;
    match stdio::stdout_has_reader() {
        true => Ok(()),
        false => Err("the process that was sending it no longer reads the answer".to_owned()),
    }
}

/// What a person is told: nothing of transports and their limits.
fn for_person(outcome: &Outcome) -> Verdict {
    let mut verdict = Verdict::from(outcome);
    match outcome {
        Outcome::Mixed { recipient, detail } => {
            verdict.text = format!("nothing was sent, because <{recipient}> was refused ({detail})");
        }
        Outcome::TooManyRecipients { provider, count, limit } => {
            verdict.text =
                format!("nothing was sent, because {provider} takes {limit} recipients with one message, not {count}");
        }
        _ => (),
    }
    verdict
}

/// This host's name.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
