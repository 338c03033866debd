//! Who is signed in on the bus's own page, kept as hashes only.

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Kept, StoreError, TokenHash, Transaction, View};

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSignIn {
    /// The device.
    pub device: DeviceUuid,
    /// The token that proved it ([`StoredToken::seq`](crate::store::StoredToken::seq)); the sign-in ends with it.
    pub token: i64,
    /// When it signed in.
    pub began_at: Timestamp,
}

impl View<'_> {
    /// The sign-in of this hash.
    ///
    /// # Errors
    /// What the database reports.
    pub fn sign_in(&self, hash: &TokenHash) -> Result<Option<StoredSignIn>, StoreError> {
        self.first("SELECT device, token, began_at FROM sign_ins WHERE hash = ?1", [hash], |row| {
            Ok(StoredSignIn { device: row.get(0)?, token: row.get(1)?, began_at: row.get(2)? })
        })
    }
}

impl Transaction<'_> {
    /// Adds a sign-in; its device keeps its newest. Where there are too many in all, the oldest end of those
    /// devices that have most.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_sign_in(
        &self,
        hash: &TokenHash,
        sign_in: &StoredSignIn,
        Kept { of_device, in_all }: Kept,
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO sign_ins (hash, device, token, began_at) VALUES (?1, ?2, ?3, ?4)";
        let device = &sign_in.device;
        self.execute(sql, (hash, device, sign_in.token, sign_in.began_at))?;
        let sql = "DELETE FROM sign_ins WHERE device = ?1 AND seq <= (
                       SELECT seq FROM sign_ins WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.execute(sql, (device, of_device))?;
        let sql = "DELETE FROM sign_ins WHERE seq IN (
                       SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY device ORDER BY seq DESC) AS newest
                                        FROM sign_ins)
                       ORDER BY newest DESC, seq LIMIT ?1)";
        self.thin_out("SELECT count(*) FROM sign_ins", sql, in_all)?;
        Ok(())
    }

    /// Ends a sign-in, if there is one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_sign_in(&self, hash: &TokenHash) -> Result<(), StoreError> {
        self.execute("DELETE FROM sign_ins WHERE hash = ?1", [hash])
    }

    /// Ends every sign-in of this device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_sign_ins_of(&self, device: &DeviceUuid) -> Result<(), StoreError> {
        self.execute("DELETE FROM sign_ins WHERE device = ?1", [device])
    }

    /// Ends the sign-ins that began before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_sign_ins(&self, before: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM sign_ins WHERE began_at < ?1", [before])
    }
}
