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
        self.has("SELECT 1 FROM forgotten WHERE credentials = ?1", [credentials])
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
        self.has(sql, (owner, credentials))
    }

    /// The forgotten credentials that this owner could manage.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forgotten_of(&self, owner: &ForgottenOwner) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials FROM forgotten_owners WHERE owner = ?1";
        self.all(sql, [owner], |row| row.get(0))
    }

    /// Whose signatures nobody read yet.
    ///
    /// # Errors
    /// What the database reports.
    pub fn signed_owners_of_forgotten(&self) -> Result<Vec<SignedOwners>, StoreError> {
        let sql = "SELECT credentials, owner_keys FROM forgotten WHERE owner_keys <> '[]'";
        self.all(sql, [], |row| Ok(SignedOwners { credentials: row.get(0)?, owner_keys: row.get(1)? }))
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
        self.execute(sql, (credentials, now))?;
        self.execute("DELETE FROM records WHERE credentials = ?1", [credentials])?;
        self.forget_owners_beside(credentials)?;
        self.execute("DELETE FROM half_made WHERE credentials = ?1", [credentials])?;
        self.execute("DELETE FROM uses WHERE credentials = ?1", [credentials])?;
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
            statement.execute((owner, credentials))?;
        }
        Ok(())
    }

    /// Has these signatures stay, and no others: nobody can read them yet.
    ///
    /// # Errors
    /// What the database reports.
    pub fn leave_signed(&self, left: &SignedOwners) -> Result<(), StoreError> {
        let sql = "UPDATE forgotten SET owner_keys = ?2 WHERE credentials = ?1";
        self.execute(sql, (&left.credentials, &left.owner_keys))
    }
}
