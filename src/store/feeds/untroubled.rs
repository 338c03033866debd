//! Who was called at webhooks before this process began, and is not known to fail.

use super::keys::LineKey;
use crate::store::{Feed, StoreError, View};

impl Feed {
    /// As [`View::untroubled_lines`].
    ///
    /// # Errors
    /// What the store reports.
    pub async fn untroubled_lines(&self, most: usize) -> Result<Vec<LineKey>, StoreError> {
        self.store.read(move |view: &View<'_>| view.untroubled_lines(most)).await
    }
}

impl View<'_> {
    /// So many at most of the lines that had a call and have something waiting of which nothing was tried in vain. It looks at all
    /// that waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn untroubled_lines(&self, most: usize) -> Result<Vec<LineKey>, StoreError> {
        let sql = "SELECT line_at_webhook FROM deliveries JOIN turns ON who = line_at_webhook
                   WHERE work = 1 AND had_at > 0
                   GROUP BY line_at_webhook HAVING max(attempts) = 0 LIMIT ?1";
        let lines: Vec<String> = self.all(sql, [most as i64], |row| row.get(0))?;
        Ok(lines.iter().filter_map(|line| LineKey::named(line)).collect())
    }
}
