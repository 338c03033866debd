//! By what an owner is found in records, and beside them.

use serde_json::Value;

use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{OwnerName, StoreError, StoredRecord, View};

/// An owner, with all that an `authorizedKey` may hold that names them.
#[derive(Clone, Debug)]
pub(in crate::credentials) struct OwnerKeys {
    pub(super) owner: DeviceUuid,
    pub(super) keys: Vec<String>,
}

impl OwnerKeys {
    /// How the owner may be known beside a record.
    pub(super) fn names(&self) -> Vec<OwnerName> {
        let keys = self.keys.iter().cloned().map(OwnerName::Key);
        std::iter::once(OwnerName::Device(self.owner.clone())).chain(keys).collect()
    }

    /// Whether the record names the owner.
    pub(super) fn are_in(&self, record: &StoredRecord) -> Result<bool, CredentialsError> {
        let endo: Value = serde_json::from_str(&record.endo).map_err(|_| CredentialsError::NoRecord)?;
        Ok(self.are_held(&endo["authorizedKey"]))
    }

    /// Whether what an `authorizedKey` holds is one of these keys, or has one among its own.
    fn are_held(&self, held: &Value) -> bool {
        let is_one =
            |value: &Value| value.as_str().is_some_and(|value| self.keys.iter().any(|key| key == value));
        match held {
            Value::Array(owners) => owners.iter().any(is_one),
            owner => is_one(owner),
        }
    }
}

impl CredentialsDevices {
    /// What an `authorizedKey` may hold that names this owner. Costs a signature by every key of the ring.
    pub(in crate::credentials) async fn keys_of(
        &self,
        owner: DeviceUuid,
    ) -> Result<OwnerKeys, CredentialsError> {
        let vault = self.vault.clone();
        let sign = move || OwnerKeys { keys: vault.authorized_keys(&owner), owner };
        tokio::task::spawn_blocking(sign).await.map_err(|_| CredentialsError::Interrupted)
    }

    /// Whether this owner is said to stand beside the record; only whoever opens it knows whether that holds.
    pub(super) async fn stands_beside(
        &self,
        owner: &OwnerKeys,
        device: &DeviceUuid,
    ) -> Result<bool, StoreError> {
        let (names, device) = (owner.names(), device.clone());
        let look = move |view: &View<'_>| {
            let beside = view.owners_beside(&device)?;
            Ok(beside.iter().any(|owner| names.contains(&owner.name)))
        };
        self.store.read(look).await
    }
}
