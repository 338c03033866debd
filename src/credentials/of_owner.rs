//! Which credentials somebody is an owner of.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::owned::OwnerKeys;
use super::{CredentialsDevices, CredentialsError, Owned, Page};
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

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
        let candidates = self.candidates(&owner).await?;
        let no_such_place = Err(CredentialsError::NoSuchPlace);
        let page = match &self.bus {
            Bus::Embedded(_) => {
                let look = move |view: &View<'_>| {
                    // Also that of credentials that were forgotten since they were listed.
                    let is_place = match &after {
                        Some(place) => candidates.contains(place) || view.is_forgotten(place)?,
                        None => true,
                    };
                    is_place
                        .then(|| view.registered_before(after.as_ref(), &candidates, MOST + 1))
                        .transpose()
                };
                let found = self.store.read::<_, StoreError, _>(look).await?;
                let Some(found) = found else { return no_such_place };
                found
            }
            Bus::Meshblu(_) if after.as_ref().is_some_and(|place| !candidates.contains(place)) => {
                return no_such_place;
            }
            Bus::Meshblu(_) => {
                let place = candidates.iter().position(|device| Some(device) == after.as_ref());
                let rest = candidates.into_iter().skip(place.map_or(0, |place| place + 1));
                rest.take(MOST + 1).collect()
            }
        };
        let Page { shown, next } = Page::of(page, MOST, DeviceUuid::clone);
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
        let mut candidates = self.candidates(&owner).await?;
        if let Bus::Embedded(_) = &self.bus {
            let look = move |view: &View<'_>| view.registered_before(None, &candidates, candidates.len());
            candidates = self.store.read::<_, StoreError, _>(look).await?;
        }
        for device in candidates {
            let found = self.owned_among(&owner, vec![device]).await?.into_iter().find(&is_so);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Everything that may be credentials of this owner: of each, only whoever opens it knows.
    pub(super) async fn candidates(&self, owner: &OwnerKeys) -> Result<Vec<DeviceUuid>, CredentialsError> {
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

    /// Notes when `caller` proved control of the account behind the credentials.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn note_proof(
        &self,
        caller: DeviceUuid,
        credentials: DeviceUuid,
        proved_at: Timestamp,
    ) -> Result<(), CredentialsError> {
        let note =
            move |transaction: &Transaction<'_>| transaction.note_proof(&caller, &credentials, proved_at);
        Ok(self.store.write::<_, StoreError, _>(note).await?)
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
