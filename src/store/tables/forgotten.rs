//! Credentials whose record is gone for ever, and who could manage them: nothing of that takes a key of records.

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// An owner of what is forgotten: the digest of the name.
pub type ForgottenOwner = [u8; 32];

/// Who could manage what is forgotten, as databases of before kept it: by signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOwners {
    /// What they could manage.
    pub credentials: DeviceUuid,
    /// What `endo.authorizedKey` held, as JSON text.
    pub owner_keys: String,
}

impl View<'_> {
    /// Whether what this credentials device kept is forgotten for ever.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_forgotten(&self, credentials: &DeviceUuid) -> Result<bool, StoreError> {
        let mut statement = self.prepare("SELECT 1 FROM forgotten WHERE credentials = ?1")?;
        Ok(statement.exists([credentials.as_str()])?)
    }

    /// Whether this owner could manage what is forgotten.
    ///
    /// # Errors
    /// What the database reports.
    pub fn owned_forgotten(
        &self,
        credentials: &DeviceUuid,
        owner: &ForgottenOwner,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM forgotten_owners WHERE owner = ?1 AND credentials = ?2";
        Ok(self.prepare(sql)?.exists((owner, credentials.as_str()))?)
    }

    /// The forgotten credentials that this owner could manage.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forgotten_of(&self, owner: &ForgottenOwner) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM forgotten_owners WHERE owner = ?1";
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map([owner], |row| Ok(DeviceUuid::from(row.get::<_, String>(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whose signatures nobody read yet.
    ///
    /// # Errors
    /// What the database reports.
    pub fn signed_owners_of_forgotten(&self) -> Result<Vec<SignedOwners>, StoreError> {
        let sql = "SELECT credentials, owner_keys FROM forgotten WHERE owner_keys <> '[]'";
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(SignedOwners { credentials: row.get::<_, String>(0)?.into(), owner_keys: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Transaction<'_> {
    /// Forgets the record of a credentials device for ever, its owners, its renewal and its uses: no record of that device
    /// is stored again. Its bytes are overwritten, and the log of changes is emptied.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_record(&self, credentials: &DeviceUuid, now: Timestamp) -> Result<(), StoreError> {
        self.use_reserve();
        self.erase()?;
        let sql =
            "INSERT OR IGNORE INTO forgotten (credentials, owner_keys, forgotten_at) VALUES (?1, '[]', ?2)";
        self.prepare(sql)?.execute((credentials.as_str(), now.as_millis()))?;
        self.prepare("DELETE FROM records WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.forget_owners_beside(credentials)?;
        self.prepare("DELETE FROM half_made WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.prepare("DELETE FROM uses WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        self.forget_renewal(credentials)
    }

    /// Has these be among the owners of what is forgotten.
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_forgotten_owners(
        &self,
        credentials: &DeviceUuid,
        owners: &[ForgottenOwner],
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO forgotten_owners (owner, credentials) VALUES (?1, ?2)";
        let mut statement = self.prepare(sql)?;
        for owner in owners {
            statement.execute((owner, credentials.as_str()))?;
        }
        Ok(())
    }

    /// Has these signatures stay, and no others: nobody can read them yet.
    ///
    /// # Errors
    /// What the database reports.
    pub fn leave_signed(&self, left: &SignedOwners) -> Result<(), StoreError> {
        let sql = "UPDATE forgotten SET owner_keys = ?2 WHERE credentials = ?1";
        self.prepare(sql)?.execute((left.credentials.as_str(), &left.owner_keys))?;
        Ok(())
    }
}
