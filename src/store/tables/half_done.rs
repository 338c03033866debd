//! Changes that are made piece by piece: what is left of each, so that one that was begun is done to its end.

use crate::store::{StoreError, Transaction, View};

/// Names a change of which something is left, within this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfDone(i64);

impl View<'_> {
    /// Of the changes of which something is left, the one that was begun first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn half_done(&self) -> Result<Option<HalfDone>, StoreError> {
        self.first("SELECT seq FROM half_done ORDER BY seq LIMIT 1", [], |row| row.get(0).map(HalfDone))
    }

    /// What is left of a change, as it was noted; nothing where all of it is done.
    ///
    /// # Errors
    /// What the database reports.
    pub fn left_of(&self, HalfDone(seq): HalfDone) -> Result<Option<String>, StoreError> {
        self.first("SELECT remainder FROM half_done WHERE seq = ?1", [seq], |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Notes what is left of a change that was begun, as JSON text: a device that its member `removal` names has no token that
    /// is known any more.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_begun(&self, remainder: &str) -> Result<HalfDone, StoreError> {
        self.execute("INSERT INTO half_done (remainder) VALUES (?1)", [remainder])?;
        Ok(HalfDone(self.last_insert_rowid()))
    }

    /// Notes what is left now of a change.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_left(&self, HalfDone(seq): HalfDone, remainder: &str) -> Result<(), StoreError> {
        self.execute("UPDATE half_done SET remainder = ?2 WHERE seq = ?1", (seq, remainder))
    }

    /// Notes that nothing is left of a change.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_done(&self, HalfDone(seq): HalfDone) -> Result<(), StoreError> {
        self.execute("DELETE FROM half_done WHERE seq = ?1", [seq])
    }
}
