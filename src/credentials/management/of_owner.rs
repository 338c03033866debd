//! Which credentials somebody is an owner of.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::owner_keys::OwnerKeys;
use crate::bus::Bus;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::credentials::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;
use crate::paging::Page;
use crate::store::{StoreError, View};

/// The most that are opened for one page.
const MOST: usize = 100;

impl CredentialsDevices {
    /// The credentials whose account `owner` proved control of, newest first, a hundred at most: those that come after this
    /// place, or the first. Devices that only claim to be credentials of theirs are left out, also where the page is
    /// shorter for that.
    ///
    /// # Errors
    /// [`CredentialsError::NoSuchPlace`] where the list does not know the place; else where the store, the bus or the vault does not answer.
    pub async fn of_owner(
        &self,
        owner: &DeviceUuid,
        after: Option<DeviceUuid>,
    ) -> Result<Page<Owned, DeviceUuid>, CredentialsError> {
        let owner = self.keys_of(owner.clone()).await?;
        let mut listed = self.listed(&owner, after.clone()).await?;
        if let Some(place) = after {
            let last = listed.iter().position(|device| *device == place);
            listed.drain(..=last.ok_or(CredentialsError::NoSuchPlace)?);
        }
        let Page { shown, next } = Page::of(listed, MOST, DeviceUuid::clone);
        Ok(Page { shown: self.owned_among(&owner, shown).await?, next })
    }

    /// The first of the credentials of this owner that is so, whatever comes and goes meanwhile.
    ///
    /// # Errors
    /// As [`of_owner`](Self::of_owner).
    pub async fn first_of_owner(
        &self,
        owner: &DeviceUuid,
        is_so: impl Fn(&Owned) -> bool,
    ) -> Result<Option<Owned>, CredentialsError> {
        let owner = self.keys_of(owner.clone()).await?;
        for device in self.listed(&owner, None).await? {
            let found = self.owned_among(&owner, vec![device]).await?.into_iter().find(&is_so);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Everything that may be credentials of this owner in the order of the list, and `place` where it was in it and is forgotten:
    /// a bus elsewhere, which alone knows the order of what is there, tells of nothing that is.
    async fn listed(
        &self,
        owner: &OwnerKeys,
        place: Option<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let mut candidates = self.candidates(owner).await?;
        let Bus::Embedded(_) = &self.bus else { return Ok(candidates) };
        let look = move |view: &View<'_>| {
            if let Some(place) = place
                && view.is_forgotten(&place)?
            {
                candidates.push(place);
            }
            view.newest_registered_first(&candidates)
        };
        Ok(self.store.read::<_, StoreError, _>(look).await?)
    }

    /// Everything that may be credentials of this owner: of each, only whoever opens it knows.
    pub(in crate::credentials) async fn candidates(
        &self,
        owner: &OwnerKeys,
    ) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let mut named = match &self.bus {
            Bus::Embedded(_) => self.named_here(owner.keys.clone()).await?,
            Bus::Meshblu(bus) => named_on(bus, &owner.keys).await?,
        };
        let names = owner.names();
        let mut beside = self.store.read::<_, StoreError, _>(move |view| view.beside_whom(&names)).await?;
        // In an order that is the same on the next page.
        beside.sort();
        let known: HashSet<_> = named.iter().cloned().collect();
        beside.dedup();
        named.extend(beside.into_iter().filter(|device| !known.contains(device)));
        Ok(named)
    }

    async fn named_here(&self, keys: Vec<String>) -> Result<Vec<DeviceUuid>, StoreError> {
        let find = move |view: &View<'_>| view.devices_holding("endo.authorizedKey", &keys);
        self.store.read::<_, StoreError, _>(find).await
    }
}

/// As many as the bus tells of.
async fn named_on(bus: &Meshblu, keys: &[String]) -> Result<Vec<DeviceUuid>, CredentialsError> {
    let mut found = Vec::new();
    for key in keys {
        let query = json!({"endo.authorizedKey": key});
        let devices: Vec<Value> = bus.search(Identity::of(bus.service()), &query).await?;
        for device in devices.iter().filter_map(|device| device["uuid"].as_str()) {
            let device = DeviceUuid::from(device);
            if !found.contains(&device) {
                found.push(device);
            }
        }
    }
    Ok(found)
}
