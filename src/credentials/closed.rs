//! Records that were sealed with a key that is not here: whose they are can be told by no key that is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};
use crate::vault::{ResourceOwnerId, SealedText};

impl CredentialsDevices {
    /// The credentials devices of this gateway's API whose record names a key that is not here. Records of format 1 name none.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn closed(&self) -> Result<Vec<DeviceUuid>, StoreError> {
        // Whatever is sealed here, is sealed with a key that is here, and none goes while this runs.
        if self.all_open.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let (vault, sealing) = (Arc::clone(&self.vault), Arc::clone(&self.sealing));
        let look = move |view: &View<'_>| {
            let mut closed = Vec::new();
            view.each_record(|device, record| {
                let sealed = SealedText { endo: &record.endo, signature: &record.signature };
                let is_ours = || sealing.other_api(record.source.as_deref(), None).is_none();
                if vault.missing_key(&device, sealed).is_some() && is_ours() {
                    closed.push(device);
                }
            })?;
            Ok::<_, StoreError>(closed)
        };
        let closed = self.store.search(look).await?;
        if closed.is_empty() {
            self.all_open.store(true, Ordering::Relaxed);
        }
        Ok(closed)
    }

    /// Those of them whose account this owner proved control of within a year.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn closed_of(&self, owner: &DeviceUuid) -> Result<Vec<DeviceUuid>, StoreError> {
        let (closed, owner) = (self.closed().await?, owner.clone());
        if closed.is_empty() {
            return Ok(closed);
        }
        let look = move |view: &View<'_>| {
            let mut theirs = Vec::new();
            for device in closed {
                if view.proof(&owner, &device)?.is_some() {
                    theirs.push(device);
                }
            }
            Ok::<_, StoreError>(theirs)
        };
        self.store.read(look).await
    }

    /// Whether these credentials are of an account that the owner proved control of within a year, and no key here opens them.
    ///
    /// # Errors
    /// What the store reports.
    pub(super) async fn is_closed_to(
        &self,
        owner: &DeviceUuid,
        device: &DeviceUuid,
    ) -> Result<bool, StoreError> {
        if !self.is_closed(device).await? {
            return Ok(false);
        }
        let (owner, device) = (owner.clone(), device.clone());
        let look = move |view: &View<'_>| Ok::<_, StoreError>(view.proof(&owner, &device)?.is_some());
        self.store.read(look).await
    }

    /// Whether the record of these credentials names a key that is not here.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn is_closed(&self, device: &DeviceUuid) -> Result<bool, StoreError> {
        let (vault, device) = (Arc::clone(&self.vault), device.clone());
        let look = move |view: &View<'_>| {
            let Some(record) = view.record(&device)? else { return Ok(false) };
            let sealed = SealedText { endo: &record.endo, signature: &record.signature };
            Ok::<_, StoreError>(vault.missing_key(&device, sealed).is_some())
        };
        self.store.read(look).await
    }

    /// That a secret of this account makes no second device of it: where none is found, it may be one that nobody can open now.
    ///
    /// # Errors
    /// [`CredentialsError::KeyMissing`]; what the store, the bus or the vault reports.
    pub(super) async fn may_be_the_first(&self, id: &ResourceOwnerId) -> Result<(), CredentialsError> {
        if self.closed().await?.is_empty() || self.of_account(id).await?.is_some() {
            return Ok(());
        }
        Err(CredentialsError::KeyMissing)
    }
}
