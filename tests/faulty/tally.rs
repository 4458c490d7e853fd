//! What was tried, what the provider got, and what follows.

use crate::attempt::{Ended, Fault};
use crate::chance::Chance;
use crate::customer::{Customer, address};
use sendvia::sandbox::Kept;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// One message and all attempts at it.
pub(crate) struct Log {
    number: usize,
    login: String,
    pub(crate) queue_id: String,
    pub(crate) message: Vec<u8>,
    pub(crate) attempts: Vec<(Fault, Ended)>,
}

/// The counts of a run.
#[derive(Default)]
pub(crate) struct Tally {
    attempts: usize,
    delivered: usize,
    lost: Vec<String>,
    bounced: Vec<String>,
    cut: Vec<String>,
    foreign: Vec<String>,
    /// Copies beyond the first, by the fault of the attempt that brought an earlier one.
    doubles: BTreeMap<Fault, usize>,
    unexcused: Vec<String>,
}

impl Log {
    pub(crate) fn new(customer: &Customer, number: usize, chance: &mut Chance) -> Log {
        let lines = match chance.below(40) {
            0 => 4000 + chance.below(4000),
            1..=8 => 100 + chance.below(400),
            _ => chance.below(40),
        };
        let from = address(customer.number);
        let mut text = format!(
            "Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <{number}@faults.example>\nFrom: <{from}>\nTo: b@x.example\n\
             Subject: {number}\n\n"
        );
        for line in 0..lines {
            let dot = if line % 7 == 0 { "." } else { "" };
            text.push_str(&format!("{dot}{:016x} of message {number}\n", chance.next()));
        }
        text.push_str("the end\n");
        Log { number, login: from, queue_id: format!("Q{number}"), message: text.into_bytes(), attempts: Vec::new() }
    }

    /// By what the provider hears in EHLO.
    pub(crate) fn attempt_name(&self, attempt: usize) -> String {
        format!("m{}-a{attempt}.example", self.number)
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.attempts.last().is_some_and(|(_, ended)| *ended == Some(0))
    }

    fn on_the_wire(&self) -> Vec<u8> {
        String::from_utf8(self.message.clone()).unwrap().replace('\n', "\r\n").into_bytes()
    }
}

impl Tally {
    pub(crate) fn new(logs: &[Log], kept: &[Kept]) -> Tally {
        let mut by_message: HashMap<usize, Vec<(usize, &Kept)>> = HashMap::new();
        for one in kept {
            let (message, attempt) = read_attempt_name(&one.ehlo).unwrap();
            by_message.entry(message).or_default().push((attempt, one));
        }
        let mut tally = Tally::default();
        for log in logs {
            tally.add(log, by_message.get(&log.number).map(Vec::as_slice).unwrap_or_default());
        }
        tally
    }

    fn add(&mut self, log: &Log, copies: &[(usize, &Kept)]) {
        self.attempts += log.attempts.len();
        self.delivered += usize::from(log.is_delivered());
        if !log.is_delivered() || copies.is_empty() {
            self.lost.push(format!("{}: {:?}", log.queue_id, log.attempts.last()));
        }
        for (attempt, (fault, ended)) in log.attempts.iter().enumerate() {
            let is_expected = match fault {
                Fault::ForeignLogin => *ended == Some(69),
                _ => matches!(ended, Some(0 | 75) | None),
            };
            if !is_expected {
                self.bounced.push(format!("{} attempt {attempt}: {fault:?}: {ended:?}", log.queue_id));
            }
        }
        let expected = log.on_the_wire();
        for (attempt, copy) in copies {
            let arrived = copy.read().unwrap();
            if arrived != expected {
                let (fault, found, whole) = (log.attempts[*attempt].0, arrived.len(), expected.len());
                self.cut.push(format!("{} attempt {attempt}: {fault:?}: {found} of {whole} octets", log.queue_id));
            }
            if copy.login != log.login || log.attempts[*attempt].0 == Fault::ForeignLogin {
                self.foreign.push(format!("{} attempt {attempt}", log.queue_id));
            }
        }
        self.add_doubles(log, copies);
    }

    /// An earlier copy is excused where nobody heard of it: its reply was cut off, or who heard it was killed; and where
    /// the journal was lost or could not be written.
    fn add_doubles(&mut self, log: &Log, copies: &[(usize, &Kept)]) {
        let last = copies.iter().map(|(attempt, _)| *attempt).max();
        for (attempt, _) in copies.iter().filter(|(attempt, _)| Some(*attempt) != last) {
            let is_journal_lost = log.attempts[*attempt..].iter().any(|(fault, _)| is_about_state(*fault));
            let fault = log.attempts[*attempt].0;
            let is_unheard =
                matches!(fault, Fault::CutToServer | Fault::CutToClient | Fault::KillSendvia | Fault::KillDelivery);
            if !is_unheard && !is_journal_lost {
                self.unexcused.push(format!("{} attempt {attempt}: {fault:?}", log.queue_id));
            }
            *self.doubles.entry(fault).or_default() += 1;
        }
    }

    /// Whether the run shows what it is to show.
    pub(crate) fn is_clean(&self) -> bool {
        [&self.lost, &self.bounced, &self.cut, &self.foreign, &self.unexcused].iter().all(|list| list.is_empty())
    }
}

fn is_about_state(fault: Fault) -> bool {
    matches!(fault, Fault::StateRemoved | Fault::StateOverwritten | Fault::FullDisk)
}

fn read_attempt_name(ehlo: &str) -> Option<(usize, usize)> {
    let (message, attempt) = ehlo.strip_suffix(".example")?.strip_prefix('m')?.split_once("-a")?;
    Some((message.parse().ok()?, attempt.parse().ok()?))
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubles: usize = self.doubles.values().sum();
        writeln!(f, "faults: {} attempts, {} messages delivered", self.attempts, self.delivered)?;
        writeln!(
            f,
            "faults: lost {}, bounced {}, cut {}, by a foreign account {}",
            self.lost.len(),
            self.bounced.len(),
            self.cut.len(),
            self.foreign.len()
        )?;
        writeln!(
            f,
            "faults: sent twice {doubles} {:?}, of them without excuse {}",
            self.doubles,
            self.unexcused.len()
        )?;
        for wrong in [&self.lost, &self.bounced, &self.cut, &self.foreign, &self.unexcused].into_iter().flatten() {
            writeln!(f, "faults: wrong: {wrong}")?;
        }
        Ok(())
    }
}
