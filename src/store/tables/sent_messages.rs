//! Messages that people sent, and over a bus elsewhere the deliveries that they came back as.

use rusqlite::OptionalExtension;

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
        let mut statement = self.prepare(sql)?;
        let found = statement.query_row((mark.as_str(), sender.as_str()), |row| {
            let delivery = row.get::<_, Option<String>>(1)?.map(DeliveryId::from);
            Ok(SentMessage { sent_at: Timestamp::from_millis(row.get(0)?), delivery })
        });
        Ok(found.optional()?)
    }

    /// Whether a message that `sender` sent waits, or is worked on, as this delivery.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_under_way(&self, id: &DeliveryId, sender: &DeviceUuid) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM deliveries WHERE work = 0 AND id = ?1
                   AND CASE WHEN json_valid(route) THEN json_extract(route, '$[0].from') END = ?2";
        let mut statement = self.prepare(sql)?;
        Ok(statement.query_row((id.as_str(), sender.as_str()), |_| Ok(())).optional()?.is_some())
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
        self.prepare(sql)?.execute((mark.as_str(), sender.as_str(), now.as_millis()))?;
        let sql = "DELETE FROM sent_messages WHERE sender = ?1 AND seq <= (
                       SELECT seq FROM sent_messages WHERE sender = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.prepare(sql)?.execute((sender.as_str(), MOST_OF_ONE))?;
        Ok(())
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
        self.prepare(sql)?.execute((mark.as_str(), delivery.as_str()))?;
        Ok(())
    }

    /// Forgets what was sent before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn forget_sent(&self, before: Timestamp) -> Result<(), StoreError> {
        self.prepare("DELETE FROM sent_messages WHERE sent_at < ?1")?.execute([before.as_millis()])?;
        Ok(())
    }
}
