//! What the owners of credentials see of the devices that use them (`spec/endo.md` 2.10).

use serde_json::{Map, Value, json};

use super::noted_errors::NotedError;
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::credentials::{CredentialsDevices, CredentialsError, Owned};
use crate::message::{DeviceUuid, MESSAGE_RECEIVED};
use crate::store::{Binding, LastUse, StoreError, View};
use crate::telemetry::with_causes;

/// One device that may use credentials. What nobody here knows of it is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDeviceEntry {
    /// The device.
    pub uuid: DeviceUuid,
    /// Whether the bus could be asked for it; else name, owner and errors are absent for that alone.
    pub is_told: bool,
    /// What people call it.
    pub name: Option<String>,
    /// Who owns it now.
    pub owner: Option<DeviceUuid>,
    /// When it got its right.
    pub bound_at: Option<Timestamp>,
    /// When its messages last asked for the credentials and used them, as far as it was noted.
    pub last_use: LastUse,
    /// The device that keeps its errors, as it says.
    pub(super) status_device: Option<DeviceUuid>,
    /// How many errors that say something it keeps; unknown on a bus elsewhere, until [`CredentialsDevices::note_errors`].
    pub errors: Option<usize>,
    /// The newest of them, newest first.
    pub noted: Vec<NotedError>,
}

impl UserDeviceEntry {
    pub(in crate::credentials) fn unknown(uuid: DeviceUuid) -> Self {
        Self {
            uuid,
            is_told: true,
            name: None,
            owner: None,
            bound_at: None,
            last_use: LastUse::default(),
            status_device: None,
            errors: None,
            noted: Vec::new(),
        }
    }

    fn describe(&mut self, document: &Value) {
        self.name = document["name"].as_str().map(str::to_owned);
        self.owner = document["owner"].as_str().map(DeviceUuid::from);
        self.status_device = document["statusDevice"].as_str().map(DeviceUuid::from);
    }
}

impl CredentialsDevices {
    /// What the service says of itself: its device's `options`.
    ///
    /// # Errors
    /// What the bus reports.
    pub async fn service_options(
        &self,
        owned: Option<&Owned>,
    ) -> Result<Map<String, Value>, CredentialsError> {
        let service = self.bus.service().clone();
        let document = match &self.bus {
            Bus::Embedded(_) => {
                let found = self.store.read::<_, StoreError, _>(move |view| view.device(&service)).await?;
                found.map(|document| Value::clone(&document)).unwrap_or_default()
            }
            Bus::Meshblu(bus) => match owned.and_then(|owned| owned.login()) {
                Some(login) => bus.device(Identity::of(login), &service).await?,
                None => bus.whoami(Identity::of(bus.service())).await?,
            },
        };
        Ok(document["options"].as_object().cloned().unwrap_or_default())
    }

    /// The devices that may use the credentials. One that was cut off may not, though a bus elsewhere lists it still.
    ///
    /// # Errors
    /// What the bus reports.
    pub async fn user_devices(&self, owned: &Owned) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let credentials = owned.device().clone();
        let listed = self.heard_devices(owned).await?;
        let look = move |view: &View<'_>| {
            let mut standing = Vec::new();
            for user_device in listed {
                let binding = Binding { credentials: credentials.clone(), user_device };
                if !view.is_revoked(&binding)? {
                    standing.push(binding.user_device);
                }
            }
            Ok(standing)
        };
        Ok(self.store.read::<_, StoreError, _>(look).await?)
    }

    /// The devices that the credentials device is subscribed to, as the bus says.
    async fn heard_devices(&self, owned: &Owned) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let device = owned.device().clone();
        let subscriptions = match &self.bus {
            Bus::Embedded(_) => {
                self.store.read::<_, StoreError, _>(move |view| view.subscriptions(&device)).await?
            }
            Bus::Meshblu(bus) => bus.subscriptions(caller(bus, owned), &device).await?,
        };
        let others = subscriptions
            .into_iter()
            .filter(|subscription| subscription.kind == MESSAGE_RECEIVED)
            .map(|subscription| subscription.emitter_uuid);
        Ok(others.filter(|emitter| emitter != owned.device()).collect())
    }

    /// The same, with what is known of each.
    ///
    /// # Errors
    /// What the bus reports of the list itself; what it does not tell of a device is absent.
    pub async fn user_device_entries(&self, owned: &Owned) -> Result<Vec<UserDeviceEntry>, CredentialsError> {
        let uuids = self.user_devices(owned).await?;
        let (credentials, is_here) = (owned.device().clone(), self.bus.embedded().is_some());
        let look = move |view: &View<'_>| {
            let mut entries: Vec<_> = uuids.into_iter().map(UserDeviceEntry::unknown).collect();
            let bound = view.bindings_of(&credentials)?;
            for entry in &mut entries {
                let binding = Binding { credentials: credentials.clone(), user_device: entry.uuid.clone() };
                entry.last_use = view.last_use(&binding)?;
                entry.bound_at =
                    bound.iter().find(|noted| noted.binding == binding).and_then(|noted| noted.bound_at);
                if is_here {
                    describe_here(view, entry)?;
                }
            }
            Ok(entries)
        };
        let mut entries = self.store.read::<_, StoreError, _>(look).await?;
        if let (Bus::Meshblu(bus), false) = (&self.bus, entries.is_empty()) {
            describe_on(bus, owned, &mut entries).await;
        }
        for entry in &mut entries {
            let binding = Binding { credentials: owned.device().clone(), user_device: entry.uuid.clone() };
            entry.last_use = entry.last_use.max(self.uses.recent(&binding));
        }
        Ok(entries)
    }
}

fn describe_here(view: &View<'_>, entry: &mut UserDeviceEntry) -> Result<(), StoreError> {
    let Some(document) = view.device(&entry.uuid)? else { return Ok(()) };
    entry.describe(&document);
    let Some(status) = &entry.status_device else { return Ok(()) };
    let Some(status) = view.device(status)? else { return Ok(()) };
    entry.take_in(&status);
    Ok(())
}

/// Asks the bus once, as the credentials device, which may see its user devices.
pub(in crate::credentials) async fn describe_on(
    bus: &Meshblu,
    owned: &Owned,
    entries: &mut [UserDeviceEntry],
) {
    let uuids: Vec<_> = entries.iter().map(|entry| &entry.uuid).collect();
    let query = json!({"uuid": {"$in": uuids}});
    match bus.search::<Value>(caller(bus, owned), &query).await {
        Ok(found) => entries.iter_mut().for_each(|entry| {
            let document =
                found.iter().find(|document| document["uuid"].as_str() == Some(entry.uuid.as_str()));
            document.into_iter().for_each(|document| entry.describe(document));
        }),
        Err(error) => tell_nothing(&error, entries),
    }
}

pub(in crate::credentials) fn tell_nothing(error: &MeshbluError, entries: &mut [UserDeviceEntry]) {
    tracing::warn!(error = with_causes(error), "the bus tells nothing of the user devices");
    entries.iter_mut().for_each(|entry| entry.is_told = false);
}

/// As the credentials device; a record of old may hold no token, and then the service may do it too.
fn caller<'a>(bus: &'a Meshblu, owned: &'a Owned) -> Identity<'a> {
    Identity::of(owned.login().unwrap_or_else(|| bus.service()))
}
