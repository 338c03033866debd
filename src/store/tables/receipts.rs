//! The kept proofs of what was ended, bounded in rows.

use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// The most receipts that are kept; the oldest make room.
const MOST: i64 = 100_000;

/// A receipt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Names it within this store.
    pub seq: i64,
    /// What it says, as JSON text.
    pub document: String,
}

impl View<'_> {
    /// The receipt of this [`StoredReceipt::seq`].
    ///
    /// # Errors
    /// What the database reports.
    pub fn receipt(&self, seq: i64) -> Result<Option<StoredReceipt>, StoreError> {
        self.first("SELECT seq, document FROM receipts WHERE seq = ?1", [seq], stored)
    }

    /// The [`StoredReceipt::seq`] of the newest receipt; 0 where there is none.
    ///
    /// # Errors
    /// What the database reports.
    pub fn last_receipt(&self) -> Result<i64, StoreError> {
        self.value("SELECT coalesce(max(seq), 0) FROM receipts", [])
    }

    /// The receipts of these credentials, newest first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn receipts_of(
        &self,
        credentials: &DeviceUuid,
        limit: usize,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let sql = "SELECT seq, document FROM receipts WHERE credentials = ?1 ORDER BY seq DESC LIMIT ?2";
        self.all(sql, (credentials, limit as i64), stored)
    }

    /// The receipts of any of these credentials that are older than this [`StoredReceipt::seq`], or all of them, newest first,
    /// at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn receipts_among(
        &self,
        credentials: &[DeviceUuid],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let sql = "SELECT seq, document FROM receipts
                   WHERE seq IN (SELECT seq FROM receipts
                                 WHERE credentials IN (SELECT value FROM json_each(?1)) AND seq < ?2
                                 ORDER BY seq DESC LIMIT ?3)
                   ORDER BY seq DESC";
        let among = serde_json::json!(credentials).to_string();
        self.all(sql, (among, older_than(before), limit as i64), stored)
    }

    /// The receipts that are older than this [`StoredReceipt::seq`], or all, newest first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn receipts(&self, before: Option<i64>, limit: usize) -> Result<Vec<StoredReceipt>, StoreError> {
        let sql = "SELECT seq, document FROM receipts WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2";
        self.all(sql, (older_than(before), limit as i64), stored)
    }
}

impl Transaction<'_> {
    /// Keeps a receipt, also in a file that is as good as full; answers its [`StoredReceipt::seq`].
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_receipt(&self, credentials: &DeviceUuid, document: &str) -> Result<i64, StoreError> {
        self.use_reserve();
        let sql = "INSERT INTO receipts (credentials, document) VALUES (?1, ?2)";
        self.execute(sql, (credentials, document))?;
        let seq = self.last_insert_rowid();
        self.execute("DELETE FROM receipts WHERE seq <= ?1", [seq - MOST])?;
        Ok(seq)
    }

    /// Says in a receipt what became known since.
    ///
    /// # Errors
    /// What the database reports.
    pub fn rewrite_receipt(&self, seq: i64, document: &str) -> Result<(), StoreError> {
        self.use_reserve();
        self.execute("UPDATE receipts SET document = ?2 WHERE seq = ?1", (seq, document))
    }
}

/// What those are numbered below that are asked for; all are below the greatest number.
fn older_than(before: Option<i64>) -> i64 {
    before.unwrap_or(i64::MAX)
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredReceipt> {
    Ok(StoredReceipt { seq: row.get(0)?, document: row.get(1)? })
}
