//! What a provider has taken: queue id, recipient and digest, because Postfix gives a queue id out again.

use super::clock::Moment;
use rusqlite::{Connection, TransactionBehavior, params};
use std::time::Duration;

/// What an entry survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of any process.
    Process,
    /// Power loss too: it is on the disk before the call returns.
    Power,
}

/// A recipient for whom a provider has taken a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Folded, as it is compared.
    pub recipient: String,
    /// When.
    pub at: Moment,
}

/// Old entries are looked for once in so many new ones.
const SWEEP: i64 = 64;

pub(super) fn sent(
    connection: &Connection,
    queue_id: &str,
    digest: &[u8; 32],
    recipients: &[String],
) -> rusqlite::Result<Vec<bool>> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM journal WHERE queue_id = ?1 AND recipient = ?2 AND digest = ?3)",
    )?;
    let mut has = |recipient: &String| {
        statement.query_row(params![queue_id, recipient, digest.as_slice()], |row| row.get::<_, bool>(0))
    };
    recipients.iter().map(&mut has).collect()
}

pub(super) fn taken(connection: &Connection, queue_id: &str) -> rusqlite::Result<Vec<Taken>> {
    let mut statement =
        connection.prepare("SELECT recipient, at FROM journal WHERE queue_id = ?1 ORDER BY at, recipient")?;
    let rows = statement.query_map([queue_id], |row| Ok(Taken { recipient: row.get(0)?, at: Moment(row.get(1)?) }))?;
    rows.collect()
}

pub(super) fn record(
    connection: &mut Connection,
    queue_id: &str,
    digest: &[u8; 32],
    recipients: &[String],
    durability: Durability,
    keep: Duration,
    now: Moment,
) -> rusqlite::Result<()> {
    if durability == Durability::Power {
        connection.execute_batch("PRAGMA synchronous = FULL")?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO journal VALUES (?1, ?2, ?3, ?4)")?;
        for recipient in recipients {
            insert.execute(params![queue_id, recipient, digest.as_slice(), now.0])?;
        }
    }
    if i64::from(digest[0]) % SWEEP == 0 {
        transaction.execute("DELETE FROM journal WHERE at < ?1", [now.before(keep).0])?;
    }
    transaction.commit()?;
    if durability == Durability::Power {
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    }
    Ok(())
}
