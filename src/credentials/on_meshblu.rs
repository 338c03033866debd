//! Credentials devices on a bus elsewhere: the same life, call by call (`spec/endo.md` 2.5, 2.7, 2.8, 2.10).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::devices::bind::subscription;
use super::keeping::of_account::STRANGERS;
use super::{CredentialsDevices, CredentialsError};
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::message::DeviceUuid;
use crate::store::{Binding, StoredRecord};
use crate::vault::{Credentials, IdKeys};

/// What a bus shows of a credentials device; whoever made that up decides what it is.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    uuid: Value,
    endo: Option<Box<RawValue>>,
    #[serde(default, rename = "endoSignature")]
    signature: Value,
}

/// What a device shows in the place of a record that was not kept on it yet.
#[derive(Deserialize)]
struct Begun {
    begun: String,
}

/// A device that says it is an account's.
pub(super) struct Claimant {
    pub(in crate::credentials) device: DeviceUuid,
    /// The record that it shows.
    pub(super) shown: Option<StoredRecord>,
    /// The mark that it shows instead.
    pub(super) begun: Option<String>,
}

impl Shown {
    fn begun(&self) -> Option<String> {
        let begun: Begun = serde_json::from_str(self.endo.as_ref()?.get()).ok()?;
        Some(begun.begun)
    }

    fn claimant(self) -> Option<Claimant> {
        let (device, begun) = (self.uuid.as_str()?.into(), self.begun());
        Some(Claimant { device, shown: self.record(), begun })
    }

    fn record(self) -> Option<StoredRecord> {
        if self.begun().is_some() {
            return None;
        }
        let signature = self.signature.as_str().unwrap_or_default().to_owned();
        Some(StoredRecord { generation: 0, endo: self.endo?.get().to_owned(), signature, source: None })
    }
}

impl CredentialsDevices {
    /// The devices that may be the account's, with what the bus shows of them; also those that the store alone
    /// knows, for a bus may have lost its copy.
    pub(super) async fn claimants_on(
        &self,
        bus: &Meshblu,
        id_keys: &IdKeys,
    ) -> Result<Vec<Claimant>, CredentialsError> {
        let mut all = Vec::new();
        for id_key in id_keys.all() {
            let query = json!({"endo.idKey": id_key});
            let found: Vec<Shown> = bus.search(Identity::of(bus.service()), &query).await?;
            all.extend(found.into_iter().take(STRANGERS).filter_map(Shown::claimant));
        }
        for device in self.known_of_account(id_keys).await? {
            let is_listed = all.iter().any(|listed: &Claimant| listed.device == device);
            if !is_listed && is_there(bus, &device).await? {
                all.push(Claimant { device, shown: None, begun: None });
            }
        }
        Ok(all)
    }
}

/// Whether the bus still has the device.
async fn is_there(bus: &Meshblu, device: &DeviceUuid) -> Result<bool, CredentialsError> {
    match bus.device(Identity::of(bus.service()), device).await {
        Ok(_) => Ok(true),
        Err(MeshbluError::Refused { status, .. }) if status.as_u16() == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The record that a user device may use which the credentials device is subscribed to. The store's is newer where it has
/// one; else it is as the device shows it.
pub(super) async fn bound_record_on(
    bus: &Meshblu,
    binding: &Binding,
    stored: Option<StoredRecord>,
) -> Result<StoredRecord, CredentialsError> {
    if !is_subscribed(bus, binding).await? {
        return Err(CredentialsError::NotBound);
    }
    match (record_shown_by(bus, &binding.credentials).await, stored) {
        // The bus's copy is a projection: where it lost that, the store's still counts.
        (Ok(_) | Err(CredentialsError::NoRecord), Some(stored)) => Ok(stored),
        (shown, _) => shown,
    }
}

async fn is_subscribed(bus: &Meshblu, binding: &Binding) -> Result<bool, CredentialsError> {
    match bus.recent_subscriptions(&binding.credentials).await {
        Ok(subscriptions) => Ok(subscriptions.contains(&subscription(binding))),
        // Whose subscriptions the service may not see is no credentials device of its.
        Err(error) if error.is_forbidden() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The record on the bus, searched as the credentials device; where that is not allowed, the service allows it to
/// itself, once.
pub(super) async fn record_shown_by(
    bus: &Meshblu,
    credentials: &DeviceUuid,
) -> Result<StoredRecord, CredentialsError> {
    let query = json!({"uuid": credentials});
    let caller = Identity::of(bus.service()).acting_as(credentials);
    let found: Vec<Shown> = match bus.search(caller, &query).await {
        Err(error) if error.is_forbidden() => {
            bus.allow_search_as(credentials).await?;
            bus.search(caller, &query).await?
        }
        found => found?,
    };
    let device = found.into_iter().next().filter(|shown| shown.uuid == credentials.as_str());
    device.and_then(Shown::record).ok_or(CredentialsError::NoRecord)
}

/// The login of the credentials device that its opened record holds, if it holds one.
pub(super) fn login_in(opened: &Credentials, credentials: &DeviceUuid) -> Option<Login> {
    let token = opened.credentials_device_token()?;
    Some(Login { uuid: credentials.clone(), token: Zeroizing::new(token.expose().to_owned()) })
}
