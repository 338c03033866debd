//! Which credentials somebody is an owner of.

use serde_json::{Value, json};

use super::{CredentialsDevices, CredentialsError, Owned};
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::message::DeviceUuid;
use crate::store::{Lookup, StoreError, Transaction};

/// The most that are looked at.
const MOST: usize = 100;

impl CredentialsDevices {
    /// The credentials whose account `owner` proved control of, newest first, at most a hundred. Devices that only claim to
    /// be credentials of theirs are left out.
    ///
    /// # Errors
    /// [`CredentialsError`], where the store, the bus or the vault does not answer.
    pub async fn of_owner(&self, owner: &DeviceUuid) -> Result<Vec<Owned>, CredentialsError> {
        let owner = self.keys_of(owner.clone()).await?;
        let mut candidates = match &self.bus {
            Bus::Embedded(_) => self.named_here(owner.keys.clone()).await?,
            Bus::Meshblu(bus) => named_on(bus, &owner.keys).await?,
        };
        let names = owner.names();
        let beside = self.store.read::<_, StoreError, _>(move |view| view.beside_whom(&names, MOST)).await?;
        for device in beside {
            if !candidates.contains(&device) {
                candidates.push(device);
            }
        }
        self.owned_among(&owner, candidates).await
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
        let find = move |view: &crate::store::View<'_>| {
            let mut found = Vec::new();
            for key in keys {
                let lookup = Lookup::Indexed("endo.authorizedKey".to_owned(), key);
                view.visit_devices(&lookup, usize::MAX, |device| {
                    found.push(device.uuid);
                    found.len() < MOST
                })?;
            }
            Ok(found)
        };
        self.store.read::<_, StoreError, _>(find).await
    }
}

async fn named_on(bus: &Meshblu, keys: &[String]) -> Result<Vec<DeviceUuid>, CredentialsError> {
    let mut found = Vec::new();
    for key in keys {
        let query = json!({"endo.authorizedKey": key});
        let devices: Vec<Value> = bus.search(Identity::of(bus.service()), &query).await?;
        let uuid = |device: &Value| device["uuid"].as_str().map(DeviceUuid::from);
        found.extend(devices.iter().filter_map(uuid).take(MOST));
    }
    Ok(found)
}
