//! Single facts about the data directory: secrets of the bus, who the service is.

use crate::store::{StoreError, Transaction, View};

impl View<'_> {
    /// The bytes remembered under `name`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.first("SELECT value FROM facts WHERE name = ?1", [name], |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Remembers `value` under `name`, in place of what was there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remember_fact(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO facts (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(sql, (name, value))
    }
}
