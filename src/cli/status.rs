//! `sendvia status`: what is closed for now and why, when the next try is made, and what was counted today.

use super::output;
use super::settings::Settings;
use crate::state::{Clock, Closure, LastRefusal, Ledger, Moment, Sqlite, StateError, Today};
use crate::verdict::ExitStatus;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Show it again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

/// All that the state knows.
struct Known {
    now: Moment,
    closures: Vec<Closure>,
    today: Vec<Today>,
    refusals: Vec<LastRefusal>,
}

/// Reads the state and prints it.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = match arguments.settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let state = Sqlite::new(&config.state, Clock::System);
    let shown = match arguments.watch {
        Some(seconds) => watch(&state, Duration::from_secs(seconds)),
        None => read(&state).map(|known| match arguments.json {
            true => output::json(&for_scripts(&known)),
            false => output::say(for_people(&known)),
        }),
    };
    match shown {
        Ok(()) => ExitStatus::Ok,
        Err(error) => {
            output::fail(&error, error.hint().as_deref());
            ExitStatus::Config
        }
    }
}

/// Until nobody reads it any more, or Ctrl-C. On a terminal each picture takes the place of the one before.
fn watch(state: &Sqlite, pause: Duration) -> Result<(), StateError> {
    let begin = if io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
    loop {
        let known = read(state)?;
        let picture = format!("{begin}{}\n\n{}\n", known.now, for_people(&known));
        if io::stdout().write_all(picture.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
            return Ok(());
        }
        std::thread::sleep(pause);
    }
}

fn read(state: &Sqlite) -> Result<Known, StateError> {
    Ok(Known {
        now: state.clock().now(),
        closures: state.closures()?,
        today: state.today()?,
        refusals: state.last_refusals()?,
    })
}

fn for_scripts(known: &Known) -> Value {
    let closures = known.closures.iter().map(|closure| {
        json!({
            "kind": closure.subject.kind.name(),
            "name": closure.subject.name,
            "meaning": closure.meaning,
            "reason": closure.reason,
            "since": closure.since.0,
            "until": closure.until.0,
            "failures": closure.failures,
            "closed": known.now < closure.until,
        })
    });
    let accounts = accounts(known).into_iter().map(|account| {
        let today = known.today.iter().find(|today| today.account == account);
        let refusal = known.refusals.iter().find(|refusal| refusal.account == account);
        json!({
            "account": account,
            "messages_today": today.map_or(0, |today| today.messages),
            "recipients_today": today.map_or(0, |today| today.recipients),
            "logins_today": today.map_or(0, |today| today.logins),
            "last_refusal": refusal.map(|refusal| json!({
                "at": refusal.at.0, "meaning": refusal.meaning, "text": refusal.text,
            })),
        })
    });
    json!({ "closed": closures.collect::<Vec<_>>(), "accounts": accounts.collect::<Vec<_>>() })
}

fn for_people(known: &Known) -> String {
    let closed = match known.closures.is_empty() {
        true => "nothing is closed".to_owned(),
        false => output::table(&["closed", "since", "next try", "failures", "why"], &closed_rows(known)),
    };
    let accounts = match accounts(known).is_empty() {
        true => "nothing was sent within the last 24 hours".to_owned(),
        false => output::table(&["account", "messages", "recipients", "logins", "last refusal"], &account_rows(known)),
    };
    format!("{closed}\n\n{accounts}")
}

fn closed_rows(known: &Known) -> Vec<Vec<String>> {
    let row = |closure: &Closure| {
        let next =
            if known.now < closure.until { closure.until.to_string() } else { "with the next message".to_owned() };
        let why = format!("{}: {}", closure.meaning, closure.reason);
        vec![closure.subject.to_string(), closure.since.to_string(), next, closure.failures.to_string(), why]
    };
    known.closures.iter().map(row).collect()
}

fn account_rows(known: &Known) -> Vec<Vec<String>> {
    let row = |account: &String| {
        let today = known.today.iter().find(|today| today.account == *account);
        let count = |of: fn(&Today) -> u64| today.map_or(0, of).to_string();
        let refusal = known.refusals.iter().find(|refusal| refusal.account == *account);
        vec![
            account.clone(),
            count(|today| today.messages),
            count(|today| today.recipients),
            count(|today| today.logins),
            refusal.map(|refusal| format!("{} {}: {}", refusal.at, refusal.meaning, refusal.text)).unwrap_or_default(),
        ]
    };
    accounts(known).iter().map(row).collect()
}

/// Every account of which something is known.
fn accounts(known: &Known) -> BTreeSet<String> {
    let counted = known.today.iter().map(|today| today.account.clone());
    counted.chain(known.refusals.iter().map(|refusal| refusal.account.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Pause, Subject, Trip};

    #[test]
    fn people_and_scripts_are_told_what_is_closed_why_and_until_when() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::at(1_800_000_000);
        let state = Sqlite::new(directory.path(), clock.clone());
        assert!(for_people(&read(&state).unwrap()).contains("nothing is closed"));
        let minute = Duration::from_secs(60);
        let trip = Trip {
            meaning: "host-refused".to_owned(),
            reason: "554 No SMTP service".to_owned(),
            pause: Pause { first: minute, longest: minute },
            asked: None,
            fingerprint: None,
        };
        state.trip(&Subject::route("direct", "gmx"), &trip).unwrap();
        state.login("anna@gmx.de", None).unwrap().unwrap();
        let known = read(&state).unwrap();
        let shown = for_people(&known);
        assert!(
            shown.contains("route direct to gmx") && shown.contains("host-refused: 554 No SMTP service"),
            "{shown}"
        );
        let scripts = for_scripts(&known);
        assert_eq!(scripts["closed"][0]["until"], 1_800_000_060);
        assert_eq!(scripts["closed"][0]["closed"], true);
        assert_eq!(scripts["accounts"][0]["logins_today"], 1);
        clock.advance(minute);
        assert!(for_people(&read(&state).unwrap()).contains("with the next message"));
    }
}
