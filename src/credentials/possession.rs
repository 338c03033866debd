//! Whoever types a secret in again shows that they have it: the proof where no API says whose account it is.

use subtle::ConstantTimeEq;

use super::on_embedded::candidates;
use super::{CredentialsDevices, CredentialsError, Owned};
use crate::bus::Bus;
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};
use crate::vault::{ResourceOwnerId, SecretText};

/// By what whoever types a secret in is told from others, also from those who are the same on the bus: whoever stole an
/// owner's token there shuts nobody out.
pub type Typist = [u8; 32];

/// What a secret that was typed in shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Possession {
    /// Whoever typed it in has the secret.
    Shown,
    /// It is another one.
    NotShown,
    /// Wrong ones were typed in so often that none is compared for a while.
    NotTried,
}

impl CredentialsDevices {
    /// Whether `typed` is the secret of these credentials. One of a typist's is compared after the other, and after a few
    /// wrong ones none of theirs for a minute.
    ///
    /// # Errors
    /// [`CredentialsError`], where the record does not open.
    pub async fn possession(
        &self,
        owned: &Owned,
        (typist, typed): (Typist, &SecretText),
    ) -> Result<Possession, CredentialsError> {
        let (device, now) = (owned.device(), self.clock.now());
        let whose = (typist, device.clone());
        let _turn = self.typings.turn(&whose).await;
        if !self.typings.may_try(&whose, now) {
            return Ok(Possession::NotTried);
        }
        let record = self.newest_record(device).await?;
        let opened = self.open_record(device.clone(), record).await?;
        if is_same(opened.secret(), typed) {
            return Ok(Possession::Shown);
        }
        self.typings.failed(&whose, now);
        Ok(Possession::NotShown)
    }

    /// The device that keeps the credentials of this account: the one that [`CredentialsDevices::keep`] would keep its next
    /// secret on.
    ///
    /// # Errors
    /// What the store, the bus or the vault reports.
    pub async fn of_account(&self, id: &ResourceOwnerId) -> Result<Option<DeviceUuid>, CredentialsError> {
        for device in self.claimants(self.id_keys(id).await?).await? {
            match self.is_of_account(&device, id).await {
                Ok(true) => return Ok(Some(device)),
                // It only says that it is the account's.
                Ok(false) | Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Whether credentials of this account hold one of these tokens: an API may hand the same ones out again. Where a bus
    /// elsewhere does not tell which there are, those that the store knows count.
    ///
    /// # Errors
    /// What the store, the bus or the vault reports.
    pub async fn keep_any_of(
        &self,
        id: &ResourceOwnerId,
        tokens: &[&SecretText],
    ) -> Result<bool, CredentialsError> {
        let id_keys = self.id_keys(id).await?;
        let devices = match self.claimants(id_keys.clone()).await {
            Err(CredentialsError::Meshblu(_)) => self.known_of_account(id_keys).await?,
            devices => devices?,
        };
        for device in devices {
            let record = match self.newest_record(&device).await {
                Err(CredentialsError::NoRecord) => continue,
                record => record?,
            };
            let opened = self.open_record(device, record).await?;
            let is_one = |held: &SecretText| tokens.iter().any(|token| is_same(held, token));
            if is_one(opened.secret()) || opened.refresh_token().is_some_and(is_one) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The devices that say they are the account's, in the store or on the bus.
    async fn claimants(&self, id_keys: Vec<String>) -> Result<Vec<DeviceUuid>, CredentialsError> {
        match &self.bus {
            Bus::Embedded(_) => {
                let look = move |view: &View<'_>| candidates(view, &id_keys);
                Ok(self.store.read::<_, StoreError, _>(look).await?)
            }
            Bus::Meshblu(bus) => {
                let candidates = self.candidates_on(bus, &id_keys).await?;
                Ok(candidates.into_iter().map(|(device, _)| device).collect())
            }
        }
    }

    /// The devices whose record in the store says that it is of the account.
    pub(super) async fn known_of_account(&self, id_keys: Vec<String>) -> Result<Vec<DeviceUuid>, StoreError> {
        let look = move |view: &View<'_>| {
            let mut known = Vec::new();
            for id_key in &id_keys {
                known.extend(view.credentials_of_account(id_key)?);
            }
            Ok(known)
        };
        self.store.read::<_, StoreError, _>(look).await
    }
}

fn is_same(one: &SecretText, other: &SecretText) -> bool {
    one.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
}
