//! `sendvia relay`: what an MTA's pipe starts. Whatever is typed, the answer is one that an MTA understands.

use super::settings::Settings;
use crate::account::Submitter;
use crate::mta::{self, Form, Request};
use crate::process::Parent;
use crate::verdict::ExitStatus;
use clap::{ArgAction, Args};
use std::env;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Exit status: 0 the provider has taken the message, 69 refused for \
                                                  good, 75 try again. Unless it is 0, one line on standard output says \
                                                  why, its enhanced status code first."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The login by which the message was submitted; empty is mail without a login; else $SENDVIA_USER
    #[arg(long, value_name = "LOGIN", allow_hyphen_values = true)]
    user: Option<String>,
    /// The MTA's name for the message, for the log; else $MESSAGE_ID, which Exim sets
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    queue_id: Option<String>,
    /// The envelope sender; empty or <> is the null reverse-path
    #[arg(short = 'f', value_name = "SENDER", allow_hyphen_values = true)]
    sender: Option<String>,
    /// Envelope and message come as batch SMTP (Exim's `use_bsmtp`)
    #[arg(long, conflicts_with_all = ["trace", "sender", "size", "recipients"])]
    bsmtp: bool,
    /// The envelope stands in Return-Path, Delivered-To and X-Original-To at the head (pipe(8), `flags=DRO`)
    #[arg(long, conflicts_with_all = ["sender", "recipients"])]
    trace: bool,
    /// Fewer octets than this are a message that was cut
    #[arg(long, value_name = "OCTETS")]
    size: Option<u64>,
    /// Log the dialogue with the provider, secrets hidden
    #[arg(long)]
    debug: bool,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Where the message goes; put -- in front
    #[arg(value_name = "RECIPIENT")]
    recipients: Vec<String>,
}

/// Takes the message and sends it.
pub(super) fn run(arguments: Arguments, parent: Parent) -> ExitStatus {
    match arguments.request() {
        Ok(request) => mta::relay(request, parent),
        Err(problem) => mta::refuse_call(problem),
    }
}

/// What clap refuses is our caller's configuration, and keeps the message. Help is an answer only where nothing else
/// was asked for: among an MTA's arguments it would pass for a delivery.
pub(super) fn refuse(refusal: &clap::Error, is_alone: bool) -> ExitStatus {
    if is_alone && !refusal.use_stderr() {
        // A closed stdout leaves nobody to tell.
        let _ = refusal.print();
        return ExitStatus::Ok;
    }
    let text = refusal.to_string();
    let problem = text.lines().next().unwrap_or_default();
    match refusal.use_stderr() {
        true => mta::refuse_call(problem.strip_prefix("error: ").unwrap_or(problem)),
        false => mta::refuse_call("--help beside other arguments"),
    }
}

impl Arguments {
    fn request(self) -> Result<Request, &'static str> {
        let form = match (self.bsmtp, self.trace, self.sender) {
            (true, _, _) => Form::Batch,
            (false, true, _) => Form::Trace { size: self.size },
            (false, false, None) => return Err("no sender: expected -f SENDER, --bsmtp or --trace"),
            (false, false, Some(_)) if self.recipients.is_empty() => return Err("no recipient"),
            (false, false, Some(sender)) => Form::Arguments { sender, recipients: self.recipients, size: self.size },
        };
        let login = self.user.unwrap_or_else(|| variable("SENDVIA_USER").unwrap_or_default());
        let queue_id = self.queue_id.or_else(|| variable("MESSAGE_ID")).filter(|id| !id.is_empty());
        let submitter = Submitter::from_login(&login);
        Ok(Request { config: self.settings.config, submitter, queue_id, debug: self.debug, form })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
