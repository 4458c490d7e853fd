//! Mail of our senders that the MTA keeps: how much, and since when.

use super::finding::Findings;
use crate::account::Store;
use crate::config::{Config, NullSender};
use crate::relay::account_of;
use crate::setup::run_tool;
use crate::state::Clock;
use crate::wire::mailbox::ReversePath;
use serde_json::Value;
use std::collections::BTreeMap;

/// Mail that waits for longer should be looked at.
const LONG: i64 = 3600;

/// A message that waits.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    queue_id: String,
    sender: String,
    /// Seconds since it came.
    age: i64,
}

/// Postfix's queue, by `postqueue -j`.
pub(super) fn look_at_postfix(directory: &str, config: &Config, findings: &mut Findings) {
    let now = Clock::System.now().0;
    let Ok(told) = run_tool("postqueue", &["-c", directory, "-j"]) else { return };
    tell(&of_postfix(&told, now), config, findings);
}

/// Exim's queue, by `exim -bp`.
pub(super) fn look_at_exim(config: &Config, findings: &mut Findings) {
    let Ok(told) = run_tool("exim4", &["-bpr"]) else { return };
    tell(&of_exim(&told), config, findings);
}

fn tell(waiting: &[Waiting], config: &Config, findings: &mut Findings) {
    let store = crate::account::open(&config.accounts, config.presets.clone());
    let mut is_ours: BTreeMap<&str, bool> = BTreeMap::new();
    let old = waiting.iter().filter(|message| message.age > LONG);
    let ours: Vec<&Waiting> = old
        .filter(|message| {
            let sender = message.sender.as_str();
            *is_ours.entry(sender).or_insert_with(|| has_account(store.as_ref(), &config.null_sender, sender))
        })
        .collect();
    let Some(oldest) = ours.iter().max_by_key(|message| message.age) else { return };
    let (count, hours, sender) = (ours.len(), oldest.age / 3600, &oldest.sender);
    let what = format!(
        "{count} messages of senders with an account wait for over an hour, the oldest, of {sender}, for {hours} h"
    );
    let why = "what waits too long is returned: Postfix gives up after five days, Exim after four";
    findings.warning("mta.queue", what, why, format!("sendvia trace {}", oldest.queue_id));
}

fn has_account(store: &dyn Store, null_sender: &NullSender, sender: &str) -> bool {
    let Ok(sender) = ReversePath::parse(sender) else { return false };
    account_of(store, null_sender, &sender).is_ok_and(|found| found.is_some())
}

/// One JSON object a line.
fn of_postfix(told: &str, now: i64) -> Vec<Waiting> {
    let read = |line: &str| {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let age = now - value["arrival_time"].as_i64()?;
        Some(Waiting { queue_id: text("queue_id")?, sender: text("sender")?, age })
    };
    told.lines().filter_map(read).collect()
}

/// ` 4h  2.9K 1xW891-0000xg-2t <anna@gmx.de>`, and its recipients below.
fn of_exim(told: &str) -> Vec<Waiting> {
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [age, _, queue_id, sender, ..] = words.as_slice() else { return None };
        let sender = sender.strip_prefix('<')?.strip_suffix('>')?.to_owned();
        Some(Waiting { queue_id: (*queue_id).to_owned(), sender, age: exim_age(age)? })
    };
    told.lines().filter_map(read).collect()
}

fn exim_age(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<i64>().ok().map(|count| count * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(queue_id: &str, sender: &str, age: i64) -> Waiting {
        Waiting { queue_id: queue_id.to_owned(), sender: sender.to_owned(), age }
    }

    #[test]
    fn postfix_tells_an_object_a_line() {
        let told = "{\"queue_name\": \"deferred\", \"queue_id\": \"4Xq1\", \"arrival_time\": 100, \"message_size\": 1, \
            \"sender\": \"anna@gmx.de\", \"recipients\": [{\"address\": \"b@x.example\"}]}\nnothing\n";
        assert_eq!(of_postfix(told, 7300), [waiting("4Xq1", "anna@gmx.de", 7200)]);
    }

    #[test]
    fn exim_tells_age_size_id_and_sender() {
        let told = " 4h  2.9K 1xW891-0000xg-2t <anna@gmx.de>\n          b@x.example\n\n25m   300 1xW892-0000xg-2t <> *** frozen ***\n";
        let expected = [waiting("1xW891-0000xg-2t", "anna@gmx.de", 4 * 3600), waiting("1xW892-0000xg-2t", "", 1500)];
        assert_eq!(of_exim(told), expected);
    }

    #[test]
    fn only_old_mail_of_ours_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = directory.path().join("accounts.d");
        std::fs::create_dir(&accounts).unwrap();
        let file = accounts.join("anna@gmx.de.yaml");
        std::fs::write(&file, "provider: gmx\nsecret: {plain: x}\nusers: [anna]\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let config = Config::beside(directory.path());
        let told = |messages: &[Waiting]| {
            let mut findings = Findings::default();
            tell(messages, &config, &mut findings);
            findings.text()
        };
        assert_eq!(told(&[waiting("1", "anna@gmx.de", 60), waiting("2", "b@x.example", 9000)]), "all is well");
        let text = told(&[waiting("1", "anna@gmx.de", 9000), waiting("2", "b@x.example", 99_000)]);
        assert!(text.contains("1 messages") && text.contains("hint: sendvia trace 1"), "{text}");
    }
}
