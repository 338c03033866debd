//! Messages that people sent, and over a bus elsewhere the deliveries that they came back as.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::{DeliveryId, DeviceUuid};
use crate::store::{StoreError, Transaction, View};

/// How many one sender's newest messages are known.
const MOST_OF_ONE: u32 = 64;

/// A message that somebody sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// When.
    pub sent_at: Timestamp,
    /// The delivery it came back as, once something of that was written.
    pub delivery: Option<DeliveryId>,
}

impl View<'_> {
    /// The message that `sender` sent with this mark; none where it was another's.
    ///
    /// # Errors
    /// What the database reports.
    pub fn sent_message(
        &self,
        mark: &DeliveryId,
        sender: &DeviceUuid,
    ) -> Result<Option<SentMessage>, StoreError> {
        let sql = "SELECT sent_at, delivery FROM sent_messages WHERE mark = ?1 AND sender = ?2";
        let read = |row: &Row<'_>| Ok(SentMessage { sent_at: row.get(0)?, delivery: row.get(1)? });
        self.first(sql, (mark, sender), read)
    }

    /// Whether a message that `sender` sent waits, or is worked on, as this delivery.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_under_way(&self, id: &DeliveryId, sender: &DeviceUuid) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM deliveries WHERE work = 0 AND id = ?1
                   AND CASE WHEN json_valid(route) THEN json_extract(route, '$[0].from') END = ?2";
        self.has(sql, (id, sender))
    }
}

impl Transaction<'_> {
    /// Notes that `sender` is about to send a message with this mark; their oldest make room.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is; else what the database reports.
    pub fn note_sent(
        &self,
        mark: &DeliveryId,
        sender: &DeviceUuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO sent_messages (mark, sender, sent_at) VALUES (?1, ?2, ?3)";
        self.execute(sql, (mark, sender, now))?;
        let sql = "DELETE FROM sent_messages WHERE sender = ?1 AND seq <= (
                       SELECT seq FROM sent_messages WHERE sender = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.execute(sql, (sender, MOST_OF_ONE))
    }

    /// Notes the delivery that a message came back as; the first stays.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn note_return(
        &self,
        mark: &DeliveryId,
        delivery: &DeliveryId,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE sent_messages SET delivery = ?2 WHERE mark = ?1 AND delivery IS NULL";
        self.execute(sql, (mark, delivery))
    }

    /// Forgets what was sent before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn forget_sent(&self, before: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM sent_messages WHERE sent_at < ?1", [before])
    }
}
