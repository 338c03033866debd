//! Sealed copies of secrets that are over, kept only until the API was told; what is erased is overwritten.

use rusqlite::{OptionalExtension, Row};

use super::{StoreError, StoredRecord, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// A secret that the API is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRevocation {
    /// Names it within this store.
    pub seq: i64,
    /// The credentials device that kept it.
    pub credentials: DeviceUuid,
    /// The receipt that says what the API answered.
    pub receipt: i64,
    /// The record that holds it, sealed as it was.
    pub record: StoredRecord,
    /// Since when it waits.
    pub made_at: Timestamp,
    /// How often the API was asked in vain.
    pub attempts: u32,
}

const COLUMNS: &str = "seq, credentials, receipt, generation, endo, signature, source, made_at, attempts";

impl View<'_> {
    /// The secrets that the API is to be told of now, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_revocations(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedRevocation>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM revocations WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT ?2");
        let mut statement = self.prepare(&sql)?;
        let rows = statement.query_map((now.as_millis(), limit as i64), queued)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All secrets that the API is still to be told of, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revocations(&self, limit: usize) -> Result<Vec<QueuedRevocation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM revocations ORDER BY seq LIMIT ?1");
        let mut statement = self.prepare(&sql)?;
        let rows = statement.query_map([limit as i64], queued)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether secrets of these credentials wait whose end this receipt tells.
    ///
    /// # Errors
    /// What the database reports.
    pub fn has_revocations(&self, credentials: &DeviceUuid, receipt: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM revocations WHERE credentials = ?1 AND receipt = ?2 LIMIT 1";
        Ok(self.prepare(sql)?.exists((credentials.as_str(), receipt))?)
    }

    /// The newest sealed copy of what these credentials held, while there is one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revocation_of(&self, credentials: &DeviceUuid) -> Result<Option<QueuedRevocation>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM revocations WHERE credentials = ?1 ORDER BY seq DESC LIMIT 1");
        Ok(self.prepare(&sql)?.query_row([credentials.as_str()], queued).optional()?)
    }
}

impl Transaction<'_> {
    /// Keeps a sealed copy until the API was told, due at once.
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_revocation(
        &self,
        (credentials, receipt): (&DeviceUuid, i64),
        record: &StoredRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.use_reserve();
        let sql =
            "INSERT INTO revocations (credentials, receipt, generation, endo, signature, source, made_at, due_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
        let generation = i64::try_from(record.generation).unwrap_or(i64::MAX);
        self.prepare(sql)?.execute((
            credentials.as_str(),
            receipt,
            generation,
            &record.endo,
            &record.signature,
            &record.source,
            now.as_millis(),
        ))?;
        Ok(())
    }

    /// Puts a revocation off until `due_at`; `counts` where the API was asked in vain.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone_revocation(&self, seq: i64, due_at: Timestamp, counts: bool) -> Result<(), StoreError> {
        let sql = "UPDATE revocations SET due_at = ?2, attempts = attempts + ?3 WHERE seq = ?1";
        self.prepare(sql)?.execute((seq, due_at.as_millis(), counts))?;
        Ok(())
    }

    /// Erases a sealed copy: its bytes are overwritten, and the log of changes is emptied; answers whether it was there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn erase_revocation(&self, seq: i64) -> Result<bool, StoreError> {
        self.use_reserve();
        self.erase()?;
        Ok(self.prepare("DELETE FROM revocations WHERE seq = ?1")?.execute([seq])? > 0)
    }
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedRevocation> {
    Ok(QueuedRevocation {
        seq: row.get(0)?,
        credentials: row.get::<_, String>(1)?.into(),
        receipt: row.get(2)?,
        record: StoredRecord {
            generation: row.get::<_, i64>(3)?.unsigned_abs(),
            endo: row.get(4)?,
            signature: row.get(5)?,
            source: row.get(6)?,
        },
        made_at: Timestamp::from_millis(row.get(7)?),
        attempts: row.get(8)?,
    })
}
