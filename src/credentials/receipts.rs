//! Showing receipts to those whom they concern.

use super::receipt::Receipt;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};
use crate::vault::OwnerDigest;

/// The most receipts that one list shows.
const AT_MOST: usize = 1000;
/// The most that a page shows, and the most forgotten credentials whose receipts it looks for.
const SHOWN: usize = 100;

impl CredentialsDevices {
    /// The receipts of credentials that `caller` owns, or owned when they were forgotten; newest first.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] also where they are somebody else's.
    pub async fn receipts_for(
        &self,
        caller: &DeviceUuid,
        device: DeviceUuid,
    ) -> Result<Vec<Receipt>, CredentialsError> {
        let (credentials, owner) = (device.clone(), OwnerDigest::of(caller).bytes());
        let look = move |view: &View<'_>| view.owned_forgotten(&credentials, &owner);
        if !self.store.read::<_, StoreError, _>(look).await? {
            self.owned_by(caller, device.clone()).await?;
        }
        self.receipts(Some(device)).await
    }

    /// What was ended of all credentials that `owner` owns, or owned when they were forgotten; newest first, at most a
    /// hundred.
    ///
    /// # Errors
    /// [`CredentialsError`], where the store, the bus or the vault does not answer.
    pub async fn receipts_concerning(&self, owner: &DeviceUuid) -> Result<Vec<Receipt>, CredentialsError> {
        let owned = self.of_owner(owner).await?;
        let owner = OwnerDigest::of(owner).bytes();
        let look = move |view: &View<'_>| {
            let mut devices: Vec<_> = owned.iter().map(|owned| owned.device().clone()).collect();
            devices.extend(view.forgotten_of(&owner, SHOWN)?);
            let mut found = Vec::new();
            for device in &devices {
                found.extend(view.receipts_of(device, SHOWN)?);
            }
            Ok(found)
        };
        let mut found = self.store.read::<_, StoreError, _>(look).await?;
        found.sort_by_key(|receipt| std::cmp::Reverse(receipt.seq));
        found.dedup_by_key(|receipt| receipt.seq);
        Ok(found.iter().take(SHOWN).filter_map(Receipt::read).collect())
    }

    /// The receipts of these credentials, or of all; newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn receipts(&self, device: Option<DeviceUuid>) -> Result<Vec<Receipt>, CredentialsError> {
        let look = move |view: &View<'_>| match &device {
            Some(device) => view.receipts_of(device, AT_MOST),
            None => view.receipts(AT_MOST),
        };
        let stored = self.store.read::<_, StoreError, _>(look).await?;
        Ok(stored.iter().filter_map(Receipt::read).collect())
    }

    /// One receipt.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn receipt(&self, id: i64) -> Result<Option<Receipt>, CredentialsError> {
        let stored = self.store.read::<_, StoreError, _>(move |view| view.receipt(id)).await?;
        Ok(stored.as_ref().and_then(Receipt::read))
    }
}
