//! What many deliveries bring, kept once.

use crate::ambient::Timestamp;
use crate::store::{NewDelivery, StoreError, Transaction};

/// Up to here a body is kept with each delivery, in bytes: one of its own would take as much.
const SMALL: usize = 4 << 10;

/// A body that is kept once, for as long as a delivery or a dead letter brings it.
#[derive(Clone, Copy, Debug)]
pub struct SharedBody {
    seq: i64,
    bytes: usize,
}

impl Transaction<'_> {
    /// Keeps this text for the deliveries of this transaction; nothing where it is so small that each may have its own. It is
    /// kept for ever if none takes it.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is; else what the database reports.
    pub fn share_body(&self, text: &str) -> Result<Option<SharedBody>, StoreError> {
        if text.len() <= SMALL {
            return Ok(None);
        }
        self.check_room()?;
        self.execute("INSERT INTO bodies (text) VALUES (?1)", [text])?;
        Ok(Some(SharedBody { seq: self.last_insert_rowid(), bytes: text.len() }))
    }

    /// Accepts work whose body this is; its own is empty.
    ///
    /// # Errors
    /// Those of [`Transaction::accept`].
    pub fn accept_sharing(
        &self,
        new: &NewDelivery,
        body: SharedBody,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seq = self.accept(new, now)?;
        let sql = "UPDATE deliveries SET shared = ?2, weight = ?3 WHERE seq = ?1";
        self.execute(sql, (seq, body.seq, body.bytes as i64))
    }
}
