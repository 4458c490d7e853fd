//! The log as the configuration wants it, and its lines about a message.

use crate::account::Submitter;
use crate::config::{self, LogLevel, LogTarget};
use crate::log::{self, DeliveryLine, Target};
use crate::metrics::{DELIVERIES, METRICS};
use crate::relay::Report;
use crate::verdict::{Outcome, Verdict};
use crate::wire::envelope::Envelope;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// Begins the log that the configuration names; `debug` lets everything through. Standard error is the MTA's here.
pub fn start_log(wanted: config::Log, debug: bool) {
    let to = match wanted.to {
        LogTarget::StandardError => LogTarget::Syslog,
        to => to,
    };
    start(config::Log { to, ..wanted }, debug);
}

/// As [`start_log`], for the service, whose standard error is its supervisor's.
pub fn start_log_of_service(wanted: config::Log) {
    start(wanted, false);
}

fn start(wanted: config::Log, debug: bool) {
    let target = match wanted.to {
        LogTarget::Syslog => Target::Syslog,
        LogTarget::Journald => Target::Journald,
        LogTarget::StandardError => Target::StandardError,
        LogTarget::None => Target::None,
    };
    let level = match wanted.level {
        _ if debug => LevelFilter::DEBUG,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    log::start(target, level);
}

/// The label of mail that came to no provider.
const NO_PROVIDER: &str = "none";

/// What all lines about one message share.
pub(super) struct Logged<'a> {
    /// The MTA's name for the message.
    pub(super) queue_id: Option<&'a str>,
    /// Who submitted it.
    pub(super) submitter: &'a Submitter,
    /// How long it took to come in.
    pub(super) reading: Duration,
}

impl Logged<'_> {
    /// A line for each recipient; `report` where the relay had the message.
    pub(super) fn outcomes(&self, envelope: &Envelope, outcomes: &[Outcome], report: Option<&Report>) {
        let from = envelope.reverse_path.to_string();
        let [deciding, connecting, sending] = report.map(|report| report.delays).unwrap_or_default();
        let provider = report.map_or(NO_PROVIDER, |report| report.provider.as_str());
        for (recipient, outcome) in envelope.recipients.iter().zip(outcomes) {
            let verdict = Verdict::from(outcome);
            METRICS.count(&DELIVERIES, &[provider, verdict.disposition.status(), outcome.name()]);
            let line = DeliveryLine {
                queue_id: self.queue_id,
                from: &from,
                to: &recipient.mailbox.to_string(),
                relay: report.and_then(|report| report.relay.as_deref()),
                user: &user(self.submitter),
                account: report.map(|report| report.account.as_str()),
                delays: [self.reading, deciding, connecting, sending],
                verdict: &verdict,
            };
            line.log();
        }
    }

    /// What the relay reports: a line for each recipient, and what the administrator should know beside.
    pub(super) fn report(&self, envelope: &Envelope, report: &Report) {
        self.outcomes(envelope, &report.outcomes, Some(report));
        let [deciding, connecting, sending] = report.delays;
        let stages =
            [("reading", self.reading), ("deciding", deciding), ("connecting", connecting), ("sending", sending)];
        stages.into_iter().for_each(|(stage, span)| METRICS.took(stage, span));
        let queue_id = log::queue_name(self.queue_id);
        if !report.repairs.is_empty() {
            let repairs: Vec<String> = report.repairs.iter().map(ToString::to_string).collect();
            log::info(&format!("{queue_id}: repaired: {}", repairs.join(", ")));
        }
        report.notes.iter().for_each(|note| log::warning(&format!("{queue_id}: {note}")));
    }
}

/// As `users` of an account would list him; nothing for nobody.
fn user(submitter: &Submitter) -> String {
    match submitter {
        Submitter::Nobody => String::new(),
        Submitter::Login(login) => login.clone(),
        Submitter::UnixUser { name, .. } => format!("unix:{name}"),
    }
}
