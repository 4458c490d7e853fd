//! Accounts in one SQLite file, for those with a hundred thousand of them: `accounts: sqlite:PATH`.
//!
//! A row holds the same text as an account's file, under the same name. The rollback journal is used, not WAL: whoever
//! may read the file can look up, without being able to write beside it.

mod survey;

use super::file::{self, Context};
use super::preset::Presets;
use super::store::{Existing, Found, Rule, Store, Surveyed, Written, candidates};
use super::{Account, AccountAddress, AccountError, Aliases, name};
use crate::secret::private;
use crate::wire::mailbox::Mailbox;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// An account is a row with `content`, an alias one with `target`, the name of an account.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS account (
        name TEXT PRIMARY KEY,
        address TEXT NOT NULL,
        content TEXT,
        target TEXT REFERENCES account (name),
        CHECK ((content IS NULL) <> (target IS NULL))
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS account_target ON account (target) WHERE target IS NOT NULL;
    PRAGMA user_version = 1;";

/// How long a look-up waits for somebody who writes.
const BUSY: Duration = Duration::from_secs(5);

/// One SQLite file of accounts.
pub struct Sqlite {
    path: PathBuf,
    presets: Presets,
    /// Kept open from one look-up to the next, as long as the file is the same.
    open: Mutex<Option<Open>>,
}

struct Open {
    connection: Connection,
    /// Device and inode.
    file: (u64, u64),
    owner_uid: u32,
}

/// A row, the alias followed.
struct Row {
    name: String,
    address: String,
    content: String,
}

impl Sqlite {
    /// The file at `path`; it is not looked at yet.
    pub fn new(path: PathBuf, presets: Presets) -> Sqlite {
        Sqlite { path, presets, open: Mutex::new(None) }
    }

    /// Runs `work` on the database, which must be there.
    fn with<T>(&self, work: impl FnOnce(&Connection, u32) -> Result<T, rusqlite::Error>) -> Result<T, AccountError> {
        let mut open = self.opened()?;
        // Just opened, or still so.
        let Some(opened) = open.as_mut() else { unreachable!("`opened` answers with an open database") };
        work(&opened.connection, opened.owner_uid).map_err(|source| self.trouble(source))
    }

    fn opened(&self) -> Result<MutexGuard<'_, Option<Open>>, AccountError> {
        let metadata = self.path.metadata().map_err(|source| AccountError::Io { path: self.path.clone(), source })?;
        let file = (metadata.dev(), metadata.ino());
        // Nothing is left half done in a connection when a thread panics: SQLite rolls back.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|open| open.file != file) {
            let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| self.trouble(error))?;
            *open = Some(Open { connection, file, owner_uid: metadata.uid() });
        }
        Ok(open)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        // Else a statement is planned anew for each name.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    }

    /// Runs `work` in a transaction on the database, which is made if it is not there, with its directory's owner.
    fn write<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, AccountError> {
        if !self.path.exists() {
            let trouble = |error: private::PrivateFileError| AccountError::Io {
                path: self.path.clone(),
                source: io::Error::other(error.to_string()),
            };
            private::write(&self.path, b"").map_err(trouble)?;
        }
        let run = || {
            let mut connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection.execute_batch(SCHEMA)?;
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit().map(|()| done)
        };
        run().map_err(|source| self.trouble(source))
    }

    fn trouble(&self, source: rusqlite::Error) -> AccountError {
        AccountError::Database { path: self.path.clone(), source }
    }

    /// The path under which a row is spoken of.
    fn shown(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The account at `address`, and whether that is an alias of it.
    fn load_row(&self, address: &AccountAddress) -> Result<Option<(Account, bool)>, AccountError> {
        let name = name::of(address);
        let found = self.with(|connection, owner| {
            let Some(row) = row(connection, &name)? else { return Ok(None) };
            let aliases = aliases(connection, &row.name)?;
            Ok(Some((row, aliases, owner)))
        })?;
        let Some((row, aliases, owner)) = found else { return Ok(None) };
        let is_alias = row.name != name;
        let account = self.account(row, owner, aliases)?;
        Ok(Some((if is_alias { as_alias(account, address) } else { account }, is_alias)))
    }

    fn account(&self, row: Row, owner: u32, aliases: Vec<String>) -> Result<Account, AccountError> {
        match self.read(&row.name, &row.address, row.content, owner) {
            (Some(account), _) => Ok(Account { aliases: Aliases::Listed(aliases), ..account }),
            (None, problems) => Err(AccountError::Malformed { problems }),
        }
    }

    fn read(
        &self,
        name: &str,
        address: &str,
        content: String,
        owner: u32,
    ) -> (Option<Account>, Vec<crate::yaml::Problem>) {
        let base = self.path.parent().unwrap_or(Path::new(""));
        let address = AccountAddress::parse(address).ok();
        let context = Context { presets: &self.presets, address, base, owner_uid: Some(owner) };
        file::read(&self.shown(name), content.into_bytes(), context)
    }
}

/// Found under its alias, both addresses are identities.
fn as_alias(mut account: Account, alias: &AccountAddress) -> Account {
    account.identities.extend(alias.mailbox().cloned());
    account.identities.extend(account.address.mailbox().cloned());
    account
}

fn row(connection: &Connection, name: &str) -> Result<Option<Row>, rusqlite::Error> {
    let statement = "SELECT own.name, own.address, own.content FROM account AS asked
        JOIN account AS own ON own.name = coalesce(asked.target, asked.name) WHERE asked.name = ?1";
    let mut statement = match connection.prepare_cached(statement) {
        // Made, and nothing written yet.
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("no such table") => return Ok(None),
        prepared => prepared?,
    };
    let read = |row: &rusqlite::Row<'_>| Ok(Row { name: row.get(0)?, address: row.get(1)?, content: row.get(2)? });
    statement.query_row([name], read).optional()
}

/// The folded addresses of the aliases of the account called `name`.
fn aliases(connection: &Connection, name: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT address FROM account WHERE target = ?1 ORDER BY name")?;
    statement.query_map([name], |row| row.get(0))?.collect()
}

impl Store for Sqlite {
    fn find(&self, sender: &Mailbox) -> Result<Option<Found>, AccountError> {
        for (rule, address) in candidates(sender) {
            if let Some((account, is_alias)) = self.load_row(&address)? {
                let rule = if is_alias && rule == Rule::Exact { Rule::Alias } else { rule };
                return Ok(Some(Found { account: Arc::new(account), rule }));
            }
        }
        Ok(None)
    }

    fn load(&self, address: &AccountAddress) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.load_row(address)?.map(|(account, _)| Arc::new(account)))
    }

    fn survey(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError> {
        self.survey_rows(each)
    }

    fn text(&self, address: &AccountAddress) -> Result<Option<Zeroizing<String>>, AccountError> {
        let name = name::of(address);
        let found = self.with(|connection, _| row(connection, &name))?;
        Ok(found.filter(|row| row.name == name).map(|row| Zeroizing::new(row.content)))
    }

    fn put(&self, address: &AccountAddress, text: &str, existing: Existing) -> Result<(), AccountError> {
        let name = self.checked(address, text)?;
        self.put_row(&name, address, Some(text), None, existing)
    }

    /// In one transaction: a row in the way is told of and hinders no other.
    fn put_all(&self, accounts: &[Written], existing: Existing) -> Vec<Result<(), AccountError>> {
        let checked: Vec<Result<String, AccountError>> =
            accounts.iter().map(|(address, text)| self.checked(address, text)).collect();
        let done = self.write(|transaction| {
            let mut statement = transaction.prepare(insert(existing))?;
            let rows = checked.iter().zip(accounts).map(|(name, (address, text))| match name {
                Ok(name) => statement.execute(params![name, address.folded(), text.as_str(), None::<&str>]),
                Err(_) => Ok(0),
            });
            rows.collect::<Result<Vec<usize>, _>>()
        });
        match done {
            Ok(counts) => checked
                .into_iter()
                .zip(counts)
                .map(|(name, count)| name.and_then(|name| if count == 0 { Err(self.exists(&name)) } else { Ok(()) }))
                .collect(),
            // All or none: each by itself has the error of its own.
            Err(_) => accounts.iter().map(|(address, text)| self.put(address, text, existing)).collect(),
        }
    }

    fn put_alias(
        &self,
        alias: &AccountAddress,
        target: &AccountAddress,
        existing: Existing,
    ) -> Result<(), AccountError> {
        self.put_row(&name::of(alias), alias, None, Some(&name::of(target)), existing)
    }

    fn aliases(&self, address: &AccountAddress) -> Result<Vec<AccountAddress>, AccountError> {
        let name = name::of(address);
        let found = self.with(|connection, _| match row(connection, &name)? {
            Some(_) => aliases(connection, &name),
            None => Ok(Vec::new()),
        })?;
        Ok(found.iter().filter_map(|address| AccountAddress::parse(address).ok()).collect())
    }

    fn remove(&self, address: &AccountAddress) -> Result<bool, AccountError> {
        let name = name::of(address);
        self.write(|transaction| transaction.execute("DELETE FROM account WHERE name = ?1", [name]))
            .map(|rows| rows > 0)
    }
}

impl Sqlite {
    /// The name under which `text` goes, if it is an account.
    fn checked(&self, address: &AccountAddress, text: &str) -> Result<String, AccountError> {
        let name = name::of(address);
        match self.read(&name, &address.folded(), text.to_owned(), 0) {
            (None, problems) => Err(AccountError::Malformed { problems }),
            (Some(_), _) => Ok(name),
        }
    }

    fn put_row(
        &self,
        name: &str,
        address: &AccountAddress,
        content: Option<&str>,
        target: Option<&str>,
        existing: Existing,
    ) -> Result<(), AccountError> {
        let row = params![name, address.folded(), content, target];
        match self.write(|transaction| transaction.execute(insert(existing), row))? {
            0 => Err(self.exists(name)),
            _ => Ok(()),
        }
    }

    fn exists(&self, name: &str) -> AccountError {
        AccountError::Exists { path: self.shown(name) }
    }
}

fn insert(existing: Existing) -> &'static str {
    match existing {
        Existing::Keep => "INSERT OR IGNORE INTO account (name, address, content, target) VALUES (?1, ?2, ?3, ?4)",
        Existing::Replace => {
            "INSERT INTO account (name, address, content, target) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name)
             DO UPDATE SET address = excluded.address, content = excluded.content, target = excluded.target"
        }
    }
}
