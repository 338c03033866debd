//! Where jobs wait: each user device has a line for what is small, and one for what takes room in memory.

use super::handed::{Waiting, Wanted, one_of_each};
use crate::store::{StoreError, View};

impl View<'_> {
    /// The jobs that are due: of each line one and then the next of each, oldest first, and the line after that of the name
    /// `last` first, which is then the last that was looked at. At most so many lines as jobs are asked for, and of all together
    /// not much more.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due_jobs(&self, wanted: Wanted<'_>, last: &mut String) -> Result<Vec<Waiting>, StoreError> {
        let (after, mut found) = (last.clone(), Vec::new());
        // Once around: what comes after the last line, and then from the first line to that.
        for (from, to) in [(after.as_str(), None), ("", Some(&after))] {
            let mut at = from.to_owned();
            while found.len() < wanted.most
                && let Some(line) = self.line_after(&at)?
                && to.is_none_or(|to| line <= *to)
            {
                let most = wanted.most.div_ceil(found.len() + 1);
                let due = self.due_in_line(&line, Wanted { most, ..wanted })?;
                if !due.is_empty() {
                    found.push(due);
                    last.clone_from(&line);
                }
                at = line;
            }
        }
        Ok(one_of_each(&found).collect())
    }

    fn line_after(&self, line: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT min(line) FROM deliveries WHERE line > ?1";
        self.value(sql, [line])
    }

    fn due_in_line(&self, line: &str, wanted: Wanted<'_>) -> Result<Vec<Waiting>, StoreError> {
        let sql = "SELECT seq, weight, coalesce(user_device, '') FROM deliveries
                   WHERE line = ?1 AND due_at <= ?2 ORDER BY due_at, seq";
        let mut statement = self.prepare(sql)?;
        wanted.of(statement.query((line, wanted.now))?, |weight| weight)
    }
}
