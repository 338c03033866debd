//! Where jobs wait: each user device has a line for what is small, and one for what takes room in memory.

use std::collections::HashSet;

use super::handed::Waiting;
use super::{StoreError, View};
use crate::ambient::Timestamp;

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
    pub(super) fn due_lines(&self, wanted: &Wanted<'_>) -> Result<Vec<Vec<Waiting>>, StoreError> {
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
                    found.extend((!due.is_empty()).then_some(due));
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
                let bytes = usize::try_from(bytes).unwrap_or_default();
                due.push(Waiting { line: line.to_owned(), seq, bytes });
            }
        }
        Ok(due)
    }
}
