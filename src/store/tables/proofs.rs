//! Who proved control of the account behind credentials, and when; kept for a year, bounded in rows.

use std::time::Duration;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// What somebody proved for an end counts for minutes. That they keep something here is known by it for longer: whoever never
/// proved anything makes room for those who did.
const KEPT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The most proofs that are kept; the oldest make room.
const MOST: u32 = 100_000;

impl View<'_> {
    /// When `caller` last proved control of the account behind `credentials`, as far back as is remembered.
    ///
    /// # Errors
    /// What the database reports.
    pub fn proof(
        &self,
        caller: &DeviceUuid,
        credentials: &DeviceUuid,
    ) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT proved_at FROM proofs WHERE caller = ?1 AND credentials = ?2";
        self.first(sql, (caller, credentials), |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Notes that `caller` proved control of the account behind `credentials` just now: signed in at the API as the
    /// very account.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_proof(
        &self,
        caller: &DeviceUuid,
        credentials: &DeviceUuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Whoever cannot prove control cannot revoke either, also where the file is as good as full.
        self.use_reserve();
        let sql = "INSERT OR REPLACE INTO proofs (caller, credentials, proved_at) VALUES (?1, ?2, ?3)";
        self.execute(sql, (caller, credentials, now))?;
        self.forget_proofs(now.minus(KEPT), MOST)
    }

    /// Forgets proofs older than `before`, and all but the newest `keep`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_proofs(&self, before: Timestamp, keep: u32) -> Result<(), StoreError> {
        self.execute("DELETE FROM proofs WHERE proved_at < ?1", [before])?;
        let sql = "DELETE FROM proofs WHERE proved_at <= (
                       SELECT proved_at FROM proofs ORDER BY proved_at DESC LIMIT 1 OFFSET ?1)";
        self.execute(sql, [keep])
    }
}
