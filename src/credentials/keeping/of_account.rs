//! Which credentials are an account's.

use std::sync::Arc;

use super::here::claimants;
use crate::bus::Bus;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::queueing::Turn;
use crate::store::{Fingerprint, StoreError, View};
use crate::vault::{Credentials, IdKeys, ResourceOwnerId, SecretText};

/// How many devices are looked at that say they are an account's but whose record was not sealed here.
pub(in crate::credentials) const STRANGERS: usize = 4;

/// What is kept of an account.
pub(in crate::credentials) struct KeptCredentials {
    /// Where.
    pub(in crate::credentials) device: DeviceUuid,
    pub(in crate::credentials) opened: Credentials,
}

impl CredentialsDevices {
    /// The turn of whoever looks for an account of this name and makes it where there is none.
    ///
    /// # Errors
    /// [`CredentialsError::Busy`], where somebody else is at it for long.
    pub async fn turn_of(&self, account: &str) -> Result<Turn, CredentialsError> {
        self.under_way.turn_soon(&account.to_owned()).await.ok_or(CredentialsError::Busy)
    }

    /// The device that keeps the credentials of this account: the one that [`CredentialsDevices::keep`] would keep its next
    /// secret on.
    ///
    /// # Errors
    /// What the store, the bus or the vault reports.
    pub async fn of_account(&self, id: &ResourceOwnerId) -> Result<Option<DeviceUuid>, CredentialsError> {
        for device in self.claimants(&self.id_keys(id).await?).await? {
            if self.kept_by(&device, id).await?.is_some() {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }

    /// Whether the credentials of `device` are those of this account at the gateway's API. Of a device that keeps none
    /// they are not.
    ///
    /// # Errors
    /// What the store, the bus or the vault reports.
    pub async fn is_of_account(
        &self,
        device: &DeviceUuid,
        id: &ResourceOwnerId,
    ) -> Result<bool, CredentialsError> {
        Ok(self.kept_by(device, id).await?.is_some())
    }

    /// What the device keeps, if that is of this account.
    async fn kept_by(
        &self,
        device: &DeviceUuid,
        id: &ResourceOwnerId,
    ) -> Result<Option<Credentials>, CredentialsError> {
        let record = match self.newest_record(device).await {
            Err(CredentialsError::NoRecord) => return Ok(None),
            record => record?,
        };
        let opened = self.opener.open(device.clone(), record.clone()).await;
        self.sealing.only_of(id, &record, opened)
    }

    /// What credentials hold that are of this account. Where a bus elsewhere does not tell which there are, only the store's
    /// count if `is_enough` says so.
    pub(in crate::credentials) async fn kept_of(
        &self,
        id: &ResourceOwnerId,
        is_enough: bool,
    ) -> Result<Vec<KeptCredentials>, CredentialsError> {
        let id_keys = self.id_keys(id).await?;
        let devices = match self.claimants(&id_keys).await {
            Err(CredentialsError::Meshblu(_)) if is_enough => self.known_of_account(&id_keys).await?,
            devices => devices?,
        };
        let mut kept = Vec::new();
        for device in devices {
            match self.kept_by(&device, id).await {
                Ok(None) => {}
                Ok(Some(opened)) => {
                    kept.push(KeptCredentials { device, opened });
                }
                // Nobody uses what no key here opens.
                Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    /// All that is known of the lines of these tokens: what was given for one of them since, and what it was given for.
    pub(in crate::credentials) async fn lines_of(
        &self,
        tokens: impl Iterator<Item = &SecretText> + Send,
    ) -> Result<Vec<Fingerprint>, StoreError> {
        let tokens: Vec<_> = tokens.map(SecretText::fingerprint).collect();
        let look = move |view: &View<'_>| {
            let lines: Result<Vec<_>, _> = tokens.iter().map(|token| view.line_of(token)).collect();
            Ok::<_, StoreError>(lines?.into_iter().flatten().map(|known| known.token).collect())
        };
        self.store.read(look).await
    }

    /// By what records of this account are found. Other keys may come at any time.
    pub(in crate::credentials) async fn id_keys(
        &self,
        id: &ResourceOwnerId,
    ) -> Result<IdKeys, CredentialsError> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        let id_keys = tokio::task::spawn_blocking(move || vault.id_keys(&id)).await;
        id_keys.map_err(|_| CredentialsError::Interrupted)
    }

    /// The devices that say they are the account's, in the store or on the bus.
    async fn claimants(&self, id_keys: &IdKeys) -> Result<Vec<DeviceUuid>, CredentialsError> {
        match &self.bus {
            Bus::Embedded(_) => {
                let id_keys = id_keys.clone();
                let look = move |view: &View<'_>| claimants(view, &id_keys);
                Ok(self.store.read::<_, StoreError, _>(look).await?)
            }
            Bus::Meshblu(bus) => {
                let claimants = self.claimants_on(bus, id_keys).await?;
                Ok(claimants.into_iter().map(|claimant| claimant.device).collect())
            }
        }
    }

    /// The devices whose record in the store says that it is of the account.
    pub(in crate::credentials) async fn known_of_account(
        &self,
        id_keys: &IdKeys,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let id_keys = id_keys.clone();
        let look = move |view: &View<'_>| {
            let mut known = Vec::new();
            for id_key in id_keys.all() {
                known.extend(view.credentials_of_account(id_key)?);
            }
            Ok(known)
        };
        self.store.read::<_, StoreError, _>(look).await
    }
}

/// The turn of those who bring an account another secret.
pub(super) fn secret_of(id: &ResourceOwnerId) -> String {
    format!("the secret of {}", id.to_value())
}
