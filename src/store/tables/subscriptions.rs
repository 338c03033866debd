//! Who listens to whom.

use serde::{Deserialize, Serialize};

use crate::message::{DeviceUuid, MESSAGE_RECEIVED};
use crate::store::{StoreError, Transaction, View};

/// One subscription; its keys are those of the bus's listing (`spec/meshblu.md` 4.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSubscription {
    /// Who listens.
    pub subscriber_uuid: DeviceUuid,
    /// Who is listened to.
    pub emitter_uuid: DeviceUuid,
    /// To what: `message.received`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl StoredSubscription {
    /// What brings the messages that `emitter` gets to `subscriber`.
    pub fn to_messages(subscriber: &DeviceUuid, emitter: &DeviceUuid) -> Self {
        Self {
            subscriber_uuid: subscriber.clone(),
            emitter_uuid: emitter.clone(),
            kind: MESSAGE_RECEIVED.to_owned(),
        }
    }
}

impl View<'_> {
    /// Those subscribed to `kind` of `emitter`, oldest subscription first, at most `limit`: anybody may subscribe.
    ///
    /// # Errors
    /// What the database reports.
    pub fn subscribers(
        &self,
        emitter: &DeviceUuid,
        kind: &str,
        limit: usize,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql =
            "SELECT subscriber FROM subscriptions WHERE emitter = ?1 AND type = ?2 ORDER BY seq LIMIT ?3";
        self.all(sql, (emitter, kind, limit as i64), |row| {
            Ok(DeviceUuid::from(row.get_ref(0)?.as_str().unwrap_or_default()))
        })
    }

    /// What `subscriber` listens to, oldest first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn subscriptions(&self, subscriber: &DeviceUuid) -> Result<Vec<StoredSubscription>, StoreError> {
        let sql = "SELECT emitter, type FROM subscriptions WHERE subscriber = ?1 ORDER BY seq";
        self.all(sql, [subscriber], |row| stored(subscriber, row))
    }

    /// What `subscriber` listens to, newest first, at most `limit`: each with its place in that order, and only those that are
    /// older than the one at the place `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn subscriptions_before(
        &self,
        subscriber: &DeviceUuid,
        before: i64,
        limit: usize,
    ) -> Result<Vec<(i64, StoredSubscription)>, StoreError> {
        let sql = "SELECT emitter, type, seq FROM subscriptions
                   WHERE subscriber = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        self.all(sql, (subscriber, before, limit as i64), |row| Ok((row.get(2)?, stored(subscriber, row)?)))
    }

    /// Whether this very subscription exists.
    ///
    /// # Errors
    /// What the database reports.
    pub fn has_subscription(&self, subscription: &StoredSubscription) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM subscriptions WHERE emitter = ?1 AND type = ?2 AND subscriber = ?3";
        self.has(sql, key(subscription))
    }
}

impl Transaction<'_> {
    /// Adds a subscription; one that exists stays as it is. Answers whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn subscribe(&self, subscription: &StoredSubscription) -> Result<bool, StoreError> {
        self.check_room()?;
        let sql = "INSERT OR IGNORE INTO subscriptions (emitter, type, subscriber) VALUES (?1, ?2, ?3)";
        Ok(self.change(sql, key(subscription))? > 0)
    }

    /// Removes a subscription, if it exists.
    ///
    /// # Errors
    /// What the database reports.
    pub fn unsubscribe(&self, subscription: &StoredSubscription) -> Result<(), StoreError> {
        let sql = "DELETE FROM subscriptions WHERE emitter = ?1 AND type = ?2 AND subscriber = ?3";
        self.execute(sql, key(subscription))
    }
}

fn stored(subscriber: &DeviceUuid, row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredSubscription> {
    Ok(StoredSubscription {
        subscriber_uuid: subscriber.clone(),
        emitter_uuid: row.get(0)?,
        kind: row.get(1)?,
    })
}

fn key(subscription: &StoredSubscription) -> (&DeviceUuid, &str, &DeviceUuid) {
    let StoredSubscription { subscriber_uuid, emitter_uuid, kind } = subscription;
    (emitter_uuid, kind, subscriber_uuid)
}
