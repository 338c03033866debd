//! Which user device may use which credentials device, and which no longer may.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::{DeviceUuid, Parties};
use crate::store::{StoreError, Transaction, View};

/// One user device's right to use one credentials device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The device that keeps the credentials.
    pub credentials: DeviceUuid,
    /// The device that may use them.
    pub user_device: DeviceUuid,
}

impl Binding {
    /// The one that a message with these parties needs.
    pub fn of(parties: &Parties) -> Self {
        Self { credentials: parties.credentials.clone(), user_device: parties.user_device.clone() }
    }

    /// From the columns `credentials, user_device`, which come first.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { credentials: row.get(0)?, user_device: row.get(1)? })
    }

    /// What these columns hold.
    pub(super) fn key(&self) -> (&DeviceUuid, &DeviceUuid) {
        (&self.credentials, &self.user_device)
    }
}

/// A binding, with what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedBinding {
    /// Which.
    pub binding: Binding,
    /// When it was made, where that was here.
    pub bound_at: Option<Timestamp>,
    /// When it ended, where it is over.
    pub ended_at: Option<Timestamp>,
}

impl NotedBinding {
    /// Whether it is over.
    pub const fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }
}

impl View<'_> {
    /// Whether a tombstone says that the binding is over.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_revoked(&self, binding: &Binding) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tombstones WHERE credentials = ?1 AND user_device = ?2";
        self.has(sql, binding.key())
    }

    /// Whether this binding was made here and is not over.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_bound(&self, binding: &Binding) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM bindings LEFT JOIN tombstones USING (credentials, user_device)
                   WHERE credentials = ?1 AND user_device = ?2 AND ended_at IS NULL";
        self.has(sql, binding.key())
    }

    /// All bindings, oldest first; first those that were made elsewhere, of which nothing is kept but their end.
    ///
    /// # Errors
    /// What the database reports.
    pub fn bindings(&self) -> Result<Vec<NotedBinding>, StoreError> {
        let sql = "SELECT credentials, user_device, bound_at, ended_at
                   FROM bindings FULL JOIN tombstones USING (credentials, user_device)
                   ORDER BY bound_at, user_device";
        self.all(sql, [], noted)
    }

    /// Those of these credentials that were made here, oldest first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn bindings_of(&self, credentials: &DeviceUuid) -> Result<Vec<NotedBinding>, StoreError> {
        let sql = "SELECT credentials, user_device, bound_at, ended_at
                   FROM bindings LEFT JOIN tombstones USING (credentials, user_device)
                   WHERE credentials = ?1 ORDER BY bound_at, user_device";
        self.all(sql, [credentials], noted)
    }
}

impl Transaction<'_> {
    /// Notes a new binding. A tombstone that exists stays in force.
    ///
    /// # Errors
    /// What the database reports.
    pub fn bind(&self, binding: &Binding, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO bindings (credentials, user_device, bound_at) VALUES (?1, ?2, ?3)";
        let (credentials, user_device) = binding.key();
        self.execute(sql, (credentials, user_device, now))
    }

    /// Ends a binding for ever, also in a file that is as good as full; answers whether it was not over before.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revoke(&self, binding: &Binding, now: Timestamp) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql = "INSERT OR IGNORE INTO tombstones (credentials, user_device, ended_at) VALUES (?1, ?2, ?3)";
        let (credentials, user_device) = binding.key();
        Ok(self.change(sql, (credentials, user_device, now))? > 0)
    }
}

fn noted(row: &Row<'_>) -> rusqlite::Result<NotedBinding> {
    Ok(NotedBinding { binding: Binding::read(row)?, bound_at: row.get(2)?, ended_at: row.get(3)? })
}
