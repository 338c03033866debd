//! What came before what, as the store saw it. Clocks, which may be set back, are not asked.

use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError, Transaction, View};

/// A place in the order of what was noted in a store: what came later has a greater one. The default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub(in crate::store) i64);

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
        self.value("SELECT last FROM moments WHERE one = 1", [])
    }
}

impl Transaction<'_> {
    /// A moment of its own for what is noted now.
    ///
    /// # Errors
    /// What the database reports.
    pub fn next_moment(&self) -> Result<Moment, StoreError> {
        let sql = "UPDATE moments SET last = last + 1 WHERE one = 1 RETURNING last";
        self.value(sql, [])
    }
}
