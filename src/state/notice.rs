//! Who was told when, so that nobody is told twice a day.

use super::clock::Moment;
use rusqlite::{Connection, params};
use std::time::Duration;

/// Claims the right to send a notice about `subject` now.
pub(super) fn claim(connection: &Connection, subject: &str, interval: Duration, now: Moment) -> rusqlite::Result<bool> {
    let claimed = connection.execute(
        "INSERT INTO notice (subject, at) VALUES (?1, ?2)
         ON CONFLICT (subject) DO UPDATE SET at = ?2 WHERE at <= ?3",
        params![subject, now.0, now.before(interval).0],
    )?;
    Ok(claimed == 1)
}
