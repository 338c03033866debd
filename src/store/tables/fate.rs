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
        Ok(Self { done: done_of(row.get(at)?), refusal: row.get(at + 1)? })
    }

    /// What these columns hold.
    pub(super) fn values(&self) -> (Option<i64>, Option<&str>) {
        (self.done.map(done_code), self.refusal.as_deref())
    }
}

/// What a column `done` holds.
pub(super) const fn done_code(done: Done) -> i64 {
    match done {
        Done::No => 0,
        Done::Yes => 1,
        Done::Unknown => 2,
    }
}

/// What a column `done` says.
pub(super) fn done_of(code: Option<i64>) -> Option<Done> {
    code.map(|code| match code {
        0 => Done::No,
        1 => Done::Yes,
        _ => Done::Unknown,
    })
}
