//! What a reader and a writer hold in their hands.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::StoreError;
use super::at_hand::device_cache::DeviceCache;
use super::at_hand::names::Names;
use super::room::Room;
use crate::message::DeviceUuid;

/// A consistent view of the store; reads only.
pub struct View<'c> {
    connection: &'c Connection,
    cache: Option<&'c RefCell<DeviceCache>>,
}

impl<'c> View<'c> {
    /// A view through a connection that has begun a transaction.
    pub(super) fn of_reader(connection: &'c Connection) -> Self {
        Self { connection, cache: None }
    }

    pub(super) fn cache(&self) -> Option<&'c RefCell<DeviceCache>> {
        self.cache
    }

    /// A statement of the open transaction. Where SQLite has ended that by itself, what follows would be kept alone.
    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        if self.connection.is_autocommit() {
            return Err(StoreError::Undone);
        }
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// What `read` makes of all rows that a statement brings.
    pub(super) fn all<T, C: FromIterator<T>>(
        &self,
        sql: &str,
        of: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<C, StoreError> {
        Ok(self.prepare(sql)?.query_map(of, read)?.collect::<Result<_, _>>()?)
    }

    /// What `read` makes of the first row that a statement brings, if it brings any.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        of: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.prepare(sql)?.query_row(of, read).optional()?)
    }

    /// The value that a statement always brings.
    pub(super) fn value<T: FromSql>(&self, sql: &str, of: impl Params) -> Result<T, StoreError> {
        Ok(self.prepare(sql)?.query_row(of, |row| row.get(0))?)
    }

    /// Whether a statement brings any row.
    pub(super) fn has(&self, sql: &str, of: impl Params) -> Result<bool, StoreError> {
        Ok(self.prepare(sql)?.exists(of)?)
    }

    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.connection.last_insert_rowid()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// How thoroughly what a transaction removes is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Erasing {
    /// Overwritten where that costs no write of its own.
    #[default]
    AsUsual,
    /// Overwritten, also in pages that are free then.
    Overwriting,
    /// The same, and the log of changes is emptied after the commit.
    Emptying,
}

pub(super) type Hook = Box<dyn FnOnce() + Send>;

/// A view that can be changed. All of it is kept, or nothing.
pub struct Transaction<'c> {
    view: View<'c>,
    room: &'c Room,
    names: &'c Names,
    ends_something: Cell<bool>,
    erasing: Cell<Erasing>,
    hooks: RefCell<Vec<Hook>>,
    kept_bytes: Cell<usize>,
    touched: RefCell<Vec<DeviceUuid>>,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        cache: &'c RefCell<DeviceCache>,
        room: &'c Room,
        names: &'c Names,
    ) -> Self {
        Self {
            view: View { connection, cache: Some(cache) },
            room,
            names,
            ends_something: Cell::new(false),
            erasing: Cell::default(),
            hooks: RefCell::default(),
            kept_bytes: Cell::default(),
            touched: RefCell::default(),
        }
    }

    /// Runs `hook` once what this transaction wrote is on disk; if it is not kept, `hook` is dropped before anything else is
    /// written. It runs on the writer's thread and must not wait for anything.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.borrow_mut().push(Box::new(hook));
    }

    /// Says that so many more bytes of memory are kept until the commit, be it by hooks or by what is answered then. One that
    /// keeps much is not shared with further writes.
    pub fn keep_until_committed(&self, bytes: usize) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_add(bytes));
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.kept_bytes.get()
    }

    /// Has a statement change what is stored.
    pub(super) fn execute(&self, sql: &str, of: impl Params) -> Result<(), StoreError> {
        self.change(sql, of).map(drop)
    }

    /// The same; answers how many rows it changed.
    pub(super) fn change(&self, sql: &str, of: impl Params) -> Result<usize, StoreError> {
        Ok(self.prepare(sql)?.execute(of)?)
    }

    /// Lets this transaction use the room that is kept free for endings.
    pub(super) fn use_reserve(&self) {
        self.ends_something.set(true);
    }

    pub(super) fn may_use_reserve(&self) -> bool {
        self.ends_something.get()
    }

    /// From here on, what this transaction removes is overwritten, also in pages that are free then: it may have been a
    /// sealed secret.
    pub(super) fn overwrite_what_is_freed(&self) -> Result<(), StoreError> {
        if self.erasing.get() == Erasing::AsUsual {
            self.connection.pragma_update(None, "secure_delete", "ON")?;
            self.erasing.set(Erasing::Overwriting);
        }
        Ok(())
    }

    /// The same, and no copy stays in the log of changes either.
    pub(super) fn erase(&self) -> Result<(), StoreError> {
        self.overwrite_what_is_freed()?;
        self.erasing.set(Erasing::Emptying);
        Ok(())
    }

    pub(super) fn erasing(&self) -> Erasing {
        self.erasing.get()
    }

    pub(super) fn room(&self) -> &Room {
        self.room
    }

    pub(super) fn names(&self) -> &Names {
        self.names
    }

    /// Says that the document of `uuid` changed, so that it is read anew, now and if the change is undone.
    pub(super) fn touch(&self, uuid: &DeviceUuid) {
        self.forget(uuid);
        self.touched.borrow_mut().push(uuid.clone());
    }

    /// Ends the borrow of the connection: what is to run after the commit.
    pub(super) fn kept(self) -> Vec<Hook> {
        self.hooks.into_inner()
    }

    /// Forgets what was read of documents whose change is undone.
    pub(super) fn undone(self) {
        self.touched.borrow().iter().for_each(|uuid| self.forget(uuid));
    }

    fn forget(&self, uuid: &DeviceUuid) {
        if let Some(cache) = self.view.cache {
            cache.borrow_mut().forget(uuid);
        }
    }
}

impl<'c> Deref for Transaction<'c> {
    type Target = View<'c>;

    fn deref(&self) -> &View<'c> {
        &self.view
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction")
    }
}
