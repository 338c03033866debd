//! Showing receipts to those whom they concern.

use std::collections::{HashMap, HashSet};

use super::receipt::Receipt;
use crate::bus::embedded::whitelist::{List, allows};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::paging::Page;
use crate::store::{StoreError, StoredReceipt, View};
use crate::vault::OwnerDigest;

/// The most receipts that programs are given at once.
const AT_MOST: usize = 1000;
/// The most that a page shows.
const SHOWN: usize = 100;

/// Some receipts, newest first, and the id of the last of them where there are older ones.
pub type Receipts = Page<Receipt, i64>;

impl CredentialsDevices {
    /// The receipts of credentials that `caller` owns, or owned when they were forgotten; older than this one, or the
    /// newest.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] also where they are somebody else's.
    pub async fn receipts_for(
        &self,
        caller: &DeviceUuid,
        device: DeviceUuid,
        before: Option<i64>,
    ) -> Result<Receipts, CredentialsError> {
        let (credentials, owner) = (device.clone(), OwnerDigest::of(caller).bytes());
        let look = move |view: &View<'_>| view.owned_forgotten(&credentials, &owner);
        if !self.store.read::<_, StoreError, _>(look).await? {
            self.owned_by(caller, device.clone()).await?;
        }
        self.receipts(Some(device), before).await
    }

    /// What was ended of all credentials that `owner` owns, or owned when they were forgotten; older than this one, or the
    /// newest, a hundred at most.
    ///
    /// # Errors
    /// [`CredentialsError`], where the store, the bus or the vault does not answer.
    pub async fn receipts_concerning(
        &self,
        owner: &DeviceUuid,
        before: Option<i64>,
    ) -> Result<Receipts, CredentialsError> {
        let keys = self.keys_of(owner.clone()).await?;
        let candidates = self.candidates(&keys).await?;
        let owner = OwnerDigest::of(owner).bytes();
        let look = move |view: &View<'_>| {
            let forgotten = view.forgotten_of(&owner)?;
            let devices: Vec<_> = candidates.into_iter().chain(forgotten.iter().cloned()).collect();
            Ok((view.receipts_among(&devices, before, SHOWN + 1)?, forgotten))
        };
        let (found, forgotten) = self.store.read::<_, StoreError, _>(look).await?;
        let Page { shown, next } = read(found, SHOWN);

        // Of those that are shown it is looked whose they are, and of no others.
        let mut theirs: HashSet<_> = forgotten.into_iter().collect();
        let named: HashSet<_> = shown.iter().map(|receipt| receipt.credentials.clone()).collect();
        let unclear = named.into_iter().filter(|device| !theirs.contains(device)).collect();
        let owned = self.owned_among(&keys, unclear).await?;
        theirs.extend(owned.iter().map(|owned| owned.device().clone()));
        let concerns = |receipt: &Receipt| theirs.contains(&receipt.credentials);
        Ok(Page { shown: shown.into_iter().filter(concerns).collect(), next })
    }

    /// What the devices in these receipts are called, as far as the embedded bus shows them to `viewer`.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn names_in(
        &self,
        receipts: &[Receipt],
        viewer: &DeviceUuid,
    ) -> Result<HashMap<DeviceUuid, String>, StoreError> {
        let devices: HashSet<_> =
            receipts.iter().flat_map(|receipt| &receipt.parts).map(|part| part.device.clone()).collect();
        let viewer = viewer.clone();
        let look = move |view: &View<'_>| {
            let mut names = HashMap::new();
            for device in devices {
                let Some(document) = view.device(&device)? else { continue };
                let is_shown = allows(&document, List::DiscoverView, &viewer);
                if let Some(name) = document["name"].as_str().filter(|_| is_shown) {
                    names.insert(device, name.to_owned());
                }
            }
            Ok::<_, StoreError>(names)
        };
        self.store.read(look).await
    }

    /// The receipts of these credentials, or of all; older than this one, or the newest, a thousand at most.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn receipts(
        &self,
        device: Option<DeviceUuid>,
        before: Option<i64>,
    ) -> Result<Receipts, CredentialsError> {
        let look = move |view: &View<'_>| match device {
            Some(device) => view.receipts_among(&[device], before, AT_MOST + 1),
            None => view.receipts(before, AT_MOST + 1),
        };
        Ok(read(self.store.read::<_, StoreError, _>(look).await?, AT_MOST))
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

fn read(found: Vec<StoredReceipt>, most: usize) -> Receipts {
    let Page { shown, next } = Page::of(found, most, |stored| stored.seq);
    Page { shown: shown.iter().filter_map(Receipt::read).collect(), next }
}
