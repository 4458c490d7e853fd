//! Postfix's part of the chain, as `postconf` and `postmap` tell it.

use super::entry::PipeEntry;
use super::finding::Findings;
use super::{lmtp, queue, socket};
use crate::account;
use crate::config::Config;
use crate::process::DEADLINE;
use crate::setup::{USER, host_user, run_tool};
use std::path::Path;
use std::time::Duration;

/// What setting up puts there.
const SENDERS: &str = "sender_dependent_default_transport_maps";

/// One instance.
pub(super) struct Postfix {
    pub(super) directory: String,
}

/// Looks at the instance in `directory`, and gives the transport's user.
pub(super) fn look(directory: &Path, config: &Config, findings: &mut Findings) -> Option<String> {
    let postfix = Postfix { directory: directory.display().to_string() };
    let entry = match postfix.ask(&["-M", "sendvia/unix"]) {
        Ok(entry) => entry,
        Err(problem) => {
            let why = "without Postfix's tools nothing of it can be looked at";
            findings.error("postfix.unreadable", problem, why, "apt install postfix".to_owned());
            return None;
        }
    };
    let words: Vec<&str> = entry.split_whitespace().collect();
    let mut user = None;
    match words.get(7) {
        Some(&"pipe") => user = postfix.look_at_pipe(&words[8..], config, findings),
        Some(&"lmtp") => lmtp::look(&postfix, config, findings),
        _ => findings.error(
            "postfix.transport",
            "master.cf has no transport `sendvia`".to_owned(),
            "no mail comes to sendvia",
            format!("sendvia setup postfix -c {}", postfix.directory),
        ),
    }
    postfix.look_at_senders(config, findings);
    socket::look_at_postfix(&postfix, config, user.as_deref().unwrap_or(USER), findings);
    user
}

impl Postfix {
    /// What `postconf` answers; nothing where it does not know.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        run_tool("postconf", &[&["-c", self.directory.as_str()], arguments].concat()).map_err(|error| error.to_string())
    }

    /// The value of a parameter, with other parameters put in.
    pub(super) fn value(&self, name: &str) -> String {
        self.ask(&["-x", "-h", name]).unwrap_or_default().trim().to_owned()
    }

    /// The command that sets a parameter in main.cf.
    pub(super) fn set(&self, name: &str, value: &str) -> String {
        self.edit("-e", name, value)
    }

    /// The same for `SERVICE/TYPE/PARAMETER` in master.cf.
    pub(super) fn set_of_service(&self, name: &str, value: &str) -> String {
        self.edit("-P -e", name, value)
    }

    fn edit(&self, how: &str, name: &str, value: &str) -> String {
        let directory = &self.directory;
        format!("postconf -c {directory} {how} '{name}={value}' && postfix -c {directory} reload")
    }

    fn look_at_pipe(&self, words: &[&str], config: &Config, findings: &mut Findings) -> Option<String> {
        let entry = PipeEntry::of(words);
        let user = entry.user().unwrap_or_default();
        let is_sound = self.look_at_user(user, &entry, findings);
        let right = if is_sound { user } else { "sendvia" };
        entry.look(&entry.mend(&self.directory, right), findings);
        self.look_at_limits(config, findings);
        Some(right.to_owned())
    }

    fn look_at_user(&self, user: &str, entry: &PipeEntry<'_>, findings: &mut Findings) -> bool {
        let trouble = match host_user(user) {
            None => Some((format!("the transport's user {user:?} does not exist"), "Postfix can't start the command")),
            Some(_) if user == self.value("mail_owner") => Some((
                format!("the transport's user is Postfix's own, {user}"),
                "pipe(8) refuses it, and defers all mail",
            )),
            Some(found) if found.uid == 0 || user == "nobody" => Some((
                format!("the transport's user is {user}"),
                "it should be a user of its own, whom accounts belong to and nobody else uses",
            )),
            Some(_) => None,
        };
        let Some((what, why)) = trouble else { return true };
        findings.error("postfix.user", what, why, entry.mend(&self.directory, "sendvia"));
        false
    }

    fn look_at_limits(&self, config: &Config, findings: &mut Findings) {
        let name = "sendvia_destination_recipient_limit";
        let limit = self.value(name);
        if limit != "1" {
            let why = "a command has one exit status: of several recipients it can report on one only";
            findings.error("postfix.recipient-limit", format!("{name} is {limit}"), why, self.set(name, "1"));
        }
        let name = "sendvia_time_limit";
        let given = self.value(name);
        let patience = config.timeouts.deadline.unwrap_or(DEADLINE);
        if seconds(&given).is_some_and(|given| given <= patience) {
            let why = "Postfix returns a message whose command it had to stop; sendvia must give up first";
            let what = format!("{name} is {given}, and sendvia's own limit is {} s", patience.as_secs());
            let longer = format!("{}s", patience.as_secs() + 100);
            findings.error("postfix.time-limit", what, why, self.set(name, &longer));
        }
    }

    /// The senders: that there is a table, and that it sends a sender with an account to us.
    fn look_at_senders(&self, config: &Config, findings: &mut Findings) {
        let maps = self.value(SENDERS);
        let mend = format!("sendvia setup postfix -c {}", self.directory);
        if maps.is_empty() {
            let why = "no sender is routed to sendvia";
            findings.error("postfix.senders", format!("{SENDERS} is empty"), why, mend);
            return;
        }
        if run_tool("postfix", &["-c", &self.directory, "status"]).is_err() {
            let why = "nothing is delivered, and its tables can't be asked";
            let mend = format!("postfix -c {} start", self.directory);
            findings.warning("postfix.stopped", "Postfix does not run".to_owned(), why, mend);
            return;
        }
        queue::look_at_postfix(&self.directory, config, findings);
        let Some(sender) = one_account(config) else { return };
        let queue = self.value("queue_directory");
        let asked = maps.replace("unix:private/", &format!("unix:{queue}/private/"));
        let asked = asked.replace("unix:sendvia/", &format!("unix:{queue}/sendvia/"));
        let answers = asked.split([',', ' ', '\n']).filter(|map| map.contains(':'));
        let routed = answers.filter_map(|map| run_tool("postmap", &["-c", &self.directory, "-q", &sender, map]).ok());
        if !routed.into_iter().any(|answer| answer.starts_with("sendvia:")) {
            let why = "its mail goes out without its account, and is refused or taken for forged";
            findings.error("postfix.route", format!("{SENDERS} does not send {sender} to sendvia"), why, mend);
        }
    }
}

/// The address of any account that serves one sender.
pub(super) fn one_account(config: &Config) -> Option<String> {
    let mut found = None;
    let store = account::open(&config.accounts, config.presets.clone());
    // What can't be read has its finding already.
    let _ = store.survey(&mut |surveyed| {
        let account = surveyed.account.filter(|_| surveyed.alias.is_none());
        found = found.take().or(account.and_then(|account| account.address.mailbox().map(ToString::to_string)));
    });
    found
}

/// A span as Postfix writes it: `1000s`, `1h`, or seconds.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        "w" => 604_800,
        _ => return None,
    };
    digits.parse::<u64>().ok().map(|count| Duration::from_secs(count.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_postfix_reads_them() {
        for (text, expected) in [("1000s", Some(1000)), ("10", Some(10)), ("1h", Some(3600)), ("x", None), ("", None)] {
            assert_eq!(seconds(text), expected.map(Duration::from_secs), "{text}");
        }
    }
}
