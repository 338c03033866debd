//! When each user device last used its credentials.

use rusqlite::OptionalExtension;

use super::{Binding, StoreError, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

impl View<'_> {
    /// When this right was last used, as far as it was noted.
    ///
    /// # Errors
    /// What the database reports.
    pub fn last_use(&self, binding: &Binding) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT used_at FROM uses WHERE credentials = ?1 AND user_device = ?2";
        let mut statement = self.prepare(sql)?;
        let used = statement.query_row(binding.key(), |row| row.get(0));
        Ok(used.optional()?.map(Timestamp::from_millis))
    }

    /// When any device last used these credentials, as far as it was noted.
    ///
    /// # Errors
    /// What the database reports.
    pub fn last_use_of(&self, credentials: &DeviceUuid) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self.prepare("SELECT max(used_at) FROM uses WHERE credentials = ?1")?;
        let used: Option<i64> = statement.query_row([credentials.as_str()], |row| row.get(0))?;
        Ok(used.map(Timestamp::from_millis))
    }
}

impl Transaction<'_> {
    /// Notes that a right was used then; an earlier note stays in force only if it is later.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn note_use(&self, binding: &Binding, used_at: Timestamp) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO uses (credentials, user_device, used_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (credentials, user_device) DO UPDATE SET used_at = max(used_at, excluded.used_at)";
        let (credentials, user_device) = binding.key();
        self.prepare(sql)?.execute((credentials, user_device, used_at.as_millis()))?;
        Ok(())
    }
}
