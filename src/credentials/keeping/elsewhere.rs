//! The device of an account on a bus elsewhere: found or made call by call, before the record is in the store and the bus is told.

use super::before::Before;
use super::incoming::{Candidate, Incoming};
use crate::bus::meshblu::{Identity, Meshblu};
use crate::credentials::management::owners::PresentRecord;
use crate::credentials::{Account, CredentialsDevices, CredentialsError, login_in};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord, StoredSubscription, View};
use crate::vault::{SecretText, Vault};

/// The account's device, and what the bus had to be asked for.
pub(super) struct Found {
    pub(super) device: DeviceUuid,
    /// The record that the bus alone has.
    shown: Option<StoredRecord>,
    /// Those of the owners whose names are known.
    known: Vec<DeviceUuid>,
    /// The token of the device, where its record holds none.
    token: Option<SecretText>,
}

impl CredentialsDevices {
    /// The account's device; one that only claims to be the account's is passed over. Where there is none, one is made.
    pub(super) async fn find_or_make_on(
        &self,
        bus: &Meshblu,
        incoming: &Incoming,
    ) -> Result<Found, CredentialsError> {
        let account = &incoming.account;
        if let Some(device) = incoming.only() {
            let record = self.newest_record(device).await?;
            let found = self.found_on(bus, Showing { device: device.clone(), record }, account).await?;
            return found.ok_or(CredentialsError::NoRecord);
        }
        let mut empty = Vec::new();
        let id_keys = self.id_keys(&account.id).await?;
        for mut claimant in self.claimants_on(bus, &id_keys).await? {
            let record = match self.stored_record(&claimant.device).await {
                Err(CredentialsError::NoRecord) => continue,
                record => record?.or(claimant.shown.take()),
            };
            let Some(record) = record else {
                empty.push(claimant);
                continue;
            };
            let showing = Showing { device: claimant.device, record };
            if let Some(found) = self.found_on(bus, showing, account).await? {
                return Ok(found);
            }
        }
        if !self.vault.are_current(&id_keys) {
            // Records may have gone over to a key that nothing was looked for by.
            return Err(CredentialsError::RolledBack);
        }
        if !self.store.has_room().await? {
            // Its record alone would find some, for a secret that takes the place of another.
            return Err(StoreError::Full.into());
        }
        let device = match self.begun_among(&account.id, empty).await? {
            Some(begun) => begun,
            None => self.begin_on(bus, &account.id, id_keys.newest()).await?,
        };
        hear(bus, &device).await?;
        let token = Some(make_token(bus, &device).await?);
        Ok(Found { device, shown: None, known: Vec::new(), token })
    }

    /// The device, if what its record holds is the account's.
    async fn found_on(
        &self,
        bus: &Meshblu,
        Showing { device, record }: Showing,
        account: &Account,
    ) -> Result<Option<Found>, CredentialsError> {
        let opened = self.opener.open(device.clone(), record.clone()).await;
        let Some(opened) = self.sealing.only_of(&account.id, &record, opened)? else { return Ok(None) };
        let (opened, owners) = self.owners_of(&device, opened).await?;
        let known = self.name_owners(&device, owners, Some(&account.owner)).await?.named;
        let token = match login_in(&opened, &device) {
            Some(_) => None,
            None => Some(make_token(bus, &device).await?),
        };
        Ok(Some(Found { device, shown: Some(record), known, token }))
    }
}

impl Found {
    /// The device, where it has a record.
    pub(super) fn candidate(
        &self,
        view: &View<'_>,
        incoming: &Incoming,
    ) -> Result<Option<Candidate>, CredentialsError> {
        let Self { device, shown, .. } = self;
        let present = match PresentRecord::or_shown(view, device, shown.as_ref()) {
            // Where no device was named, the account's next is another.
            Err(CredentialsError::NoRecord) if incoming.only().is_none() => {
                return Err(CredentialsError::RolledBack);
            }
            present => present?,
        };
        let renewal = view.renewal(device)?;
        Ok(present.map(|present| Candidate { device: device.clone(), present, renewal }))
    }

    /// What the next record takes over, with what the bus had to be asked for.
    pub(super) fn known_of(&self, before: Before, vault: &Vault) -> Before {
        let owners = vault.name(before.owners, &self.known);
        let token = before.token.or_else(|| self.token.as_ref().map(SecretText::copy));
        Before { owners, token, ..before }
    }
}

/// A device and the record that it was found by.
struct Showing {
    device: DeviceUuid,
    record: StoredRecord,
}

/// Has the service hear what the device receives.
async fn hear(bus: &Meshblu, device: &DeviceUuid) -> Result<(), CredentialsError> {
    let service = bus.service();
    let heard = StoredSubscription::to_messages(&service.uuid, device);
    Ok(bus.subscribe(Identity::of(service), &heard).await?)
}

async fn make_token(bus: &Meshblu, device: &DeviceUuid) -> Result<SecretText, CredentialsError> {
    let login = bus.make_token(Identity::of(bus.service()), device).await?;
    Ok(SecretText::from(login.token.as_str()))
}
