//! User devices on a bus elsewhere that were begun and have no right yet: whoever begins again finds them here.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Binding, StoreError, Transaction, View};

/// A user device that is not finished: it is registered, and not subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfMade {
    /// The device, and what it is to use.
    pub binding: Binding,
    /// Whom it was made for.
    pub owner: DeviceUuid,
    /// The device that is to keep its errors, once there is one.
    pub status_device: Option<DeviceUuid>,
    /// Since when it is there.
    pub made_at: Timestamp,
}

const COLUMNS: &str = "credentials, user_device, owner, status_device, made_at";

impl View<'_> {
    /// All that is not finished, the oldest first, but for what was cut off meanwhile: nobody finishes that.
    ///
    /// # Errors
    /// What the database reports.
    pub fn half_made(&self) -> Result<Vec<HalfMade>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM half_made LEFT JOIN tombstones USING (credentials, user_device)
             WHERE ended_at IS NULL ORDER BY made_at"
        );
        self.all(&sql, [], half_made)
    }

    /// What is not finished of all devices for these credentials, the oldest first, but for what was cut off meanwhile.
    ///
    /// # Errors
    /// What the database reports.
    pub fn half_made_of(&self, credentials: &DeviceUuid) -> Result<Vec<HalfMade>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM half_made LEFT JOIN tombstones USING (credentials, user_device)
             WHERE credentials = ?1 AND ended_at IS NULL ORDER BY made_at"
        );
        self.all(&sql, [credentials], half_made)
    }

    /// What is not finished of this owner's devices for these credentials, the oldest first. What was cut off meanwhile
    /// stays as it is.
    ///
    /// # Errors
    /// What the database reports.
    pub fn half_made_for(
        &self,
        credentials: &DeviceUuid,
        owner: &DeviceUuid,
    ) -> Result<Vec<HalfMade>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM half_made LEFT JOIN tombstones USING (credentials, user_device)
             WHERE credentials = ?1 AND owner = ?2 AND ended_at IS NULL ORDER BY made_at"
        );
        self.all(&sql, (credentials, owner), half_made)
    }
}

impl Transaction<'_> {
    /// Notes how far a device is, in place of what was noted of it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_half_made(&self, half: &HalfMade) -> Result<(), StoreError> {
        let sql = format!("INSERT OR REPLACE INTO half_made ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)");
        let (credentials, user_device) = half.binding.key();
        self.execute(&sql, (credentials, user_device, &half.owner, &half.status_device, half.made_at))
    }

    /// Forgets what was noted: the device is finished, or gone.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_half_made(&self, binding: &Binding) -> Result<(), StoreError> {
        let sql = "DELETE FROM half_made WHERE credentials = ?1 AND user_device = ?2";
        self.execute(sql, binding.key())
    }
}

fn half_made(row: &Row<'_>) -> rusqlite::Result<HalfMade> {
    Ok(HalfMade {
        binding: Binding::read(row)?,
        owner: row.get(2)?,
        status_device: row.get(3)?,
        made_at: row.get(4)?,
    })
}
