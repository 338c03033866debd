//! Owners of credentials beside their record, where its form has no room for all of them.

use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// One who proved control of the account behind credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOwner {
    /// Who it is.
    pub name: OwnerName,
    /// What shows it to whoever has the keys of records; without it a row says nothing.
    pub signature: String,
}

/// How an owner is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerName {
    /// By the device's name.
    Device(DeviceUuid),
    /// By what an `endo.authorizedKey` held.
    Key(String),
}

impl OwnerName {
    fn columns(&self) -> (bool, &str) {
        match self {
            Self::Device(device) => (false, device.as_str()),
            Self::Key(key) => (true, key),
        }
    }
}

impl View<'_> {
    /// The owners beside the record of a credentials device, in the order in which they were written.
    ///
    /// # Errors
    /// What the database reports.
    pub fn owners_beside(&self, credentials: &DeviceUuid) -> Result<Vec<StoredOwner>, StoreError> {
        let sql = "SELECT is_key, name, signature FROM owners_beside WHERE credentials = ?1 ORDER BY seq";
        self.all(sql, [credentials], |row| {
            let name: String = row.get(1)?;
            let name = if row.get(0)? { OwnerName::Key(name) } else { OwnerName::Device(name.into()) };
            Ok(StoredOwner { name, signature: row.get(2)? })
        })
    }

    /// The credentials beside whose record one of these names stands.
    ///
    /// # Errors
    /// What the database reports.
    pub fn beside_whom(&self, names: &[OwnerName]) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM owners_beside WHERE is_key = ?1 AND name = ?2";
        let mut statement = self.prepare(sql)?;
        let mut found = Vec::new();
        for (is_key, name) in names.iter().map(OwnerName::columns) {
            for credentials in statement.query_map((is_key, name), |row| row.get(0))? {
                found.push(credentials?);
            }
        }
        Ok(found)
    }
}

impl Transaction<'_> {
    /// Has these owners stand beside the record of a credentials device, and nobody else.
    ///
    /// # Errors
    /// What the database reports.
    pub fn set_owners_beside(
        &self,
        credentials: &DeviceUuid,
        owners: &[StoredOwner],
    ) -> Result<(), StoreError> {
        self.forget_owners_beside(credentials)?;
        let sql = "INSERT INTO owners_beside (credentials, is_key, name, signature) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = self.prepare(sql)?;
        for StoredOwner { name, signature } in owners {
            let (is_key, name) = name.columns();
            statement.execute((credentials, is_key, name, signature))?;
        }
        Ok(())
    }

    /// Has nobody stand there any more.
    pub(super) fn forget_owners_beside(&self, credentials: &DeviceUuid) -> Result<(), StoreError> {
        self.execute("DELETE FROM owners_beside WHERE credentials = ?1", [credentials])
    }
}
