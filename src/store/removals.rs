//! Removing devices: at once what lets them do anything, then, piece by piece, what is left of them.

use rusqlite::OptionalExtension;

use super::{StoreError, Transaction, View};
use crate::message::DeviceUuid;

/// How much a piece removes, in bytes of metadata.
const PIECE: usize = 1 << 20;
/// What removing a row costs beside its metadata, as bytes of them.
const ROW: usize = 512;

/// What may be left of a device that was removed, some rows a time, with what each costs beside.
const LEFT: [&str; 3] = [
    "DELETE FROM tokens WHERE seq IN (SELECT seq FROM tokens WHERE uuid = ?1 LIMIT 8)
     RETURNING octet_length(metadata)",
    "DELETE FROM subscriptions WHERE seq IN (SELECT seq FROM subscriptions WHERE subscriber = ?1 LIMIT 8)
     RETURNING 0",
    "DELETE FROM subscriptions WHERE seq IN (SELECT seq FROM subscriptions WHERE emitter = ?1 LIMIT 8)
     RETURNING 0",
];

impl View<'_> {
    /// A device that was removed and of which something is left.
    ///
    /// # Errors
    /// What the database reports.
    pub fn half_removed(&self) -> Result<Option<DeviceUuid>, StoreError> {
        let mut statement = self.prepare("SELECT uuid FROM half_removed LIMIT 1")?;
        let uuid = statement.query_row([], |row| row.get::<_, String>(0)).optional()?;
        Ok(uuid.map(DeviceUuid::from))
    }
}

impl Transaction<'_> {
    /// Removes a device: from now on no token of it is known. Whether tokens or subscriptions of it are left, in either
    /// direction, for [`Transaction::clear_away`]: where it has very many.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_device(&self, uuid: &DeviceUuid) -> Result<bool, StoreError> {
        self.prepare("DELETE FROM devices WHERE uuid = ?1")?.execute([uuid.as_str()])?;
        self.prepare("INSERT OR IGNORE INTO half_removed (uuid) VALUES (?1)")?.execute([uuid.as_str()])?;
        self.remove_sign_ins_of(uuid)?;
        self.touch(uuid);
        self.clear_away(uuid)
    }

    /// Removes a piece of what is left of a device that was removed. Whether still more is.
    ///
    /// # Errors
    /// What the database reports.
    pub fn clear_away(&self, uuid: &DeviceUuid) -> Result<bool, StoreError> {
        let mut left = PIECE;
        for some in LEFT {
            let mut statement = self.prepare(some)?;
            loop {
                let costs = statement.query_map([uuid.as_str()], |row| row.get::<_, u32>(0))?;
                let costs = costs.collect::<Result<Vec<_>, _>>()?;
                if costs.is_empty() {
                    break;
                }
                left = left.saturating_sub(costs.iter().map(|cost| ROW + *cost as usize).sum());
                if left == 0 {
                    return Ok(true);
                }
            }
        }
        self.prepare("DELETE FROM half_removed WHERE uuid = ?1")?.execute([uuid.as_str()])?;
        Ok(false)
    }
}
