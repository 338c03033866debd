//! The one writer: takes what waits, puts it into one commit, and answers when that is on disk.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::time::Duration;

use rusqlite::Connection;

use super::at_hand::device_cache::DeviceCache;
use super::at_hand::editions::Editions;
use super::at_hand::names::Names;
use super::open::BUSY;
use super::room::Room;
use super::transaction::{Erasing, Hook};
use super::turns::writes::{Answer, Callers, Waiting, Writes, contain, writes};
use super::{StoreError, Transaction};
use crate::ambient::Stopwatch;
use crate::telemetry::with_causes;

/// How many writes share one commit at most.
const GROUP: usize = 512;
/// After so long a commit is not shared with further writes: the first of them wait for it.
const GROUP_WITHIN: Duration = Duration::from_millis(50);
/// Nor after what is to be told then takes so much memory.
const GROUP_BYTES: usize = 8 << 20;

/// What the writer's thread owns, given up in this order: the locks outlive the connection, so that nobody else
/// opens the files while something is still written.
pub(super) struct WriterParts {
    pub(super) connection: Connection,
    pub(super) room: Room,
    pub(super) cache_bytes: usize,
    pub(super) editions: Editions,
    pub(super) names: Names,
    pub(super) stopwatch: Stopwatch,
    /// On the database, and on the directory. To close the database's would end the locks of every connection with it.
    pub(super) locks: [File; 2],
}

/// Starts the writer on a thread of its own. It ends when the last [`Callers`] is dropped.
pub(super) fn start(parts: WriterParts) -> std::io::Result<(Callers, std::thread::JoinHandle<()>)> {
    let (callers, waiting) = writes();
    let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
        let WriterParts { connection, room, cache_bytes, editions, names, stopwatch, locks } = parts;
        let cache = RefCell::new(DeviceCache::new(cache_bytes));
        // Whoever was killed before may have owed it.
        let owes_emptying = Cell::new(true);
        let (connected, cache) = (&connection, &cache);
        let writer = Writer { connection: connected, cache, room, editions, names, stopwatch, owes_emptying };
        writer.run(waiting);
        drop(connection);
        // A child process that is just being started may still share the files; the locks end all the same.
        for lock in locks {
            let _ = lock.unlock();
        }
    })?;
    Ok((callers, thread))
}

struct Writer<'c> {
    connection: &'c Connection,
    cache: &'c RefCell<DeviceCache>,
    room: Room,
    editions: Editions,
    names: Names,
    stopwatch: Stopwatch,
    /// Whether the log of changes may hold what was erased.
    owes_emptying: Cell<bool>,
}

/// What is to happen once the commit is on disk, or is known not to be.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    hooks: Vec<Hook>,
    kept_bytes: usize,
}

impl Group {
    /// Takes back a write that cannot run; its caller is told why.
    fn refuse(&mut self, waiting: Waiting, why: &StoreError) {
        let refused = waiting.run(Err(why.clone()));
        self.answers.extend(refused.map(|refused| refused.answer));
    }
}

impl Writer<'_> {
    fn run(&self, mut writes: Writes) {
        while writes.fill() {
            self.commit(&mut writes);
        }
    }

    fn commit(&self, writes: &mut Writes) {
        let mut group = Group::default();
        self.room.look_anew();
        let begun = self.stopwatch.passed();
        let mut now = begun;
        let mut so_far = self.begin();
        for _ in 0..GROUP {
            let Some((account, waiting)) = writes.next() else { break };
            match &so_far {
                Ok(()) => so_far = self.apply(waiting, &mut group),
                Err(error) => group.refuse(waiting, error),
            }
            let before = std::mem::replace(&mut now, self.stopwatch.passed());
            writes.took(account, now.saturating_sub(before));
            if now.saturating_sub(begun) > GROUP_WITHIN || group.kept_bytes > GROUP_BYTES {
                break;
            }
        }
        let outcome = so_far.and_then(|()| self.execute("COMMIT"));
        self.editions.committed();
        let Group { answers, hooks, .. } = group;
        if outcome.is_ok() {
            hooks.into_iter().for_each(contain);
        } else {
            self.roll_back();
            // Before anybody is told, so that nobody sees what they leave behind as if it were still to come.
            drop(hooks);
        }
        answers.into_iter().for_each(|answer| contain(|| answer(outcome.clone())));
        if self.owes_emptying.get() {
            self.empty_log();
        }
    }

    /// Writes the log of changes into the file and cuts it to nothing; where somebody still reads what it holds, that is
    /// tried again after the next commit.
    fn empty_log(&self) {
        let emptied = || -> rusqlite::Result<bool> {
            self.connection.busy_timeout(Duration::ZERO)?;
            let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            self.connection.busy_timeout(BUSY)?;
            Ok(!busy?)
        };
        self.owes_emptying.set(!emptied().unwrap_or(false));
    }

    fn begin(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            // An earlier roll-back failed: nothing of what is open may be mixed with what comes now.
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")
    }

    /// Runs one write; what it does not want to keep is undone alone. The first of a transaction needs no savepoint for
    /// that, which would copy what it changes.
    fn apply(&self, waiting: Waiting, group: &mut Group) -> Result<(), StoreError> {
        let is_first = group.answers.is_empty();
        if !is_first && let Err(error) = self.execute("SAVEPOINT one") {
            group.refuse(waiting, &error);
            return Err(error);
        }
        let transaction = Transaction::new(self.connection, self.cache, &self.room, &self.names);
        // A write that panics does not take the others of its group along.
        let written = waiting.run(Ok(&transaction));
        let keep = written.as_ref().is_some_and(|written| written.keep);
        if transaction.erasing() > Erasing::AsUsual {
            self.connection.pragma_update(None, "secure_delete", "FAST")?;
        }
        if transaction.erasing() == Erasing::Emptying {
            self.owes_emptying.set(true);
        }
        group.answers.extend(written.map(|written| written.answer));
        if keep {
            group.kept_bytes += transaction.kept_bytes();
            group.hooks.extend(transaction.kept());
        } else {
            transaction.undone();
        }
        if self.connection.is_autocommit() {
            // SQLite ended the whole transaction by itself, as it does where it has no room left.
            return Err(StoreError::Undone);
        }
        match (keep, is_first) {
            (true, true) => Ok(()),
            (false, true) => self.execute("ROLLBACK").and_then(|()| self.begin()),
            (true, false) => self.execute("RELEASE one"),
            (false, false) => self.execute("ROLLBACK TO one").and_then(|()| self.execute("RELEASE one")),
        }
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(error = with_causes(&error), "cannot roll back");
        }
        self.cache.borrow_mut().clear();
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
