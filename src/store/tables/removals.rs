//! Removing devices: at once what lets them do anything, then, piece by piece, what is left of them.

use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction};

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

impl Transaction<'_> {
    /// Removes a device. Tokens and subscriptions of it, in either direction, are left for [`Transaction::clear_away`]; where
    /// that leaves some too, what is left is to be noted ([`Transaction::note_begun`]), so that no token of it is known.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_device(&self, uuid: &DeviceUuid) -> Result<(), StoreError> {
        self.execute("DELETE FROM devices WHERE uuid = ?1", [uuid])?;
        self.remove_sign_ins_of(uuid)?;
        self.touch(uuid);
        Ok(())
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
                let costs = statement.query_map([uuid], |row| row.get::<_, u32>(0))?;
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
        Ok(false)
    }
}
