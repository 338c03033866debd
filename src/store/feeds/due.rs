//! What is due of work that stands in many queues, so that one that hangs is in the way of its own alone.

use rusqlite::Row;

/// A piece of work that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Names it within its table.
    pub seq: i64,
    /// What is done one after the other has this in common.
    pub queue: String,
}

impl Due {
    pub(in crate::store) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { seq: row.get(0)?, queue: row.get(1)? })
    }
}
