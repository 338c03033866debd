//! What came before what, as the store saw it. Clocks, which may be set back, are not asked.

use crate::store::{Store, StoreError, Transaction, View};

/// A place in the order of what was noted in a store: what came later has a greater one. The default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    pub(super) const fn number(self) -> i64 {
        self.0
    }

    pub(super) const fn of(number: i64) -> Self {
        Self(number)
    }
}

impl Store {
    /// The last moment that came so far.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn moment(&self) -> Result<Moment, StoreError> {
        self.read(|view| view.moment()).await
    }
}

impl View<'_> {
    /// The last moment that came so far.
    ///
    /// # Errors
    /// What the database reports.
    pub fn moment(&self) -> Result<Moment, StoreError> {
        Ok(self
            .prepare("SELECT last FROM moments WHERE one = 1")?
            .query_row([], |row| row.get(0).map(Moment))?)
    }
}

impl Transaction<'_> {
    /// A moment of its own for what is noted now.
    ///
    /// # Errors
    /// What the database reports.
    pub fn next_moment(&self) -> Result<Moment, StoreError> {
        let sql = "UPDATE moments SET last = last + 1 WHERE one = 1 RETURNING last";
        Ok(self.prepare(sql)?.query_row([], |row| row.get(0).map(Moment))?)
    }
}
