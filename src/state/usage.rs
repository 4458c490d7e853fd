//! What an account has used of its limits, by the minute, and its sessions.

use super::clock::Moment;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::time::Duration;

/// Limits of an account; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Messages within a minute.
    pub messages_per_minute: Option<u64>,
    /// Messages within an hour.
    pub messages_per_hour: Option<u64>,
    /// Messages within a day.
    pub messages_per_day: Option<u64>,
    /// Recipients within an hour.
    pub recipients_per_hour: Option<u64>,
    /// Recipients within a day.
    pub recipients_per_day: Option<u64>,
}

/// There is no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Which limit: `200 messages per hour`.
    pub limit: String,
    /// When to try again: whoever asked earlier was told an earlier time.
    pub room_at: Moment,
}

/// What an account has used within the last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Today {
    /// Its address.
    pub account: String,
    /// Messages taken by the provider.
    pub messages: u64,
    /// Recipients of them.
    pub recipients: u64,
    /// Logins.
    pub logins: u64,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Over how long those who wait are spread at least.
const SPREAD: i64 = HOUR;

/// One limit: what is counted, within which span, and how many.
struct Window {
    counted: &'static str,
    span: i64,
    most: u64,
}

impl Window {
    fn name(&self) -> String {
        let span = match self.span {
            MINUTE => "minute",
            HOUR => "hour",
            _ => "day",
        };
        format!("{} {} per {span}", self.most, self.counted)
    }
}

impl Caps {
    fn windows(&self) -> impl Iterator<Item = Window> {
        [
            ("messages", MINUTE, self.messages_per_minute),
            ("messages", HOUR, self.messages_per_hour),
            ("messages", DAY, self.messages_per_day),
            ("recipients", HOUR, self.recipients_per_hour),
            ("recipients", DAY, self.recipients_per_day),
        ]
        .into_iter()
        .filter_map(|(counted, span, most)| most.map(|most| Window { counted, span, most }))
    }
}

pub(super) fn reserve(
    connection: &mut Connection,
    account: &str,
    caps: &Caps,
    recipients: u64,
    now: Moment,
) -> rusqlite::Result<Result<(), Full>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for window in caps.windows() {
        let wanted = if window.counted == "messages" { 1 } else { recipients };
        if let Some(room_at) = room_at(&transaction, account, &window, wanted, now)? {
            let room_at = queued(&transaction, account, &window, room_at, now)?;
            transaction.commit()?;
            return Ok(Err(Full { limit: window.name(), room_at }));
        }
    }
    count(&transaction, account, now, 1, i64::try_from(recipients).unwrap_or(i64::MAX), 0)?;
    transaction
        .prepare_cached("DELETE FROM usage WHERE account = ?1 AND minute < ?2")?
        .execute(params![account, minute(now) - DAY / MINUTE])?;
    transaction.commit()?;
    Ok(Ok(()))
}

/// When `wanted` more fit into the window, if they don't now: as soon as enough of the oldest minutes are out of it. What
/// never fits is let through, because waiting would not help: the provider decides.
fn room_at(
    connection: &Connection,
    account: &str,
    window: &Window,
    wanted: u64,
    now: Moment,
) -> rusqlite::Result<Option<Moment>> {
    if wanted > window.most {
        return Ok(None);
    }
    let query =
        format!("SELECT minute, {} FROM usage WHERE account = ?1 AND minute > ?2 ORDER BY minute", window.counted);
    let mut statement = connection.prepare_cached(&query)?;
    let first = minute(now) - window.span / MINUTE;
    let rows = statement.query_map(params![account, first], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let used: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let total: i64 = used.iter().map(|(_, count)| count).sum();
    let mut excess = total + i64::try_from(wanted).unwrap_or(i64::MAX) - i64::try_from(window.most).unwrap_or(i64::MAX);
    if excess <= 0 {
        return Ok(None);
    }
    for (at, count) in used {
        excess -= count;
        if excess <= 0 {
            return Ok(Some(Moment((at + window.span / MINUTE) * MINUTE)));
        }
    }
    Ok(Some(now.after(Duration::from_secs(60))))
}

/// Those who wait are told times one after the other, as fast as the limit lets them through, so that they don't all
/// come back in the same second.
fn queued(
    connection: &Connection,
    account: &str,
    window: &Window,
    room_at: Moment,
    now: Moment,
) -> rusqlite::Result<Moment> {
    let before: Option<(i64, i64)> = connection
        .query_row("SELECT room_at, told FROM waiting WHERE account = ?1", [account], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let told = match before {
        Some((at, told)) if at > now.0 => told + 1,
        _ => 0,
    };
    let step = (window.span / i64::try_from(window.most.max(1)).unwrap_or(i64::MAX)).max(1);
    connection.execute("INSERT OR REPLACE INTO waiting VALUES (?1, ?2, ?3)", params![account, room_at.0, told])?;
    // Who comes back too early is told another time, so the times begin again after a while.
    Ok(Moment(room_at.0 + (told * step) % (2 * window.span).max(SPREAD)))
}

pub(super) fn release(connection: &Connection, account: &str, recipients: u64, now: Moment) -> rusqlite::Result<()> {
    // The reservation may be some minutes old: the newest minute that holds one gives it back.
    let mut statement = connection.prepare_cached(
        "UPDATE usage SET messages = messages - 1, recipients = max(0, recipients - ?2)
         WHERE account = ?1 AND minute = (
             SELECT max(minute) FROM usage WHERE account = ?1 AND messages > 0 AND minute <= ?3)",
    )?;
    statement.execute(params![account, i64::try_from(recipients).unwrap_or(i64::MAX), minute(now)])?;
    Ok(())
}

pub(super) fn login(
    connection: &mut Connection,
    account: &str,
    per_minute: Option<u64>,
    now: Moment,
) -> rusqlite::Result<Result<(), Full>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(most) = per_minute {
        let window = Window { counted: "logins", span: MINUTE, most };
        if let Some(room_at) = room_at(&transaction, account, &window, 1, now)? {
            let room_at = queued(&transaction, account, &window, room_at, now)?;
            transaction.commit()?;
            return Ok(Err(Full { limit: window.name(), room_at }));
        }
    }
    count(&transaction, account, now, 0, 0, 1)?;
    transaction.commit()?;
    Ok(Ok(()))
}

pub(super) fn release_login(connection: &Connection, account: &str, now: Moment) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE usage SET logins = logins - 1
         WHERE account = ?1 AND minute = (
             SELECT max(minute) FROM usage WHERE account = ?1 AND logins > 0 AND minute <= ?2)",
    )?;
    statement.execute(params![account, minute(now)])?;
    Ok(())
}

pub(super) fn enter_session(
    connection: &mut Connection,
    account: &str,
    most: u64,
    lease: Duration,
    now: Moment,
) -> rusqlite::Result<Result<i64, Full>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget_dead(&transaction, account, now)?;
    let taken: i64 = transaction
        .prepare_cached("SELECT count(*) FROM session WHERE account = ?1")?
        .query_row([account], |row| row.get(0))?;
    if taken >= i64::try_from(most).unwrap_or(i64::MAX) {
        let first: i64 =
            transaction
                .query_row("SELECT min(expires) FROM session WHERE account = ?1", [account], |row| row.get(0))?;
        // They end long before their lease as a rule.
        let room_at = Moment(first.min(now.after(Duration::from_secs(60)).0));
        let one_a_second = Window { counted: "sessions", span: HOUR, most: HOUR.unsigned_abs() };
        let room_at = queued(&transaction, account, &one_a_second, room_at, now)?;
        transaction.commit()?;
        return Ok(Err(Full { limit: format!("{most} sessions at once"), room_at }));
    }
    transaction
        .prepare_cached("INSERT INTO session (account, expires, host, pid) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![account, now.after(lease).0, host_name(), std::process::id()])?;
    let id = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(Ok(id))
}

/// Sessions whose lease is over, or whose process at this host has died without giving them back.
fn forget_dead(connection: &Connection, account: &str, now: Moment) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM session WHERE expires <= ?1")?.execute([now.0])?;
    let mut statement = connection.prepare_cached("SELECT id, pid FROM session WHERE account = ?1 AND host = ?2")?;
    let rows = statement.query_map(params![account, host_name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in rows.collect::<rusqlite::Result<Vec<(i64, u32)>>>()? {
        if !std::path::Path::new(&format!("/proc/{}", row.1)).exists() {
            leave_session(connection, row.0)?;
        }
    }
    Ok(())
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

pub(super) fn leave_session(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM session WHERE id = ?1")?.execute([session]).map(|_| ())
}

pub(super) fn today(connection: &Connection, now: Moment) -> rusqlite::Result<Vec<Today>> {
    let mut statement = connection.prepare(
        "SELECT account, sum(messages), sum(recipients), sum(logins) FROM usage WHERE minute > ?1 GROUP BY account",
    )?;
    let rows = statement.query_map([minute(now) - DAY / MINUTE], |row| {
        let counted = |column: usize| row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Today { account: row.get(0)?, messages: counted(1)?, recipients: counted(2)?, logins: counted(3)? })
    })?;
    rows.collect()
}

fn count(
    connection: &Connection,
    account: &str,
    now: Moment,
    messages: i64,
    recipients: i64,
    logins: i64,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage (account, minute, messages, recipients, logins) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (account, minute) DO UPDATE SET
             messages = messages + ?3, recipients = recipients + ?4, logins = logins + ?5",
    )?;
    statement.execute(params![account, minute(now), messages, recipients, logins])?;
    Ok(())
}

fn minute(now: Moment) -> i64 {
    now.0.div_euclid(MINUTE)
}
