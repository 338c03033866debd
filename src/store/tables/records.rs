//! The newest sealed record of each credentials device. The bus's copy is a projection of it.

use rusqlite::Row;

use crate::message::DeviceUuid;
use crate::store::columns::Count;
use crate::store::{StoreError, Transaction, View};

/// A sealed record as text, exactly as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Grows with every new record; an older one is never taken again.
    pub generation: u64,
    /// The JSON text of `endo`.
    pub endo: String,
    /// `endoSignature`.
    pub signature: String,
    /// By what the gateway knows where the secret inside is from; a device that came with a record does not say.
    pub source: Option<String>,
}

impl StoredRecord {
    /// From the columns `generation, endo, signature, source`, which begin at this one.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let Count(generation) = row.get(at)?;
        Ok(Self { generation, endo: row.get(at + 1)?, signature: row.get(at + 2)?, source: row.get(at + 3)? })
    }
}

impl View<'_> {
    /// The newest record of a credentials device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn record(&self, credentials: &DeviceUuid) -> Result<Option<StoredRecord>, StoreError> {
        let sql = "SELECT generation, endo, signature, source FROM records WHERE credentials = ?1";
        self.first(sql, [credentials], |row| StoredRecord::read(row, 0))
    }

    /// Shows every record to `show`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn each_record(&self, mut show: impl FnMut(DeviceUuid, StoredRecord)) -> Result<(), StoreError> {
        let mut statement =
            self.prepare("SELECT credentials, generation, endo, signature, source FROM records")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            show(row.get(0)?, StoredRecord::read(row, 1)?);
        }
        Ok(())
    }

    /// The credentials devices that have a record, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn credentials_devices(&self, limit: usize) -> Result<Vec<DeviceUuid>, StoreError> {
        self.all("SELECT credentials FROM records ORDER BY credentials LIMIT ?1", [limit as i64], |row| {
            row.get(0)
        })
    }

    /// Whether anything is here that a key of records sealed or opened, or whose owners are known by one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn holds_sealed(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM records) OR EXISTS (SELECT 1 FROM revocations)
                   OR EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM uses)";
        self.value(sql, [])
    }

    /// The newest [`StoredRecord::generation`] of each credentials device that has a record, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn record_generations(&self, limit: usize) -> Result<Vec<(DeviceUuid, u64)>, StoreError> {
        self.all("SELECT credentials, generation FROM records LIMIT ?1", [limit as i64], |row| {
            let Count(generation) = row.get(1)?;
            Ok((row.get(0)?, generation))
        })
    }

    /// The credentials devices whose record holds this `endo.idKey`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn credentials_of_account(&self, id_key: &str) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM records
                   WHERE CASE WHEN json_valid(endo) THEN json_extract(endo, '$.idKey') END = ?1";
        self.all(sql, [id_key], |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Stores `record` unless as new a generation is there, or what the device kept is forgotten; answers whether it was
    /// stored. A secret that the API gave may be the only one that still works, so this may use the room that is kept
    /// free for endings. The record before is overwritten.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store_record(&self, credentials: &DeviceUuid, record: &StoredRecord) -> Result<bool, StoreError> {
        self.use_reserve();
        self.overwrite_what_is_freed()?;
        let sql = "INSERT INTO records (credentials, generation, endo, signature, source)
                   SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE credentials = ?1)
                   ON CONFLICT (credentials) DO UPDATE
                   SET generation = excluded.generation, endo = excluded.endo, signature = excluded.signature,
                       source = excluded.source
                   WHERE excluded.generation > records.generation";
        let row = (credentials, Count(record.generation), &record.endo, &record.signature, &record.source);
        Ok(self.change(sql, row)? > 0)
    }
}
