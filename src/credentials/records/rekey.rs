//! Sealing records anew under the newest key, one by one, while everything else goes on.

use super::reseal::Successor;
use crate::bus::Bus;
use crate::bus::meshblu::Identity;
use crate::credentials::records::opening::text;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord, StoredSubscription, View};
use crate::vault::{Credentials, Format, Need, Owners, RekeyError};

/// The most credentials devices that are listed.
pub(in crate::credentials) const MOST: usize = 1_000_000;

/// What became of a record that was to be sealed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rekeyed {
    /// It is sealed in format 2 with the newest key.
    Done,
    /// It was before.
    Before,
    /// Nothing is kept there, or not any more.
    Nothing,
    /// It stays as it is; why, in words for the operator.
    Kept(&'static str),
    /// It stays as it is, for no key here opens it.
    Keyless,
}

const UNKNOWN_OWNER: &str = "an owner of it is known only by a signature, and owns none of its devices: it is sealed anew \
                             when that owner signs in again";
const NO_ACCOUNT: &str = "it names no account";

impl CredentialsDevices {
    /// Every credentials device that is known, in the order of their names.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn all_devices(&self) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let service = self.bus.service().clone();
        let listed = match &self.bus {
            Bus::Embedded(_) => None,
            Bus::Meshblu(bus) => Some(bus.subscriptions(Identity::of(bus.service()), &service).await?),
        };
        let look = move |view: &View<'_>| {
            let heard: Vec<StoredSubscription> = match listed {
                Some(listed) => listed,
                None => view.subscriptions(&service)?,
            };
            let heard = heard.into_iter().map(|subscription| subscription.emitter_uuid);
            let mut all = view.credentials_devices(MOST)?;
            for device in heard.filter(|device| *device != service) {
                // What was forgotten stays behind as an empty shell.
                if !view.is_forgotten(&device)? {
                    all.push(device);
                }
            }
            Ok(all)
        };
        let mut all = self.store.read::<_, StoreError, _>(look).await?;
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Which key the record of a credentials device needs; `None` where it has none that is one.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn need(&self, device: &DeviceUuid) -> Result<Option<Need>, CredentialsError> {
        match self.newest_record(device).await {
            Ok(record) => self.need_of(device.clone(), record).await,
            Err(CredentialsError::NoRecord) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The credentials devices that keep something, here or on the bus, at most `limit`.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn kept(&self, limit: usize) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let mut kept = Vec::new();
        for device in self.all_devices().await? {
            if kept.len() < limit && self.need(&device).await?.is_some() {
                kept.push(device);
            }
        }
        Ok(kept)
    }

    async fn need_of(
        &self,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Option<Need>, CredentialsError> {
        let vault = self.vault.clone();
        let need = move || vault.need(&device, text(&record)).ok();
        tokio::task::spawn_blocking(need).await.map_err(|_| CredentialsError::Interrupted)
    }

    /// Seals what a credentials device keeps in format 2 with the newest key, if it is not; the bus's copy follows.
    ///
    /// # Errors
    /// What the store or the bus reports; the record is as it was then.
    pub async fn rekey(&self, device: &DeviceUuid) -> Result<Rekeyed, CredentialsError> {
        match self.rekey_what_needs_it(device).await {
            Err(CredentialsError::NoRecord) => Ok(Rekeyed::Nothing),
            Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => Ok(Rekeyed::Keyless),
            Err(CredentialsError::Rekey(error)) => Ok(stays(error)),
            rekeyed => rekeyed,
        }
    }

    async fn rekey_what_needs_it(&self, device: &DeviceUuid) -> Result<Rekeyed, CredentialsError> {
        let record = self.newest_record(device).await?;
        let Some(need) = self.need_of(device.clone(), record.clone()).await? else {
            return Ok(Rekeyed::Keyless);
        };
        let newest = self.vault.ring().first().kid().to_owned();
        if need.is_met_by(&newest) {
            return Ok(Rekeyed::Before);
        }
        let opened = self.opener.open(device.clone(), record).await?;
        let (_, owners) = self.owners_of(device, opened).await?;
        let known = self.name_owners(device, owners, None).await?.named;
        let vault = self.vault.clone();
        let name_all = move |_: &Credentials, owners: Owners| {
            let owners = vault.name(owners, &known);
            match owners.unnamed.is_empty() {
                true => Ok(Some(Successor::new(owners, Format::Two))),
                false => Err(RekeyError::UnknownOwner.into()),
            }
        };
        self.reseal(device, name_all).await?;
        Ok(Rekeyed::Done)
    }
}

fn stays(error: RekeyError) -> Rekeyed {
    match error {
        RekeyError::UnknownOwner => Rekeyed::Kept(UNKNOWN_OWNER),
        RekeyError::NoAccount => Rekeyed::Kept(NO_ACCOUNT),
        RekeyError::Record(_) | RekeyError::Seal(_) => Rekeyed::Keyless,
    }
}
