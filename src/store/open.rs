//! Opening the store: the directory's lock, the checks, the writer and the readers.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::at_hand::editions::Editions;
use super::at_hand::names::Names;
use super::at_hand::rights::Rights;
use super::room::Room;
use super::turns::readers::Readers;
use super::turns::writes::Callers;
use super::writer::{self, WriterParts};
use super::{Account, StoreError, Transaction, View, schema};
use crate::ambient::Stopwatch;

/// Databases up to this size are read through once at start; larger ones would make it slow.
const CHECKED_AT_START: u64 = 16 << 20;
/// How long to wait for a program that looks at the files from outside, such as a backup.
pub(super) const BUSY: Duration = Duration::from_secs(1);
/// What a file is allowed that holds anything of ours.
const OURS: u32 = 0o600;
const READERS: usize = 2;
/// Searches may take long; they wait for each other alone.
const SEARCHERS: usize = 1;
/// How many searches of one account wait at most.
const SEARCHES: usize = 4096;
const DEVICE_CACHE_BYTES: usize = 32 << 20;

/// What the store needs to be told.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data directory; it exists.
    pub directory: PathBuf,
    /// The most pages of 4096 bytes the database may have; `None` leaves it to the disk.
    pub max_pages: Option<u32>,
    /// MiB of the disk that new work leaves free.
    pub keep_free_mib: u32,
    /// Tells how long others wait for a write, a read or a search.
    pub stopwatch: Stopwatch,
}

/// The store of one data directory. Cheap to clone; the last clone closes it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Parts>);

struct Parts {
    callers: Option<Callers>,
    readers: Readers,
    searchers: Readers,
    editions: Editions,
    rights: Rights,
    names: Names,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store, makes it where there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Corrupt`], or what the files report.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let path = settings.directory.join("endo.db");
        let in_use = || StoreError::InUse(settings.directory.clone());
        let directory = lock(&settings.directory.join("lock"))?.ok_or_else(in_use)?;
        keep_to_oneself(&path)?;
        // Somebody may remove the first, or lead to the same file from another directory. SQLite's own locks are of another kind.
        let database = lock(&path)?.ok_or_else(in_use)?;
        let sound = |result: Result<_, StoreError>| result.map_err(|error| damaged(&path, error));
        let writing = sound(open_writer(&path, settings.max_pages))?;
        let reading = |count| (0..count).map(|_| sound(open_reader(&path))).collect::<Result<_, _>>();
        let lend = |connections, most| Readers::new(connections, most, settings.stopwatch.clone());
        let (readers, searchers) = (lend(reading(READERS)?, usize::MAX), lend(reading(SEARCHERS)?, SEARCHES));
        let room = Room::of(settings);
        let (editions, names) = (Editions::default(), Names::default());
        editions.watch(&writing)?;
        let parts = WriterParts {
            connection: writing,
            room,
            cache_bytes: DEVICE_CACHE_BYTES,
            editions: editions.clone(),
            names: names.clone(),
            stopwatch: settings.stopwatch.clone(),
            locks: [database, directory],
        };
        let (callers, thread) =
            writer::start(parts).map_err(|cause| StoreError::File { path, cause: Arc::new(cause) })?;
        let (callers, thread) = (Some(callers), Mutex::new(Some(thread)));
        let rights = Rights::default();
        Ok(Self(Arc::new(Parts { callers, readers, searchers, editions, rights, names, thread })))
    }

    /// Runs `change` in a transaction and answers what it returned, once that is on disk.
    ///
    /// # Errors
    /// Those of `change`, after which nothing of it is kept, and those of the commit.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.write_for(Account::Own, change).await
    }

    /// As [`Store::write`], for somebody whose many or long writes must not keep others from theirs. Where the answer is given
    /// up before its turn, nothing is done.
    ///
    /// # Errors
    /// As [`Store::write`], and [`StoreError::Crowded`].
    pub async fn write_for<T, E, F>(&self, account: Account, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.0.callers.as_ref().ok_or(StoreError::Closed)?.write(account, change).await
    }

    /// Which edition of the rights is in force.
    pub(super) fn edition(&self) -> u64 {
        self.0.editions.current()
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.0.rights
    }

    pub(super) fn names(&self) -> &Names {
        &self.0.names
    }

    /// Waits until the store takes no more writes. While somebody holds it, only a failure of its own brings that
    /// about: the process does better to end than to refuse everything.
    pub async fn closed(&self) {
        if let Some(callers) = &self.0.callers {
            callers.closed().await;
        }
    }

    /// Runs `look` with a consistent view: all it reads is of one moment.
    ///
    /// # Errors
    /// Those of `look`.
    pub async fn read<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        self.read_for(Account::Own, look).await
    }

    /// As [`Store::read`], for somebody whose many or long reads must not keep others from theirs.
    ///
    /// # Errors
    /// Those of `look`.
    pub async fn read_for<T, E, F>(&self, account: Account, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        self.0.readers.read(account, look).await
    }

    /// As [`Store::read`], for a few look-ups by key: they run where the caller is, which costs less than the way to
    /// another thread and back.
    ///
    /// # Errors
    /// Those of `look`.
    pub async fn glance<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        self.0.readers.glance(look).await
    }

    /// As [`Store::read`], for what may read very much: nothing but its like waits for it.
    ///
    /// # Errors
    /// Those of `look`.
    pub async fn search<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        self.search_for(Account::Own, look).await
    }

    /// As [`Store::search`], for somebody whose many or long searches must not keep others from theirs. Whose account it
    /// is, is known: nobody fills the places of another.
    ///
    /// # Errors
    /// [`StoreError::Crowded`] where very many of the account wait already; those of `look`.
    pub async fn search_for<T, E, F>(&self, account: Account, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        self.0.searchers.read(account, look).await
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // The last connection to close tidies up, which only the writer's may.
        self.readers.close();
        self.searchers.close();
        self.callers = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A hook that held the last clone runs on that very thread, which then ends by itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// The lock on this file; none where another store has it.
fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let failed = |cause| StoreError::File { path: path.to_owned(), cause: Arc::new(cause) };
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// Makes the database's files this user's alone, whoever may enter the directory. What SQLite makes beside the database
/// gets its permissions; what a program of before left there may have others.
fn keep_to_oneself(path: &Path) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{end}", path.display()));
        let failed = |cause| StoreError::File { path: path.clone(), cause: Arc::new(cause) };
        let mut options = OpenOptions::new();
        let is_database = end.is_empty();
        match options.create(is_database).append(true).mode(OURS).open(&path) {
            Ok(file) => tighten(&file).map_err(failed)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
    Ok(())
}

fn tighten(file: &File) -> std::io::Result<()> {
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { file.set_permissions(Permissions::from_mode(OURS)) }
}

fn damaged(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Database(cause)
            if matches!(
                cause.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ) =>
        {
            StoreError::Corrupt { path: path.to_owned(), cause }
        }
        other => other,
    }
}

fn open_writer(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    // First of all: a file that is somebody else's stays as it is.
    check(&connection, path)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What was deleted is overwritten where that costs no write of its own: it may have been a sealed secret.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    schema::migrate(&mut connection)?;
    if let Some(pages) = max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // Each reader has it to itself, so that it needs no lock of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Prepares statements once: else SQLite prepares many of them anew for every value they are run with, in case
/// another value deserved another plan. Ours are look-ups by key.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let ours = schema::recognize(connection)?;
    let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_AT_START);
    if ours && (!small || is_sound(connection)?) {
        return Ok(());
    }
    let code = if ours { rusqlite::ffi::SQLITE_CORRUPT } else { rusqlite::ffi::SQLITE_NOTADB };
    let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    Err(StoreError::Corrupt { path: path.to_owned(), cause: Arc::new(cause) })
}

fn is_sound(connection: &Connection) -> Result<bool, StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(verdict == "ok")
}
