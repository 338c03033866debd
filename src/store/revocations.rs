//! Sealed copies of secrets that are over, or will be unless a record comes to hold them, kept only until the API was told;
//! what is erased is overwritten.

use rusqlite::{OptionalExtension, Row};

use super::{StoreError, StoredRecord, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// A secret that the API is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRevocation {
    /// Names it within this store.
    pub seq: i64,
    /// For what it is sealed: the credentials device that kept it, or whatever a stray is sealed for.
    pub credentials: DeviceUuid,
    /// The receipt that says what the API answered; none of a stray: what a sign-in brought, and no record here holds.
    pub receipt: Option<i64>,
    /// The record that holds it, sealed as it was.
    pub record: StoredRecord,
    /// Since when it waits.
    pub made_at: Timestamp,
    /// How often the API was asked in vain.
    pub attempts: u32,
}

/// What stands in place of a stray's receipt: they count from 1.
const NO_RECEIPT: i64 = 0;

const COLUMNS: &str = "seq, credentials, receipt, generation, endo, signature, source, made_at, attempts";

impl View<'_> {
    /// What names the secrets that the API is to be told of now, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_revocations(&self, now: Timestamp, limit: usize) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq FROM revocations WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT ?2";
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map((now.as_millis(), limit as i64), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One of them, while it is there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revocation(&self, seq: i64) -> Result<Option<QueuedRevocation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM revocations WHERE seq = ?1");
        Ok(self.prepare(&sql)?.query_row([seq], queued).optional()?)
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
}

/// A secret that is to end at the API.
#[derive(Clone, Copy, Debug)]
pub struct NewRevocation<'a> {
    credentials: &'a DeviceUuid,
    receipt: i64,
    record: &'a StoredRecord,
    made_at: Timestamp,
    due_at: Timestamp,
}

impl<'a> NewRevocation<'a> {
    /// That of credentials whose end this receipt tells, due at once.
    pub fn told_by(
        receipt: i64,
        credentials: &'a DeviceUuid,
        record: &'a StoredRecord,
        now: Timestamp,
    ) -> Self {
        Self { credentials, receipt, record, made_at: now, due_at: now }
    }

    /// What a sign-in brought at `now`, sealed for `name`: it ends at `due_at`, unless a record holds it by then.
    pub fn stray(name: &'a DeviceUuid, record: &'a StoredRecord, now: Timestamp, due_at: Timestamp) -> Self {
        Self { credentials: name, receipt: NO_RECEIPT, record, made_at: now, due_at }
    }
}

impl Transaction<'_> {
    /// Keeps a sealed copy until the API was told, or until a record holds it; answers what names it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_revocation(&self, new: &NewRevocation<'_>) -> Result<i64, StoreError> {
        self.use_reserve();
        let NewRevocation { credentials, receipt, record, made_at, due_at } = new;
        let sql =
            "INSERT INTO revocations (credentials, receipt, generation, endo, signature, source, made_at, due_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let generation = i64::try_from(record.generation).unwrap_or(i64::MAX);
        self.prepare(sql)?.execute((
            credentials.as_str(),
            receipt,
            generation,
            &record.endo,
            &record.signature,
            &record.source,
            made_at.as_millis(),
            due_at.as_millis(),
        ))?;
        Ok(self.last_insert_rowid())
    }

    /// Ends the wait of a stray whose secret a record holds from now on; answers whether it was still there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn claim_stray(&self, seq: i64) -> Result<bool, StoreError> {
        self.use_reserve();
        self.overwrite_what_is_freed()?;
        Ok(self.prepare("DELETE FROM revocations WHERE seq = ?1")?.execute([seq])? > 0)
    }

    /// Has everything that waits be due by now: what the API is to be told, and what a bus. No sealed copy waits from a time
    /// to come on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn hasten_what_waits(&self, now: Timestamp) -> Result<(), StoreError> {
        for sql in [
            "UPDATE revocations SET due_at = ?1 WHERE due_at > ?1",
            "UPDATE errands SET due_at = ?1 WHERE due_at > ?1",
            "UPDATE projections SET due_at = ?1 WHERE due_at > ?1",
            "UPDATE revocations SET made_at = ?1 WHERE made_at > ?1",
        ] {
            self.prepare(sql)?.execute([now.as_millis()])?;
        }
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
        receipt: Some(row.get(2)?).filter(|receipt| *receipt != NO_RECEIPT),
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
