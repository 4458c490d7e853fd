//! Who was told when, so that nobody is told twice a day; and what each account was refused last.

use super::clock::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// The last refusal of an account's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRefusal {
    /// Its address.
    pub account: String,
    /// When.
    pub at: Moment,
    /// The meaning's name.
    pub meaning: String,
    /// Provider, stage and reply, on one line.
    pub text: String,
}

/// Claims the right to send a notice about `subject` now.
pub(super) fn claim(connection: &Connection, subject: &str, interval: Duration, now: Moment) -> rusqlite::Result<bool> {
    let claimed = connection.execute(
        "INSERT INTO notice (subject, at) VALUES (?1, ?2)
         ON CONFLICT (subject) DO UPDATE SET at = ?2 WHERE at <= ?3",
        params![subject, now.0, now.before(interval).0],
    )?;
    Ok(claimed == 1)
}

/// When the last claim was made.
pub(super) fn claimed(connection: &Connection, subject: &str) -> rusqlite::Result<Option<Moment>> {
    let query = "SELECT at FROM notice WHERE subject = ?1";
    connection.query_row(query, [subject], |row| row.get(0).map(Moment)).optional()
}

/// Remembers the last refusal of an account's mail.
pub(super) fn note_refusal(
    connection: &Connection,
    account: &str,
    meaning: &str,
    text: &str,
    now: Moment,
) -> rusqlite::Result<()> {
    let row = params![account, now.0, meaning, text];
    connection.execute("INSERT OR REPLACE INTO refusal VALUES (?1, ?2, ?3, ?4)", row).map(|_| ())
}

pub(super) fn last_refusals(connection: &Connection) -> rusqlite::Result<Vec<LastRefusal>> {
    let mut statement = connection.prepare("SELECT account, at, meaning, text FROM refusal ORDER BY account")?;
    let rows = statement.query_map([], |row| {
        Ok(LastRefusal { account: row.get(0)?, at: Moment(row.get(1)?), meaning: row.get(2)?, text: row.get(3)? })
    })?;
    rows.collect()
}
