//! Sign-ins that are under way: a browser was sent elsewhere and is not back yet.

use rusqlite::OptionalExtension;

use super::{StoreError, Transaction};
use crate::ambient::Timestamp;

impl Transaction<'_> {
    /// Adds a flow, sealed under what the browser keeps; the newest `kept` stay.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_flow(
        &self,
        fingerprint: &[u8; 32],
        (sealed, now): (&[u8], Timestamp),
        kept: u32,
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO flows (fingerprint, sealed, begun_at) VALUES (?1, ?2, ?3)";
        self.prepare(sql)?.execute((fingerprint.as_slice(), sealed, now.as_millis()))?;
        let newest = self.last_insert_rowid();
        self.prepare("DELETE FROM flows WHERE seq <= ?1")?.execute([newest - i64::from(kept)])?;
        Ok(())
    }

    /// The flow of this fingerprint.
    ///
    /// # Errors
    /// What the database reports.
    pub fn flow(&self, fingerprint: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.prepare("SELECT sealed FROM flows WHERE fingerprint = ?1")?;
        Ok(statement.query_row([fingerprint.as_slice()], |row| row.get(0)).optional()?)
    }

    /// Forgets it, so that it serves once.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_flow(&self, fingerprint: &[u8; 32]) -> Result<(), StoreError> {
        self.use_reserve();
        self.prepare("DELETE FROM flows WHERE fingerprint = ?1")?.execute([fingerprint.as_slice()])?;
        Ok(())
    }

    /// Forgets the flows that were begun before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_flows(&self, before: Timestamp) -> Result<(), StoreError> {
        self.prepare("DELETE FROM flows WHERE begun_at < ?1")?.execute([before.as_millis()])?;
        Ok(())
    }
}
