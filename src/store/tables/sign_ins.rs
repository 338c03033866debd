//! Who is signed in on the bus's own page, kept as hashes only.

use rusqlite::OptionalExtension;

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
        let mut statement = self.prepare("SELECT device, token, began_at FROM sign_ins WHERE hash = ?1")?;
        let found = statement.query_row([hash.as_bytes()], |row| {
            Ok(StoredSignIn {
                device: row.get::<_, String>(0)?.into(),
                token: row.get(1)?,
                began_at: Timestamp::from_millis(row.get(2)?),
            })
        });
        Ok(found.optional()?)
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
        let device = sign_in.device.as_str();
        self.prepare(sql)?.execute((hash.as_bytes(), device, sign_in.token, sign_in.began_at.as_millis()))?;
        let sql = "DELETE FROM sign_ins WHERE device = ?1 AND seq <= (
                       SELECT seq FROM sign_ins WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.prepare(sql)?.execute((device, of_device))?;
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
        self.prepare("DELETE FROM sign_ins WHERE hash = ?1")?.execute([hash.as_bytes()])?;
        Ok(())
    }

    /// Ends every sign-in of this device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_sign_ins_of(&self, device: &DeviceUuid) -> Result<(), StoreError> {
        self.prepare("DELETE FROM sign_ins WHERE device = ?1")?.execute([device.as_str()])?;
        Ok(())
    }

    /// Ends the sign-ins that began before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_sign_ins(&self, before: Timestamp) -> Result<(), StoreError> {
        self.prepare("DELETE FROM sign_ins WHERE began_at < ?1")?.execute([before.as_millis()])?;
        Ok(())
    }
}
