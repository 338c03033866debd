//! What the bus still has to be told of rights and records that are over.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Due, StoreError, Transaction, View};

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrandKind {
    /// The subscription to this user device ends.
    Subscription(DeviceUuid),
    /// The lists of this user device name the credentials device no more.
    Whitelists(DeviceUuid),
    /// The credentials device shows its record no more.
    Record,
}

impl ErrandKind {
    /// The user device that it is about, where it is about one.
    pub fn user_device(&self) -> Option<&DeviceUuid> {
        match self {
            Self::Subscription(user_device) | Self::Whitelists(user_device) => Some(user_device),
            Self::Record => None,
        }
    }

    const fn code(&self) -> i64 {
        match self {
            Self::Subscription(_) => 0,
            Self::Whitelists(_) => 1,
            Self::Record => 2,
        }
    }

    fn of(code: i64, user_device: Option<DeviceUuid>) -> Self {
        match (code, user_device) {
            (0, Some(user_device)) => Self::Subscription(user_device),
            (1, Some(user_device)) => Self::Whitelists(user_device),
            _ => Self::Record,
        }
    }
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What.
    pub kind: ErrandKind,
    /// Of which credentials.
    pub credentials: DeviceUuid,
    /// The receipt that says how it went ([`StoredReceipt::seq`](crate::store::StoredReceipt::seq)).
    pub receipt: i64,
}

/// An errand that is not done yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedErrand {
    /// Names it within this store.
    pub seq: i64,
    /// What is to be done.
    pub errand: Errand,
    /// How often it was tried in vain.
    pub attempts: u32,
}

const COLUMNS: &str = "seq, kind, credentials, user_device, receipt, attempts";

impl View<'_> {
    /// The errands that are due, at most `limit`: of each queue the first, and then of each the next, what was never tried
    /// before the others. Those of the same credentials are one queue.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_errands(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let sql = "SELECT seq, queue FROM (
                       SELECT *, row_number() OVER (PARTITION BY queue ORDER BY tried, due_at, seq) AS place FROM (
                           SELECT seq, due_at, attempts > 0 AS tried, hex(credentials) AS queue
                           FROM errands WHERE due_at <= ?1))
                   ORDER BY place, tried, due_at, seq LIMIT ?2";
        self.all(sql, (now, limit as i64), Due::read)
    }

    /// One of them, while it is there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn errand(&self, seq: i64) -> Result<Option<QueuedErrand>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM errands WHERE seq = ?1");
        self.first(&sql, [seq], queued)
    }
}

impl Transaction<'_> {
    /// Notes something to be told from `due_at` on, also in a file that is as good as full.
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_errand(&self, errand: Errand, due_at: Timestamp) -> Result<QueuedErrand, StoreError> {
        self.use_reserve();
        let sql = "INSERT INTO errands (kind, credentials, user_device, receipt, due_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(
            sql,
            (errand.kind.code(), &errand.credentials, errand.kind.user_device(), errand.receipt, due_at),
        )?;
        Ok(QueuedErrand { seq: self.last_insert_rowid(), errand, attempts: 0 })
    }

    /// Puts an errand off until `due_at` that was not tried.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone_errand(&self, seq: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE errands SET due_at = ?2 WHERE seq = ?1";
        self.execute(sql, (seq, due_at))
    }

    /// Has an errand tried again at `due_at` that was tried in vain.
    ///
    /// # Errors
    /// What the database reports.
    pub fn retry_errand(&self, seq: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE errands SET due_at = ?2, attempts = attempts + 1 WHERE seq = ?1";
        self.execute(sql, (seq, due_at))
    }

    /// Has every errand be due by now.
    ///
    /// # Errors
    /// What the database reports.
    pub fn hasten_errands(&self, now: Timestamp) -> Result<(), StoreError> {
        self.execute("UPDATE errands SET due_at = ?1 WHERE due_at > ?1", [now])
    }

    /// Takes an errand off the list; answers whether it was still there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn finish_errand(&self, seq: i64) -> Result<bool, StoreError> {
        self.use_reserve();
        Ok(self.change("DELETE FROM errands WHERE seq = ?1", [seq])? > 0)
    }
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedErrand> {
    let errand = Errand {
        kind: ErrandKind::of(row.get(1)?, row.get(3)?),
        credentials: row.get(2)?,
        receipt: row.get(4)?,
    };
    Ok(QueuedErrand { seq: row.get(0)?, errand, attempts: row.get(5)? })
}
