//! Everybody who may manage credentials: whom their record names, and those who stand beside it where it has room for one.

use std::sync::Arc;

use crate::credentials::records::newest::{newest_record, stored_record};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{OwnerName, StoreError, StoredOwner, StoredRecord, Transaction, View};
use crate::vault::{Credentials, Owner, Owners, ResourceOwnerId};

/// A record on its way into the store, and the owners that its form has no room for.
#[derive(Debug)]
pub(in crate::credentials) struct NewRecord {
    pub(in crate::credentials) record: StoredRecord,
    pub(in crate::credentials) beside: Vec<StoredOwner>,
    /// How many tokens that were set aside it has no room for.
    pub(in crate::credentials) crowded_out: usize,
}

impl NewRecord {
    /// Stores both or neither; answers whether nothing as new was there.
    pub(in crate::credentials) fn store(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
    ) -> Result<bool, StoreError> {
        let is_stored = transaction.store_record(device, &self.record)?;
        if is_stored {
            transaction.set_owners_beside(device, &self.beside)?;
        }
        Ok(is_stored)
    }
}

/// The record that is there, and the owners beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::credentials) struct PresentRecord {
    pub(in crate::credentials) record: StoredRecord,
    beside: Vec<StoredOwner>,
}

impl PresentRecord {
    /// The newest of a credentials device. The bus's copy counts only where the store has none.
    pub(in crate::credentials) fn of(view: &View<'_>, device: &DeviceUuid) -> Result<Self, CredentialsError> {
        Ok(Self { record: newest_record(view, device)?, beside: view.owners_beside(device)? })
    }

    /// The same, but that the one that was shown counts where the store has none.
    pub(in crate::credentials) fn or_shown(
        view: &View<'_>,
        device: &DeviceUuid,
        shown: Option<&StoredRecord>,
    ) -> Result<Option<Self>, CredentialsError> {
        let record = stored_record(view, device)?.or_else(|| shown.cloned());
        let beside = view.owners_beside(device)?;
        Ok(record.map(|record| Self { record, beside }))
    }
}

impl CredentialsDevices {
    /// Everybody who may manage what was opened, with what was opened.
    pub(in crate::credentials) async fn owners_of(
        &self,
        device: &DeviceUuid,
        opened: Credentials,
    ) -> Result<(Credentials, Owners), CredentialsError> {
        let asked = device.clone();
        let look = move |view: &View<'_>| view.owners_beside(&asked);
        let beside = self.store.read::<_, StoreError, _>(look).await?;
        let (vault, device) = (Arc::clone(&self.vault), device.clone());
        let verify = move || {
            let owners = vault.owners(&device, &opened, beside.iter().map(as_signed));
            (opened, owners)
        };
        tokio::task::spawn_blocking(verify).await.map_err(|_| CredentialsError::Interrupted)
    }

    /// Everybody who may manage what was opened of this record. Verifies signatures: not for async threads.
    pub(in crate::credentials) fn owners_in(
        &self,
        present: &PresentRecord,
        device: &DeviceUuid,
        opened: &Credentials,
    ) -> Owners {
        self.vault.owners(device, opened, present.beside.iter().map(as_signed))
    }

    /// These owners as they stand beside a record in the form of the original, which has room for one. Costs milliseconds
    /// an owner.
    pub(in crate::credentials) fn beside(
        &self,
        device: &DeviceUuid,
        id: &ResourceOwnerId,
        owners: Owners,
    ) -> Vec<StoredOwner> {
        let signed = owners.each().map(|owner| {
            let signature = self.vault.sign_owner(device, id, &owner);
            let name = match owner {
                Owner::Named(owner) => OwnerName::Device(owner),
                Owner::Unnamed(key) => OwnerName::Key(key),
            };
            StoredOwner { name, signature }
        });
        signed.collect()
    }

    /// The same owners, with the names of those who are known otherwise: by `by`, as owners of devices that use the
    /// credentials, or of the gateway.
    pub(in crate::credentials) async fn name_owners(
        &self,
        device: &DeviceUuid,
        owners: Owners,
        by: Option<&DeviceUuid>,
    ) -> Result<Owners, CredentialsError> {
        let owners = self.name_among(owners, by.into_iter().cloned().collect()).await?;
        if owners.unnamed.is_empty() {
            return Ok(owners);
        }
        let owned = self.held(device.clone()).await?;
        let entries = match self.user_device_entries(&owned).await {
            // They stay owners, known by a signature.
            Err(CredentialsError::Meshblu(_)) => Vec::new(),
            entries => entries?,
        };
        let mut candidates: Vec<_> = entries.into_iter().filter_map(|entry| entry.owner).collect();
        candidates.extend(self.first_owner.clone());
        candidates.sort();
        candidates.dedup();
        self.name_among(owners, candidates).await
    }

    /// The same owners, with the names of those who are among `candidates`.
    pub(super) async fn name_among(
        &self,
        owners: Owners,
        candidates: Vec<DeviceUuid>,
    ) -> Result<Owners, CredentialsError> {
        if owners.unnamed.is_empty() {
            return Ok(owners);
        }
        let vault = self.vault.clone();
        let naming = tokio::task::spawn_blocking(move || vault.name(owners, &candidates));
        naming.await.map_err(|_| CredentialsError::Interrupted)
    }
}

fn as_signed(StoredOwner { name, signature }: &StoredOwner) -> (Owner, String) {
    let owner = match name {
        OwnerName::Device(owner) => Owner::Named(owner.clone()),
        OwnerName::Key(key) => Owner::Unnamed(key.clone()),
    };
    (owner, signature.clone())
}
