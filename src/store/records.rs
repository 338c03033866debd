//! The newest sealed record of each credentials device. The bus's copy is a projection of it.

use rusqlite::OptionalExtension;

use super::{StoreError, Transaction, View};
use crate::message::DeviceUuid;

/// A sealed record as text, exactly as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Grows with every new record; an older one is never taken again.
    pub generation: u64,
    /// The JSON text of `endo`.
    pub endo: String,
    /// `endoSignature`.
    pub signature: String,
}

impl View<'_> {
    /// The newest record of a credentials device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn record(&self, credentials: &DeviceUuid) -> Result<Option<StoredRecord>, StoreError> {
        let sql = "SELECT generation, endo, signature FROM records WHERE credentials = ?1";
        let mut statement = self.prepare(sql)?;
        let row = statement.query_row([credentials.as_str()], |row| {
            let generation = row.get::<_, i64>(0)?.unsigned_abs();
            Ok(StoredRecord { generation, endo: row.get(1)?, signature: row.get(2)? })
        });
        Ok(row.optional()?)
    }

    /// The credentials devices that have a record, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn credentials_devices(&self, limit: usize) -> Result<Vec<DeviceUuid>, StoreError> {
        let mut statement = self.prepare("SELECT credentials FROM records ORDER BY credentials LIMIT ?1")?;
        let rows = statement.query_map([limit as i64], |row| Ok(row.get::<_, String>(0)?.into()))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Transaction<'_> {
    /// Stores `record` unless as new a generation is there; answers whether it was stored. A secret that the API
    /// gave may be the only one that still works, so this may use the room that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store_record(&self, credentials: &DeviceUuid, record: &StoredRecord) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql = "INSERT INTO records (credentials, generation, endo, signature) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (credentials) DO UPDATE
                   SET generation = excluded.generation, endo = excluded.endo, signature = excluded.signature
                   WHERE excluded.generation > records.generation";
        let generation = i64::try_from(record.generation).unwrap_or(i64::MAX);
        let row = (credentials.as_str(), generation, &record.endo, &record.signature);
        Ok(self.prepare(sql)?.execute(row)? > 0)
    }
}
