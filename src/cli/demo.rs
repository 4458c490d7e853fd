//! `sendvia demo`: three messages through the real `sendvia relay` to a sandbox that stands for GMX, each with its
//! dialogue and with what Postfix and Exim make of it.
//!
//! Everything lives in a temporary directory that goes with the demo, however it ends. The exit status is 0 only if
//! all verdicts are the expected ones, so this is also the shortest test of an installation.

mod mta;
mod show;
mod stage;

use crate::sandbox::Rule;
use crate::verdict::{Disposition, ExitStatus};
use clap::Args;
use mta::View;
use show::Show;
use stage::{Act, HeaderFrom, Performance, Stage, StageError};
use tokio::signal::unix::{SignalKind, signal};

/// What can be typed after `sendvia demo`: nothing.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

/// What must come out for the demo to succeed.
struct Expected {
    disposition: Disposition,
    status: &'static str,
    connections: u64,
    logins: u64,
    messages: u64,
}

/// Runs the demo to its end, a few seconds at most.
pub(super) fn run(_: &Arguments) -> ExitStatus {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let played = runtime.map_err(StageError::Io).and_then(|runtime| runtime.block_on(until_interrupted()));
    match played {
        Ok(true) => ExitStatus::Ok,
        Ok(false) => ExitStatus::No,
        Err(problem) => {
            eprintln!("sendvia demo: {problem}");
            ExitStatus::TempFail
        }
    }
}

/// A signal ends the demo like any other end: the temporary directory goes with the stage.
async fn until_interrupted() -> Result<bool, StageError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        played = play() => played,
        _ = terminate.recv() => Ok(false),
        _ = interrupt.recv() => Ok(false),
    }
}

async fn play() -> Result<bool, StageError> {
    let mut show = Show::on_stdout();
    let mut stage = Stage::set().await?;
    show.opening(&stage.account_file())?;
    let acts = [
        own_message(&mut stage, &mut show).await?,
        foreign_from(&mut stage, &mut show).await?,
        foreign_from_unchecked(&mut stage, &mut show).await?,
        refused_address(&mut stage, &mut show).await?,
    ];
    let all_expected = acts.iter().all(|expected| *expected);
    show.closing(all_expected)?;
    stage.strike().await;
    Ok(all_expected)
}

async fn own_message(stage: &mut Stage, show: &mut Show) -> Result<bool, StageError> {
    show.act("1", "Anna sends a message of her own: accepted")?;
    let performed = stage.perform(&Act { header_from: "Anna <anna@gmx.de>", rule: HeaderFrom::Require }).await?;
    show.command(&performed)?;
    show.dialogue(&performed.dialogue)?;
    let expected = Expected { disposition: Disposition::Ok, status: "", connections: 1, logins: 1, messages: 1 };
    judge(show, &performed, &expected)
}

async fn foreign_from(stage: &mut Stage, show: &mut Show) -> Result<bool, StageError> {
    show.act("2", "Her message names another sender in its From: field: refused by sendvia")?;
    let performed = stage.perform(&Act { header_from: "Boss <boss@example.com>", rule: HeaderFrom::Require }).await?;
    show.command(&performed)?;
    show.note(match performed.connections {
        0 => "No connection was made: GMX never saw it.",
        _ => "A connection was made.",
    })?;
    let expected =
        Expected { disposition: Disposition::Bounce, status: "5.7.1 ", connections: 0, logins: 0, messages: 0 };
    judge(show, &performed, &expected)
}

async fn foreign_from_unchecked(stage: &mut Stage, show: &mut Show) -> Result<bool, StageError> {
    show.aside("What GMX says to the same message where `header_from: accept` lets it pass:")?;
    let performed = stage.perform(&Act { header_from: "Boss <boss@example.com>", rule: HeaderFrom::Accept }).await?;
    show.dialogue(performed.after_data())?;
    let expected = Expected { disposition: Disposition::Bounce, status: "5.", connections: 1, logins: 1, messages: 0 };
    judge(show, &performed, &expected)
}

async fn refused_address(stage: &mut Stage, show: &mut Show) -> Result<bool, StageError> {
    show.act("3", "GMX refuses this host's address before anyone can log in: kept for later")?;
    stage.set_rules(Rule::parse("block-list").into_iter().flatten().collect());
    let performed = stage.perform(&Act { header_from: "Anna <anna@gmx.de>", rule: HeaderFrom::Require }).await?;
    show.command(&performed)?;
    show.dialogue(&performed.dialogue)?;
    let expected = Expected { disposition: Disposition::Defer, status: "4.7.", connections: 1, logins: 0, messages: 0 };
    judge(show, &performed, &expected)
}

/// Shows what both MTAs do, and whether that is what should have come out.
fn judge(show: &mut Show, performed: &Performance, expected: &Expected) -> Result<bool, StageError> {
    let views = [
        ("Postfix", mta::postfix(performed.exit_status, &performed.output)),
        ("Exim", mta::exim(performed.exit_status)),
    ];
    show.verdict(performed, &views)?;
    let deltas = (performed.connections, performed.logins, performed.messages);
    let as_expected = views.iter().all(|(_, view): &(_, View)| view.disposition == expected.disposition)
        && performed.output.starts_with(expected.status)
        && deltas == (expected.connections, expected.logins, expected.messages);
    show.judged(as_expected)?;
    Ok(as_expected)
}
