//! What is closed for now: a route to a provider, an account, an account's credentials.

use super::clock::Moment;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::fmt;
use std::time::Duration;

/// What can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A way to a provider, for all accounts: this host's address is refused.
    Route,
    /// An account: locked, or a limit used up.
    Account,
    /// An account's login and password: no login until they change.
    Credentials,
    /// A way that led nowhere lately: not closed, but tried last where there are several.
    Unreachable,
}

/// One thing that can be closed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// Which kind of thing.
    pub kind: Kind,
    /// `ROUTE to PROVIDER`, or an account's address.
    pub name: String,
}

/// How long a closure lasts: the first time, and at most after it has doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The first.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Why something is closed, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The meaning's name.
    pub meaning: String,
    /// What the provider said, on one line.
    pub reason: String,
    /// The pause where the provider named none.
    pub pause: Pause,
    /// The provider's own.
    pub asked: Option<Duration>,
    /// What the closure is bound to: other credentials end it.
    pub fingerprint: Option<u32>,
}

/// Something closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// What.
    pub subject: Subject,
    /// The meaning's name.
    pub meaning: String,
    /// What the provider said.
    pub reason: String,
    /// Since when.
    pub since: Moment,
    /// When the next try is made.
    pub until: Moment,
    /// How often in a row.
    pub failures: u32,
}

/// Whether something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It is.
    Open,
    /// Its pause is over, and the caller is the one who tries; he ends it by `reopen` or `trip`.
    Probe(Closure),
    /// It is not.
    Closed(Closure),
}

impl Kind {
    /// The name in the file and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Route => "route",
            Kind::Account => "account",
            Kind::Credentials => "credentials",
            Kind::Unreachable => "unreachable",
        }
    }

    fn from_name(name: &str) -> Option<Kind> {
        [Kind::Route, Kind::Account, Kind::Credentials, Kind::Unreachable].into_iter().find(|kind| kind.name() == name)
    }
}

impl Subject {
    /// A way to a provider.
    pub fn route(route: &str, provider: &str) -> Subject {
        Subject { kind: Kind::Route, name: format!("{route} to {provider}") }
    }

    /// An account.
    pub fn account(address: &str) -> Subject {
        Subject { kind: Kind::Account, name: address.to_owned() }
    }

    /// An account's credentials.
    pub fn credentials(address: &str) -> Subject {
        Subject { kind: Kind::Credentials, name: address.to_owned() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Route => write!(f, "route {}", self.name),
            Kind::Account => write!(f, "account {}", self.name),
            Kind::Credentials => write!(f, "login of {}", self.name),
            Kind::Unreachable => write!(f, "route {}, tried last", self.name),
        }
    }
}

/// The end of a pause that a person ended.
const LIFTED: Moment = Moment(0);

const COLUMNS: &str = "kind, name, meaning, reason, since, until, failures";

pub(super) fn gate(
    connection: &mut Connection,
    subject: &Subject,
    fingerprint: Option<u32>,
    lease: Duration,
    now: Moment,
) -> rusqlite::Result<Gate> {
    // Nearly always there is nothing, and reading needs no write lock.
    let Some(found) = find(connection, subject)? else { return Ok(Gate::Open) };
    if found.is_lifted() {
        return Ok(Gate::Probe(found.closure));
    }
    if let Some(closure) = found.closed(fingerprint, now) {
        return Ok(Gate::Closed(closure));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(found) = find(&transaction, subject)? else { return Ok(Gate::Open) };
    if let Some(closure) = found.closed(fingerprint, now) {
        return Ok(Gate::Closed(closure));
    }
    transaction.execute(
        "UPDATE breaker SET probe_until = ?3 WHERE kind = ?1 AND name = ?2",
        params![subject.kind.name(), subject.name, now.after(lease).0],
    )?;
    transaction.commit()?;
    Ok(Gate::Probe(found.closure))
}

pub(super) fn closed(connection: &Connection, subject: &Subject, now: Moment) -> rusqlite::Result<Option<Closure>> {
    Ok(find(connection, subject)?.map(|found| found.closure).filter(|closure| now < closure.until))
}

/// The account's own closure, and that of its credentials, while their pauses last.
pub(super) fn closed_account(connection: &Connection, name: &str, now: Moment) -> rusqlite::Result<Vec<Closure>> {
    let query = format!(
        "SELECT {COLUMNS} FROM breaker WHERE kind IN ('account', 'credentials') AND name = ?1 AND ?2 < until ORDER BY kind"
    );
    let mut statement = connection.prepare_cached(&query)?;
    statement.query_map(params![name, now.0], closure)?.collect()
}

pub(super) fn trip(
    connection: &mut Connection,
    subject: &Subject,
    trip: &Trip,
    now: Moment,
) -> rusqlite::Result<Closure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = find(&transaction, subject)?;
    // Deliveries under way when the first of them was refused are not a second failure.
    let (since, failures) = match &before {
        Some(found) if now < found.closure.until => (found.closure.since, found.closure.failures),
        Some(found) => (found.closure.since, found.closure.failures.saturating_add(1)),
        None => (now, 1),
    };
    let pause = trip.asked.unwrap_or_else(|| grown(trip.pause, failures));
    let closure = Closure {
        subject: subject.clone(),
        meaning: trip.meaning.clone(),
        reason: trip.reason.clone(),
        since,
        until: now.after(pause),
        failures,
    };
    transaction.execute(
        "INSERT OR REPLACE INTO breaker (kind, name, meaning, reason, since, until, failures, fingerprint, probe_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        params![
            subject.kind.name(),
            subject.name,
            closure.meaning,
            closure.reason,
            closure.since.0,
            closure.until.0,
            closure.failures,
            trip.fingerprint
        ],
    )?;
    transaction.commit()?;
    Ok(closure)
}

/// Ends the pause for every caller; how often it failed before is forgotten.
pub(super) fn lift(connection: &Connection, subject: &Subject) -> rusqlite::Result<Option<Closure>> {
    let Some(found) = find(connection, subject)?.filter(|found| !found.is_lifted()) else { return Ok(None) };
    connection.execute(
        "UPDATE breaker SET until = ?3, failures = 0, probe_until = 0 WHERE kind = ?1 AND name = ?2",
        params![subject.kind.name(), subject.name, LIFTED.0],
    )?;
    Ok(Some(found.closure))
}

/// The first pause, doubled with each failure.
fn grown(pause: Pause, failures: u32) -> Duration {
    let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    pause.first.saturating_mul(factor.max(1)).min(pause.longest)
}

/// A probe that told nothing about its subject: the next delivery may try.
pub(super) fn end_probe(connection: &Connection, subject: &Subject) -> rusqlite::Result<()> {
    if find(connection, subject)?.is_none_or(|found| found.probe_until.0 == 0) {
        return Ok(());
    }
    let of_subject = params![subject.kind.name(), subject.name];
    connection.execute("UPDATE breaker SET probe_until = 0 WHERE kind = ?1 AND name = ?2", of_subject).map(|_| ())
}

pub(super) fn reopen(connection: &mut Connection, subject: &Subject) -> rusqlite::Result<Option<Closure>> {
    if find(connection, subject)?.is_none() {
        return Ok(None);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = find(&transaction, subject)?;
    delete(&transaction, subject)?;
    transaction.commit()?;
    Ok(found.map(|found| found.closure))
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Closure>> {
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM breaker WHERE until <> ?1 ORDER BY kind, name"))?;
    let rows = statement.query_map([LIFTED.0], closure)?;
    rows.collect::<rusqlite::Result<Vec<_>>>()
}

/// A row, with what only this module needs to know of it.
struct Found {
    closure: Closure,
    fingerprint: Option<u32>,
    probe_until: Moment,
}

impl Found {
    /// Whether a person ended the pause, and nobody has seen since whether it works.
    fn is_lifted(&self) -> bool {
        self.closure.until == LIFTED
    }

    /// What is told to a caller with these credentials, unless he is to probe. Other credentials end the pause, but
    /// there is one probe all the same.
    fn closed(&self, fingerprint: Option<u32>, now: Moment) -> Option<Closure> {
        let is_other = matches!((self.fingerprint, fingerprint), (Some(then), Some(now)) if then != now);
        let pause = if is_other { Moment(0) } else { self.closure.until };
        let until = pause.max(self.probe_until);
        (now < until).then(|| Closure { until, ..self.closure.clone() })
    }
}

fn find(connection: &Connection, subject: &Subject) -> rusqlite::Result<Option<Found>> {
    let query = format!("SELECT {COLUMNS}, fingerprint, probe_until FROM breaker WHERE kind = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row(params![subject.kind.name(), subject.name], |row| {
            Ok(Found { closure: closure(row)?, fingerprint: row.get(7)?, probe_until: Moment(row.get(8)?) })
        })
        .optional()
}

fn closure(row: &Row<'_>) -> rusqlite::Result<Closure> {
    let kind: String = row.get(0)?;
    let kind = Kind::from_name(&kind)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(0, "kind".to_owned(), rusqlite::types::Type::Text))?;
    Ok(Closure {
        subject: Subject { kind, name: row.get(1)? },
        meaning: row.get(2)?,
        reason: row.get(3)?,
        since: Moment(row.get(4)?),
        until: Moment(row.get(5)?),
        failures: row.get(6)?,
    })
}

fn delete(connection: &Connection, subject: &Subject) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM breaker WHERE kind = ?1 AND name = ?2", params![subject.kind.name(), subject.name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_its_longest() {
        let pause = Pause { first: Duration::from_secs(300), longest: Duration::from_secs(21_600) };
        let seconds: Vec<u64> = [1, 2, 3, 7, 8, 33, u32::MAX].map(|failures| grown(pause, failures).as_secs()).to_vec();
        assert_eq!(seconds, [300, 600, 1200, 19_200, 21_600, 21_600, 21_600]);
    }
}
