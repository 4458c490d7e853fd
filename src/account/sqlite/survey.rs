//! Every row, with all that is wrong: for `check` and `list`, never for a delivery.

use super::{Row, Sqlite};
use crate::account::{AccountAddress, AccountError, Surveyed};
use rusqlite::Connection;

/// Rows read at a time.
const BATCH: usize = 500;

/// A row, and the address under which it is listed where it is an alias.
type Listed = (Row, Option<String>);

impl Sqlite {
    pub(super) fn survey_rows(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError> {
        let mut last = String::new();
        loop {
            let (batch, owner) = self.with(|connection, owner| Ok((batch(connection, &last)?, owner)))?;
            let Some((name, _, _)) = batch.last() else { return Ok(()) };
            last.clone_from(name);
            for (name, row, alias) in batch {
                each(self.surveyed(&name, (row, alias), owner));
            }
        }
    }

    fn surveyed(&self, name: &str, (row, alias): Listed, owner: u32) -> Surveyed {
        let (account, problems) = self.read(&row.name, &row.address, row.content, owner);
        let alias = alias.and_then(|address| AccountAddress::parse(&address).ok());
        // What is wrong with the account is told where it stands itself.
        let problems = if alias.is_some() { Vec::new() } else { problems };
        Surveyed { path: self.shown(name), account, alias, problems }
    }
}

fn batch(connection: &Connection, after: &str) -> Result<Vec<(String, Row, Option<String>)>, rusqlite::Error> {
    let statement = "SELECT asked.name, asked.address, asked.target IS NOT NULL, own.name, own.address, own.content
        FROM account AS asked JOIN account AS own ON own.name = coalesce(asked.target, asked.name)
        WHERE asked.name > ?1 ORDER BY asked.name LIMIT ?2";
    let mut statement = match connection.prepare_cached(statement) {
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("no such table") => return Ok(Vec::new()),
        prepared => prepared?,
    };
    let rows = statement.query_map(rusqlite::params![after, BATCH as i64], |row| {
        let alias = row.get::<_, bool>(2)?.then(|| row.get(1)).transpose()?;
        Ok((row.get(0)?, Row { name: row.get(3)?, address: row.get(4)?, content: row.get(5)? }, alias))
    })?;
    rows.collect()
}
