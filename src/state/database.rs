//! The SQLite file: opened late, shared by processes, made anew when it is corrupt or gone.

use super::breaker::{self, Closure, Gate, Subject, Trip};
use super::clock::{Clock, Moment};
use super::journal::{self, Durability, Taken};
use super::notice::LastRefusal;
use super::usage::{self, Caps, Full, Today};
use super::{Ledger, notice};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rustix::fs::FlockOperation;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The file's name in the state directory.
const FILE: &str = "state.db";

/// How long a transaction waits for those of other processes.
const BUSY: Duration = Duration::from_secs(5);

/// More than the statements of a delivery, which a service prepares once.
const STATEMENTS: usize = 32;

/// How often a file is opened that others make anew at the same time.
const TRIES: u32 = 4;

/// Octets of the write-ahead log from which on the last connection puts it into the file. A checkpoint waits for the disk,
/// an opening reads the log: so a process that sends one message waits for the disk once in some thirty messages.
const LOG: u64 = 256 * 1024;

/// Raised when the tables change; a file of another version is made anew.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE breaker (
        kind TEXT NOT NULL, name TEXT NOT NULL, meaning TEXT NOT NULL, reason TEXT NOT NULL,
        since INTEGER NOT NULL, until INTEGER NOT NULL, failures INTEGER NOT NULL,
        fingerprint INTEGER, probe_until INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (kind, name)) WITHOUT ROWID;
    CREATE TABLE usage (
        account TEXT NOT NULL, minute INTEGER NOT NULL,
        messages INTEGER NOT NULL DEFAULT 0, recipients INTEGER NOT NULL DEFAULT 0, logins INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (account, minute)) WITHOUT ROWID;
    CREATE TABLE waiting (
        account TEXT PRIMARY KEY, room_at INTEGER NOT NULL, told INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, expires INTEGER NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL);
    CREATE INDEX session_account ON session (account);
    CREATE TABLE journal (
        queue_id TEXT NOT NULL, recipient TEXT NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (queue_id, recipient, digest)) WITHOUT ROWID;
    CREATE INDEX journal_at ON journal (at);
    CREATE TABLE refusal (
        account TEXT PRIMARY KEY, at INTEGER NOT NULL, meaning TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE notice (subject TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE salt (value BLOB NOT NULL);
";

/// Why the state can't be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// The directory or the file.
    #[error("state: {path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite.
    #[error("state: {path}: {source}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl StateError {
    /// Whether this user may not keep a state here at all, as opposed to a state in trouble.
    pub fn is_forbidden(&self) -> bool {
        match self {
            StateError::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
            }
            StateError::Sqlite { source, .. } => {
                matches!(source.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied))
            }
        }
    }

    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        let (StateError::Io { path, .. } | StateError::Sqlite { path, .. }) = self;
        self.is_forbidden().then(|| format!("let the user this runs as write to {}", path.display()))
    }

    /// The file was moved between our looking for it and our opening it.
    fn is_gone(&self) -> bool {
        match self {
            StateError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            StateError::Sqlite { path, source } => {
                source.sqlite_error_code() == Some(ErrorCode::CannotOpen)
                    && !self.is_forbidden()
                    && path.parent().is_some_and(Path::is_dir)
            }
        }
    }

    fn is_corrupt(&self) -> bool {
        match self {
            StateError::Io { .. } => false,
            StateError::Sqlite { source, .. } => {
                matches!(source, rusqlite::Error::InvalidColumnType(..))
                    || matches!(
                        source.sqlite_error_code(),
                        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                    )
                    // A table that is missing: somebody else's file, or half of ours.
                    || matches!(source.sqlite_error_code(), Some(ErrorCode::Unknown))
            }
        }
    }
}

/// The state of one host, in a file.
#[derive(Debug)]
pub struct Sqlite {
    directory: PathBuf,
    clock: Clock,
    open: Mutex<Option<Open>>,
}

/// A connection, and the file that it was made to.
#[derive(Debug)]
struct Open {
    connection: Connection,
    inode: (u64, u64),
    log: PathBuf,
}

impl Drop for Open {
    fn drop(&mut self) {
        let is_short = fs::metadata(&self.log).is_ok_and(|log| log.len() < LOG);
        // A checkpoint that need not be does no harm.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_short);
    }
}

impl Sqlite {
    /// The state in `directory`. Nothing is opened yet.
    pub fn new(directory: &Path, clock: Clock) -> Sqlite {
        Sqlite { directory: directory.to_owned(), clock, open: Mutex::new(None) }
    }

    /// The clock by which it goes.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    fn file(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Runs `work` on a usable connection. A file that turns out to be corrupt is made anew, and one that another process
    /// has just moved aside is opened again.
    fn with<T>(&self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(&mut open, &work) {
                Err(error) if tries < TRIES && error.is_corrupt() => {
                    *open = None;
                    self.make_anew(&error)?;
                }
                Err(error) if tries < TRIES && error.is_gone() => *open = None,
                other => return other,
            }
        }
    }

    fn attempt<T>(
        &self,
        open: &mut Option<Open>,
        work: &impl Fn(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        // Somebody may have removed or replaced the file under a service that runs for months.
        if open.as_ref().is_some_and(|open| inode_of(&self.file()) != Some(open.inode)) {
            *open = None;
        }
        if open.is_none() {
            *open = Some(self.connect()?);
        }
        let Some(Open { connection, .. }) = open else { unreachable!("it was just opened") };
        work(connection).map_err(|source| StateError::Sqlite { path: self.file(), source })
    }

    fn connect(&self) -> Result<Open, StateError> {
        let path = self.file();
        let io = |source| StateError::Io { path: path.clone(), source };
        let sqlite = |source| StateError::Sqlite { path: path.clone(), source };
        if !path.exists() {
            make_directory(&self.directory)?;
            // SQLite would give it the umask's mode.
            let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io)?;
            give_to_owner_of(&self.directory, &file).map_err(io)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(sqlite)?;
        prepare(&mut connection).map_err(sqlite)?;
        let inode = inode_of(&path).ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
        Ok(Open { connection, inode, log: self.directory.join(format!("{FILE}-wal")) })
    }

    /// Moves a corrupt file aside. Several processes may notice at once: the lock makes one of them do it.
    fn make_anew(&self, error: &StateError) -> Result<(), StateError> {
        let io = |source| StateError::Io { path: self.directory.clone(), source };
        let lock = File::create(self.directory.join("state.lock")).map_err(io)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|errno| io(errno.into()))?;
        if self.connect().and_then(|mut open| self.is_sound(&mut open.connection)).is_ok() {
            return Ok(());
        }
        tracing::warn!("{error}: made anew; what was closed, counted and journalled is forgotten");
        // First what stands beside it: from the moment that the name is free, another process may begin anew there.
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.directory.join(format!("{FILE}{beside}")));
        }
        // Gone already is as good.
        let _ = fs::rename(self.file(), self.directory.join(format!("{FILE}.corrupt")));
        Ok(())
    }

    fn is_sound(&self, connection: &mut Connection) -> Result<(), StateError> {
        let sqlite = |source| StateError::Sqlite { path: self.file(), source };
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
        for table in ["breaker", "usage", "waiting", "session", "journal", "refusal", "notice", "salt"] {
            connection.query_row(&format!("SELECT count(*) FROM {table} LIMIT 1"), [], |_| Ok(())).map_err(sqlite)?;
        }
        match verdict.as_str() {
            "ok" => Ok(()),
            _ => Err(sqlite(rusqlite::Error::InvalidQuery)),
        }
    }
}

/// Settings of a connection, and the tables of a new file.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement is planned anew whenever it is asked for another account, which costs more than to run it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == VERSION {
        // A file stays in WAL mode; what is set here is this connection's own.
        return connection.execute_batch("PRAGMA synchronous = NORMAL");
    }
    into_wal_mode(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        drop_all(&transaction)?;
        transaction.execute_batch(TABLES)?;
        transaction.execute("INSERT INTO salt VALUES (randomblob(32))", [])?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Changing the journal's mode needs the file alone, and SQLite does not wait for that.
fn into_wal_mode(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// A file of another version: what it held can be learned again.
fn drop_all(transaction: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for name in names {
        transaction.execute_batch(&format!("DROP TABLE \"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}

/// Makes the state's directory where it is not there.
///
/// # Errors
/// [`StateError::Io`].
pub fn make_directory(directory: &Path) -> Result<(), StateError> {
    let io = |source| StateError::Io { path: directory.to_owned(), source };
    if directory.exists() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    match directory.parent() {
        Some(parent) => File::open(directory).and_then(|made| give_to_owner_of(parent, &made)).map_err(io),
        None => Ok(()),
    }
}

/// What root makes belongs to whom the directory belongs to, so that the MTA's user can use it; SQLite does the same
/// with the files that it puts beside.
fn give_to_owner_of(directory: &Path, made: &File) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(directory)?;
    std::os::unix::fs::fchown(made, Some(owner.uid()), Some(owner.gid()))
}

fn inode_of(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Ledger for Sqlite {
    fn gate(&self, subject: &Subject, fingerprint: Option<u32>, lease: Duration) -> Result<Gate, StateError> {
        self.with(|connection| breaker::gate(connection, subject, fingerprint, lease, self.clock.now()))
    }

    fn closed(&self, subject: &Subject) -> Result<Option<Closure>, StateError> {
        self.with(|connection| breaker::closed(connection, subject, self.clock.now()))
    }

    fn closed_account(&self, address: &str) -> Result<Vec<Closure>, StateError> {
        self.with(|connection| breaker::closed_account(connection, address, self.clock.now()))
    }

    fn trip(&self, subject: &Subject, trip: &Trip) -> Result<Closure, StateError> {
        self.with(|connection| breaker::trip(connection, subject, trip, self.clock.now()))
    }

    fn lift(&self, subject: &Subject) -> Result<Option<Closure>, StateError> {
        self.with(|connection| breaker::lift(connection, subject))
    }

    fn reopen(&self, subject: &Subject) -> Result<Option<Closure>, StateError> {
        self.with(|connection| breaker::reopen(connection, subject))
    }

    fn end_probe(&self, subject: &Subject) -> Result<(), StateError> {
        self.with(|connection| breaker::end_probe(connection, subject))
    }

    fn closures(&self) -> Result<Vec<Closure>, StateError> {
        self.with(|connection| breaker::all(connection))
    }

    fn reserve(&self, account: &str, caps: &Caps, recipients: u64) -> Result<Result<(), Full>, StateError> {
        self.with(|connection| usage::reserve(connection, account, caps, recipients, self.clock.now()))
    }

    fn release(&self, account: &str, recipients: u64) -> Result<(), StateError> {
        self.with(|connection| usage::release(connection, account, recipients, self.clock.now()))
    }

    fn login(&self, account: &str, per_minute: Option<u64>) -> Result<Result<(), Full>, StateError> {
        self.with(|connection| usage::login(connection, account, per_minute, self.clock.now()))
    }

    fn release_login(&self, account: &str) -> Result<(), StateError> {
        self.with(|connection| usage::release_login(connection, account, self.clock.now()))
    }

    fn enter_session(&self, account: &str, most: u64, lease: Duration) -> Result<Result<i64, Full>, StateError> {
        self.with(|connection| usage::enter_session(connection, account, most, lease, self.clock.now()))
    }

    fn leave_session(&self, session: i64) -> Result<(), StateError> {
        self.with(|connection| usage::leave_session(connection, session))
    }

    fn today(&self) -> Result<Vec<Today>, StateError> {
        self.with(|connection| usage::today(connection, self.clock.now()))
    }

    fn note_refusal(&self, account: &str, meaning: &str, text: &str) -> Result<(), StateError> {
        self.with(|connection| notice::note_refusal(connection, account, meaning, text, self.clock.now()))
    }

    fn last_refusals(&self) -> Result<Vec<LastRefusal>, StateError> {
        self.with(|connection| notice::last_refusals(connection))
    }

    fn sent(&self, queue_id: &str, digest: &[u8; 32], recipients: &[String]) -> Result<Vec<bool>, StateError> {
        self.with(|connection| journal::sent(connection, queue_id, digest, recipients))
    }

    fn record(
        &self,
        queue_id: &str,
        digest: &[u8; 32],
        recipients: &[String],
        durability: Durability,
        keep: Duration,
    ) -> Result<(), StateError> {
        let now = self.clock.now();
        self.with(|connection| journal::record(connection, queue_id, digest, recipients, durability, keep, now))
    }

    fn taken(&self, queue_id: &str) -> Result<Vec<Taken>, StateError> {
        self.with(|connection| journal::taken(connection, queue_id))
    }

    fn may_notify(&self, subject: &str, interval: Duration) -> Result<bool, StateError> {
        self.with(|connection| notice::claim(connection, subject, interval, self.clock.now()))
    }

    fn notified(&self, subject: &str) -> Result<Option<Moment>, StateError> {
        self.with(|connection| notice::claimed(connection, subject))
    }

    fn salt(&self) -> Result<[u8; 32], StateError> {
        self.with(|connection| connection.prepare_cached("SELECT value FROM salt")?.query_row([], |row| row.get(0)))
    }
}

#[cfg(test)]
mod tests;
