//! `sendvia trace`: what happened to a message, from the log, the journal and what is closed now. It only reads.

mod lines;

use super::output;
use super::progress::Waiting;
use super::settings::Settings;
use crate::log::Traced;
use crate::state::{Clock, Closure, Kind, Ledger, Sqlite, StateError, Taken};
use crate::verdict::ExitStatus;
use clap::Args;
use lines::Lines;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The log to read; the host's mail log and the one before it, else the systemd journal, if not given
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The MTA's name for the message
    #[arg(value_name = "QUEUE-ID", value_parser = queue_id)]
    queue_id: String,
}

/// Everything that is known of a message.
struct Story {
    queue_id: String,
    log: Lines,
    /// The last word on each recipient, in the order in which they came, with the number of tries.
    recipients: Vec<(Traced, u64)>,
    /// `None` where the state can't be read.
    taken: Option<Vec<Taken>>,
    closures: Vec<Closure>,
    notes: Vec<String>,
}

/// Letters, digits and hyphens: what Postfix and Exim give.
fn queue_id(text: &str) -> Result<String, String> {
    let is_one = !text.is_empty() && text.len() < 64 && text.chars().all(lines::is_of_queue_id);
    is_one.then(|| text.to_owned()).ok_or_else(|| "expected a queue id, as it stands in the mail log".to_owned())
}

/// Tells the story; 1 where nothing is known.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = match arguments.settings.load() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let waiting = Waiting::new("reading logs");
    let story = Story::read(arguments, &Sqlite::new(&config.state, Clock::System));
    drop(waiting);
    match arguments.json {
        true => output::json(&story.for_scripts()),
        false => output::say(story.for_people()),
    }
    match story.is_known() {
        true => ExitStatus::Ok,
        false => ExitStatus::No,
    }
}

impl Story {
    fn read(arguments: &Arguments, state: &Sqlite) -> Story {
        let id = &arguments.queue_id;
        let log = Lines::about(id, &arguments.log);
        let recipients = recipients(&log.lines, id);
        let mut notes = log.notes.clone();
        let mut trouble = |error: StateError| notes.push(error.to_string());
        let taken = state.taken(id).map_err(&mut trouble).ok();
        let closures = state.closures().map_err(trouble).unwrap_or_default();
        let now = state.clock().now();
        let waits = recipients.iter().any(|(last, _)| last.status == "deferred");
        let about = |closure: &Closure| {
            waits && now < closure.until && recipients.iter().any(|(last, _)| concerns(closure, last))
        };
        let closures = closures.into_iter().filter(about).collect();
        Story { queue_id: id.clone(), log, recipients, taken, closures, notes }
    }

    fn is_known(&self) -> bool {
        !self.log.lines.is_empty() || self.taken.as_ref().is_some_and(|taken| !taken.is_empty())
    }

    fn for_people(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.is_known() {
            let hint =
                "hint: is it the queue id of this host's MTA? `--log FILE` names a log that is elsewhere, or older";
            parts.push(format!("{}: nothing is known of this message\n{hint}", self.queue_id));
        }
        if let Some((first, _)) = self.recipients.first() {
            let user = if first.user.is_empty() { "no login" } else { &first.user };
            let Traced { from, account, .. } = first;
            parts.push(format!("{}: from <{from}>, submitted by {user}, account {account}", self.queue_id));
        }
        let row = |(last, tries): &(Traced, u64)| {
            let status = format!("{} {}", last.status, last.dsn);
            vec![last.to.clone(), status, tries.to_string(), last.relay.clone(), last.text.clone()]
        };
        if !self.recipients.is_empty() {
            let rows: Vec<Vec<String>> = self.recipients.iter().map(row).collect();
            parts.push(output::table(&["recipient", "last", "lines", "relay", "what was said"], &rows));
        }
        let taken = self.taken.iter().flatten();
        let taken: Vec<Vec<String>> = taken.map(|taken| vec![taken.recipient.clone(), taken.at.to_string()]).collect();
        if !taken.is_empty() {
            parts.push(output::table(&["taken by the provider for", "at"], &taken));
        }
        let closed = self.closures.iter().map(|closure| {
            format!("{} is closed until {}: {}: {}", closure.subject, closure.until, closure.meaning, closure.reason)
        });
        parts.extend(closed);
        if !self.log.lines.is_empty() {
            parts.push(format!("{}:\n{}", self.log.source, self.log.lines.join("\n")));
        }
        parts.extend(self.notes.iter().map(|note| format!("note: {note}")));
        parts.join("\n\n")
    }

    fn for_scripts(&self) -> Value {
        let recipients = self.recipients.iter().map(|(last, tries)| {
            json!({
                "recipient": last.to, "from": last.from, "user": last.user, "account": last.account, "relay": last.relay,
                "status": last.status, "dsn": last.dsn, "text": last.text, "lines": tries,
            })
        });
        let taken = self.taken.as_ref().map(|taken| {
            taken.iter().map(|taken| json!({"recipient": taken.recipient, "at": taken.at.0})).collect::<Vec<_>>()
        });
        let closed = self.closures.iter().map(|closure| {
            json!({
                "kind": closure.subject.kind.name(), "name": closure.subject.name, "meaning": closure.meaning,
                "reason": closure.reason, "until": closure.until.0,
            })
        });
        json!({
            "queue_id": self.queue_id,
            "recipients": recipients.collect::<Vec<_>>(),
            "taken": taken,
            "closed": closed.collect::<Vec<_>>(),
            "log": self.log.lines,
            "notes": self.notes,
        })
    }
}

/// The last word on each recipient, and how many there were.
fn recipients(lines: &[String], queue_id: &str) -> Vec<(Traced, u64)> {
    let mut last: Vec<(Traced, u64)> = Vec::new();
    for traced in lines.iter().filter_map(|line| Traced::parse(line)).filter(|traced| traced.queue_id == queue_id) {
        match last.iter_mut().find(|(earlier, _)| earlier.to == traced.to) {
            Some((earlier, tries)) => {
                *earlier = traced;
                *tries += 1;
            }
            None => last.push((traced, 1)),
        }
    }
    last
}

/// Whether what is closed holds up this recipient's mail: its account, or a way to the provider that spoke last.
fn concerns(closure: &Closure, last: &Traced) -> bool {
    let name = closure.subject.name.as_str();
    match closure.subject.kind {
        Kind::Account | Kind::Credentials => name.eq_ignore_ascii_case(&last.account),
        Kind::Route | Kind::Unreachable => {
            let provider = name.rsplit(" to ").next().unwrap_or(name);
            last.text.starts_with(&format!("{provider}: ")) || last.text.contains(&closure.subject.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, to: &str, status: &str) -> String {
        format!(
            "Nov 25 08:00:00 mail sendvia[1]: {id}: from=<anna@gmx.de>, to=<{to}>, relay=none, user=anna, \
             account=anna@gmx.de, delay=0, delays=0/0/0/0, dsn=4.0.0, status={status} (gmx: AUTH: 535)"
        )
    }

    #[test]
    fn the_last_line_about_a_recipient_counts_and_other_messages_do_not() {
        let lines = [
            line("A1", "b@x.example", "deferred"),
            line("A1", "c@x.example", "sent"),
            line("B2", "b@x.example", "bounced"),
            line("A1", "b@x.example", "sent"),
        ];
        let told: Vec<(String, String, u64)> =
            recipients(&lines, "A1").into_iter().map(|(last, tries)| (last.to, last.status, tries)).collect();
        let row = |to: &str, tries| (to.to_owned(), "sent".to_owned(), tries);
        assert_eq!(told, [row("b@x.example", 2), row("c@x.example", 1)]);
    }

    #[test]
    fn a_queue_id_is_a_word() {
        for (text, is_one) in [("4Xq1zY", true), ("1xW891-0000xg-2t", true), ("", false), ("a b", false), ("*", false)]
        {
            assert_eq!(queue_id(text).is_ok(), is_one, "{text}");
        }
    }
}
