//! Records that were sealed with a key that is not here: whose they are can be told by no key that is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::opening::text;
use crate::credentials::{CredentialsDevices, CredentialsError, Sealing};
use crate::message::DeviceUuid;
use crate::store::{Store, StoreError, StoredRecord, View};
use crate::vault::{ResourceOwnerId, Vault};

/// Records whose key is not here.
#[derive(Debug)]
pub struct KeylessRecords {
    store: Store,
    vault: Arc<Vault>,
    sealing: Arc<Sealing>,
    /// Whose they are, as far as that was looked for: others never become so, for whatever is sealed here is sealed with a key
    /// that is here, and none goes while this runs.
    known: Mutex<Option<Vec<DeviceUuid>>>,
}

impl KeylessRecords {
    /// Those of this store that no key of this vault opens.
    pub(in crate::credentials) fn new(store: Store, vault: Arc<Vault>, sealing: Arc<Sealing>) -> Self {
        Self { store, vault, sealing, known: Mutex::default() }
    }

    /// Every change is one assignment, so that what a panic left behind is whole.
    fn known(&self) -> MutexGuard<'_, Option<Vec<DeviceUuid>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credentials devices of this gateway's API whose record names a key that is not here. Records of format 1 name none.
    /// All records are read for that once.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn all(&self) -> Result<Vec<DeviceUuid>, StoreError> {
        let known = self.known().clone();
        if known.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let keyless = self.search(known).await?;
        *self.known() = Some(keyless.clone());
        Ok(keyless)
    }

    /// Those among these; without them, among all.
    async fn search(&self, among: Option<Vec<DeviceUuid>>) -> Result<Vec<DeviceUuid>, StoreError> {
        let (vault, sealing) = (Arc::clone(&self.vault), Arc::clone(&self.sealing));
        let look = move |view: &View<'_>| {
            let mut keyless = Vec::new();
            let mut judge = |device: DeviceUuid, record: &StoredRecord| {
                let is_ours = || sealing.other_api(record.source.as_deref(), None).is_none();
                if vault.missing_key(&device, text(record)).is_some() && is_ours() {
                    keyless.push(device);
                }
            };
            let Some(among) = among else {
                view.each_record(|device, record| judge(device, &record))?;
                return Ok(keyless);
            };
            for device in among {
                if let Some(record) = view.record(&device)? {
                    judge(device, &record);
                }
            }
            Ok::<_, StoreError>(keyless)
        };
        self.store.search(look).await
    }

    /// Those of them whose account this owner proved control of within a year.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn of(&self, owner: &DeviceUuid) -> Result<Vec<DeviceUuid>, StoreError> {
        let (keyless, owner) = (self.all().await?, owner.clone());
        if keyless.is_empty() {
            return Ok(keyless);
        }
        let look = move |view: &View<'_>| {
            let mut theirs = Vec::new();
            for device in keyless {
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
    pub(in crate::credentials) async fn has_of(
        &self,
        owner: &DeviceUuid,
        device: &DeviceUuid,
    ) -> Result<bool, StoreError> {
        if !self.has(device).await? {
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
    pub async fn has(&self, device: &DeviceUuid) -> Result<bool, StoreError> {
        let (vault, device) = (Arc::clone(&self.vault), device.clone());
        let look = move |view: &View<'_>| {
            let Some(record) = view.record(&device)? else { return Ok(false) };
            Ok::<_, StoreError>(vault.missing_key(&device, text(&record)).is_some())
        };
        self.store.read(look).await
    }
}

impl CredentialsDevices {
    /// The records whose key is not here.
    pub fn keyless(&self) -> &KeylessRecords {
        &self.keyless
    }

    /// That a secret of this account makes no second device of it: where none is found, it may be one that nobody can open now.
    ///
    /// # Errors
    /// [`CredentialsError::KeyMissing`]; what the store, the bus or the vault reports.
    pub(in crate::credentials) async fn may_be_the_first(
        &self,
        id: &ResourceOwnerId,
    ) -> Result<(), CredentialsError> {
        if self.keyless.all().await?.is_empty() || self.of_account(id).await?.is_some() {
            return Ok(());
        }
        Err(CredentialsError::KeyMissing)
    }
}
