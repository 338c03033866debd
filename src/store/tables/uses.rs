//! When each user device last asked for its credentials, and when they were last used for it.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Binding, StoreError, Transaction, View};

/// What was last done with a right, as far as it was noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastUse {
    /// When a message of the user device last asked for the credentials, whatever came of it.
    pub heard_at: Option<Timestamp>,
    /// When their secret was last used for one.
    pub used_at: Option<Timestamp>,
}

impl LastUse {
    /// The later ones of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { heard_at: self.heard_at.max(other.heard_at), used_at: self.used_at.max(other.used_at) }
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { heard_at: row.get(0)?, used_at: row.get(1)? })
    }
}

impl View<'_> {
    /// What was last done with this right.
    ///
    /// # Errors
    /// What the database reports.
    pub fn last_use(&self, binding: &Binding) -> Result<LastUse, StoreError> {
        let sql = "SELECT heard_at, used_at FROM uses WHERE credentials = ?1 AND user_device = ?2";
        self.first(sql, binding.key(), LastUse::of).map(Option::unwrap_or_default)
    }

    /// When any device last used these credentials, as far as it was noted.
    ///
    /// # Errors
    /// What the database reports.
    pub fn last_use_of(&self, credentials: &DeviceUuid) -> Result<Option<Timestamp>, StoreError> {
        self.value("SELECT max(used_at) FROM uses WHERE credentials = ?1", [credentials])
    }
}

impl Transaction<'_> {
    /// Notes what was last done with a right; what is noted already stays where it is later.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn note_use(&self, binding: &Binding, last: LastUse) -> Result<(), StoreError> {
        self.check_room()?;
        let LastUse { heard_at, used_at } = self.last_use(binding)?.max(last);
        let sql = "INSERT INTO uses (credentials, user_device, heard_at, used_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (credentials, user_device)
                   DO UPDATE SET heard_at = excluded.heard_at, used_at = excluded.used_at";
        let (credentials, user_device) = binding.key();
        self.execute(sql, (credentials, user_device, heard_at, used_at))
    }
}
