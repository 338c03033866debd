//! The newest sealed record of each credentials device. The bus's copy is a projection of it.

use rusqlite::OptionalExtension;

use super::{StoreError, Transaction, View};
use crate::ambient::Timestamp;
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
    /// By what the gateway knows where the secret inside is from; a device that came with a record does not say.
    pub source: Option<String>,
}

impl View<'_> {
    /// The newest record of a credentials device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn record(&self, credentials: &DeviceUuid) -> Result<Option<StoredRecord>, StoreError> {
        let sql = "SELECT generation, endo, signature, source FROM records WHERE credentials = ?1";
        let mut statement = self.prepare(sql)?;
        let row = statement.query_row([credentials.as_str()], |row| {
            let generation = row.get::<_, i64>(0)?.unsigned_abs();
            Ok(StoredRecord { generation, endo: row.get(1)?, signature: row.get(2)?, source: row.get(3)? })
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

    /// The credentials devices whose record holds this `endo.idKey`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn credentials_of_account(&self, id_key: &str) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM records
                   WHERE CASE WHEN json_valid(endo) THEN json_extract(endo, '$.idKey') END = ?1";
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map([id_key], |row| Ok(row.get::<_, String>(0)?.into()))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl View<'_> {
    /// Whether what this credentials device kept is forgotten for ever.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_forgotten(&self, credentials: &DeviceUuid) -> Result<bool, StoreError> {
        Ok(self.forgotten_owner_keys(credentials)?.is_some())
    }

    /// What `endo.authorizedKey` held in the record that is forgotten, as JSON text.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forgotten_owner_keys(&self, credentials: &DeviceUuid) -> Result<Option<String>, StoreError> {
        let mut statement = self.prepare("SELECT owner_keys FROM forgotten WHERE credentials = ?1")?;
        Ok(statement.query_row([credentials.as_str()], |row| row.get(0)).optional()?)
    }

    /// The forgotten credentials whose record named this owner, by the value in `endo.authorizedKey`; the newest first, at
    /// most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forgotten_of(&self, owner_key: &str, limit: usize) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM forgotten, json_each(forgotten.owner_keys) AS named
                   WHERE named.value = ?1 ORDER BY forgotten_at DESC LIMIT ?2";
        let mut statement = self.prepare(sql)?;
        let rows = statement
            .query_map((owner_key, limit as i64), |row| Ok(DeviceUuid::from(row.get::<_, String>(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
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
        let generation = i64::try_from(record.generation).unwrap_or(i64::MAX);
        let row = (credentials.as_str(), generation, &record.endo, &record.signature, &record.source);
        Ok(self.prepare(sql)?.execute(row)? > 0)
    }

    /// Forgets the record of a credentials device for ever, its owners, its renewal and its uses: no record of that device
    /// is stored again. Its bytes are overwritten, and the log of changes is emptied.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_record(
        &self,
        credentials: &DeviceUuid,
        owner_keys: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.use_reserve();
        self.erase()?;
        let sql =
            "INSERT OR IGNORE INTO forgotten (credentials, owner_keys, forgotten_at) VALUES (?1, ?2, ?3)";
        self.prepare(sql)?.execute((credentials.as_str(), owner_keys, now.as_millis()))?;
        self.prepare("DELETE FROM records WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.forget_owners_beside(credentials)?;
        self.prepare("DELETE FROM half_made WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.prepare("DELETE FROM uses WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.forget_renewal(credentials)
    }
}
