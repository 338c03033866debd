//! Sign-ins that came back: a browser was sent elsewhere and brought an answer, which counts once.

use crate::ambient::Timestamp;
use crate::store::{StoreError, Transaction};

impl Transaction<'_> {
    /// Notes that the flow of this fingerprint is answered; the newest `kept` stay. Answers whether it was not before.
    ///
    /// # Errors
    /// What the database reports.
    pub fn answer_flow(&self, fingerprint: &[u8; 32], now: Timestamp, kept: u32) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql = "INSERT OR IGNORE INTO answered_flows (fingerprint, answered_at) VALUES (?1, ?2)";
        if self.change(sql, (fingerprint, now))? == 0 {
            return Ok(false);
        }
        let newest = self.last_insert_rowid();
        self.execute("DELETE FROM answered_flows WHERE seq <= ?1", [newest - i64::from(kept)])?;
        Ok(true)
    }

    /// Forgets the answers from before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_flows(&self, before: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM answered_flows WHERE answered_at < ?1", [before])
    }
}
