//! Which credentials devices do not show the newest record yet on a bus elsewhere.

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// A record that the bus is still to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedProjection {
    /// Whose record.
    pub credentials: DeviceUuid,
    /// How often it was tried in vain.
    pub attempts: u32,
}

impl View<'_> {
    /// The projections that are due, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_projections(&self, now: Timestamp, limit: usize) -> Result<Vec<OwedProjection>, StoreError> {
        let sql = "SELECT credentials, attempts FROM projections WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
        self.all(sql, (now, limit as i64), |row| {
            Ok(OwedProjection { credentials: row.get(0)?, attempts: row.get(1)? })
        })
    }
}

impl Transaction<'_> {
    /// Notes that the bus is to be shown the newest record, from `due_at` on. A secret hangs on it, so this may use the
    /// room that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn owe_projection(&self, credentials: &DeviceUuid, due_at: Timestamp) -> Result<(), StoreError> {
        self.use_reserve();
        let sql = "INSERT OR REPLACE INTO projections (credentials, due_at) VALUES (?1, ?2)";
        self.execute(sql, (credentials, due_at))
    }

    /// Puts off a projection that was tried in vain.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone_projection(&self, credentials: &DeviceUuid, due_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE projections SET due_at = ?2, attempts = attempts + 1 WHERE credentials = ?1";
        self.execute(sql, (credentials, due_at))
    }

    /// Has every projection be due by now.
    ///
    /// # Errors
    /// What the database reports.
    pub fn hasten_projections(&self, now: Timestamp) -> Result<(), StoreError> {
        self.execute("UPDATE projections SET due_at = ?1 WHERE due_at > ?1", [now])
    }

    /// Notes that the bus shows the newest record.
    ///
    /// # Errors
    /// What the database reports.
    pub fn settle_projection(&self, credentials: &DeviceUuid) -> Result<(), StoreError> {
        self.use_reserve();
        self.execute("DELETE FROM projections WHERE credentials = ?1", [credentials])
    }
}
