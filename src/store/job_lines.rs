//! Where jobs wait: each user device has a line for what is small, and one for what takes room in memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{StoreError, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// What the names of all lines begin with, as the column `line` has them; both are of one length.
const KINDS: [&str; 2] = ["large ", "small "];

/// A job that waits, of which nothing but its place is read.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) seq: i64,
    /// What it takes in memory while it is worked on; nothing where it is small.
    pub(super) bytes: usize,
}

/// The lines of which somebody has the first job in hand, and waits for a turn with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<Mutex<HashSet<String>>>);

impl Awaited {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user device of a line; an empty name where nobody knows it.
pub(super) fn device_of(line: &str) -> DeviceUuid {
    line.get(KINDS[0].len()..).unwrap_or_default().into()
}

/// What to look for.
pub(super) struct Wanted<'a> {
    /// The line that was looked at last.
    pub(super) after: &'a str,
    pub(super) now: Timestamp,
    /// What is in somebody's hands.
    pub(super) busy: &'a HashSet<i64>,
    pub(super) awaited: &'a HashSet<String>,
    /// The most that is asked for.
    pub(super) most: usize,
}

impl View<'_> {
    /// The lines in which a job is due and in nobody's hands, the one after the last first, with their first jobs, oldest
    /// first. At most so many lines as jobs are asked for, and of all together not much more.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due_lines(&self, wanted: &Wanted<'_>) -> Result<Vec<(String, Vec<Waiting>)>, StoreError> {
        let mut found = Vec::new();
        // Once around: what comes after the last line, and then from the first line to that.
        for (from, to) in [(wanted.after, None), ("", Some(wanted.after))] {
            let mut at = from.to_owned();
            while found.len() < wanted.most
                && let Some(line) = self.line_after(&at)?
                && to.is_none_or(|to| line.as_str() <= to)
            {
                if !wanted.awaited.contains(&line) {
                    let due = self.due_in(&line, wanted, wanted.most.div_ceil(found.len() + 1))?;
                    found.extend((!due.is_empty()).then(|| (line.clone(), due)));
                }
                at = line;
            }
        }
        Ok(found)
    }

    fn line_after(&self, line: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT min(line) FROM deliveries WHERE line > ?1";
        Ok(self.prepare(sql)?.query_row([line], |row| row.get(0))?)
    }

    fn due_in(&self, line: &str, wanted: &Wanted<'_>, most: usize) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT seq, weight FROM deliveries WHERE line = ?1 AND due_at <= ?2 ORDER BY due_at, seq";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query((line, wanted.now.as_millis()))?;
        let mut due = Vec::new();
        while due.len() < most
            && let Some(row) = rows.next()?
        {
            let (seq, bytes) = (row.get(0)?, row.get::<_, i64>(1)?);
            if !wanted.busy.contains(&seq) {
                due.push(Waiting { seq, bytes: usize::try_from(bytes).unwrap_or_default() });
            }
        }
        Ok(due)
    }
}
