//! What is known of how work ended, beside the reply itself.

use rusqlite::Row;

use crate::message::Done;

/// What is known of how work ended, beside the reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Whether the job was done; `None` where nothing but the reply can say.
    pub done: Option<Done>,
    /// What the bus said when it did not take the reply.
    pub refusal: Option<String>,
}

impl Fate {
    /// Reads the columns `done, refusal`, the first of which is at `at`.
    pub(super) fn of(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self { done: row.get(at)?, refusal: row.get(at + 1)? })
    }
}
