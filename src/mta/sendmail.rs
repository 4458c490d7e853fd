//! sendmail(1) for a person or a program at this host: the options of sendmail, the message on stdin, or SMTP on stdin
//! and stdout.
//!
//! Whoever calls is the Unix user that the kernel says he is. There is no queue: he is told at once what came of it,
//! with a status of sysexits(3), and what could not be sent now is his to send again.

mod lone_dot;
mod notification;
mod options;
mod sender;
mod service;
mod smtp;
mod submission;
mod trouble;

pub use trouble::Trouble;

use super::answer::finished;
use super::delivery::Desk;
use super::unix_user;
use crate::config::Config;
use crate::process::{DEADLINE, Parent};
use crate::stdio;
use crate::verdict::{ExitStatus, Outcome, Verdict};
use options::{Mode, Options};
use std::ffi::OsString;
use std::time::Duration;

/// How long a dialogue may last in all: each delivery in it has a deadline of its own.
const DIALOGUE: Duration = Duration::from_secs(24 * 60 * 60);

/// Does what `arguments`, the program's name left off, ask for.
pub fn run(arguments: &[OsString], parent: Parent) -> ExitStatus {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(trouble) => return trouble.tell(),
    };
    let (is_verbose, mode) = (options.verbose, options.mode);
    let deadline = if mode == Mode::Smtp { DIALOGUE } else { DEADLINE };
    let done = finished(deadline, async move { Ok(carry_out(options, parent).await) });
    match done.unwrap_or_else(|outcome| Err(Trouble::from(&outcome))) {
        Ok(outcome) => {
            if let Some(outcome) = outcome.filter(|_| is_verbose) {
                // It is sent, whether anybody reads of it or not.
                let _ = stdio::print(&format!("{}\n", Verdict::from(&outcome).pipe_line()));
            }
            ExitStatus::Ok
        }
        Err(trouble) => trouble.tell(),
    }
}

/// The outcome, if one stands for all that was done.
async fn carry_out(options: Options, parent: Parent) -> Result<Option<Outcome>, Trouble> {
    let config = match Config::load(options.config.as_deref()) {
        Ok(config) => config,
        Err(errors) => {
            let known = service::config_without_reading().filter(|_| options.config.is_none());
            known.ok_or_else(|| Trouble::configuration(&errors))?
        }
    };
    let socket = service::socket_for_dialogue(&config);
    let caller = unix_user::caller().map_err(|outcome| Trouble::from(&outcome))?;
    let desk = Desk::new(config, caller, options.debug);
    match (options.mode, socket) {
        (Mode::Smtp, Some(socket)) => smtp::pass_on(&socket).await.map(|()| None),
        (Mode::Smtp, None) => smtp::run(desk).await.map(|()| None),
        (Mode::Message, _) => submission::run(&desk, options, parent).await.map(Some),
    }
}
