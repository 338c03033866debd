//! What the owners of credentials see and do (`spec/endo.md` 2.7 and 2.10).

use serde_json::{Map, Value};

use super::open::record;
use super::{CredentialsDevices, CredentialsError, login_in};
use crate::bus::embedded::BusError;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::bus::{Bus, Login};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord};

/// Credentials, and the proof that whoever asks is one of their owners.
#[derive(Debug)]
pub struct Owned {
    device: DeviceUuid,
    username: Option<String>,
    login: Option<Login>,
}

impl Owned {
    /// The device that keeps them.
    pub fn device(&self) -> &DeviceUuid {
        &self.device
    }

    /// The account's name, for people.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
}

impl CredentialsDevices {
    /// Whether the bus knows this login.
    ///
    /// # Errors
    /// What the bus reports, unless it is that it does not know it.
    pub async fn authenticate(&self, login: &Login) -> Result<bool, CredentialsError> {
        match &self.bus {
            Bus::Meshblu(bus) => Ok(bus.authenticate(login).await?),
            Bus::Embedded(bus) => {
                let login = login.clone();
                match bus.look(move |bus, view| bus.authenticate(view, &login)).await {
                    Ok(_) => Ok(true),
                    Err(BusError::Forbidden) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// The credentials of `device`, if `owner` is one of those who proved control of the account.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] also where they are somebody else's, or do not verify.
    pub async fn owned_by(&self, owner: &DeviceUuid, device: DeviceUuid) -> Result<Owned, CredentialsError> {
        let record = match &self.bus {
            Bus::Embedded(_) => {
                let device = device.clone();
                self.store.read(move |view| record(view, &device)).await?
            }
            Bus::Meshblu(bus) => self.record_on(bus, &device).await.map_err(hidden)?,
        };
        if !self.names_owner(&record, owner.clone()).await? {
            return Err(CredentialsError::NoRecord);
        }
        let opened = self.open_record(device.clone(), record).await.map_err(hidden)?;
        let login = login_in(&opened, &device);
        Ok(Owned { username: opened.username().map(str::to_owned), login, device })
    }

    async fn names_owner(&self, record: &StoredRecord, owner: DeviceUuid) -> Result<bool, CredentialsError> {
        let endo: Value = serde_json::from_str(&record.endo).map_err(|_| CredentialsError::NoRecord)?;
        let vault = self.vault.clone();
        let keys = tokio::task::spawn_blocking(move || vault.authorized_keys(&owner)).await;
        let keys = keys.map_err(|_| CredentialsError::Interrupted)?;
        let is_one = |value: &Value| value.as_str().is_some_and(|value| keys.iter().any(|key| key == value));
        Ok(match &endo["authorizedKey"] {
            Value::Array(owners) => owners.iter().any(is_one),
            owner => is_one(owner),
        })
    }

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
            Bus::Meshblu(bus) => match owned.and_then(|owned| owned.login.as_ref()) {
                Some(login) => bus.device(Identity::of(login), &service).await?,
                None => bus.whoami(Identity::of(bus.service())).await?,
            },
        };
        Ok(document["options"].as_object().cloned().unwrap_or_default())
    }

    /// The devices that may use the credentials.
    ///
    /// # Errors
    /// What the bus reports.
    pub async fn user_devices(&self, owned: &Owned) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let device = owned.device.clone();
        let subscriptions = match &self.bus {
            Bus::Embedded(_) => {
                self.store.read::<_, StoreError, _>(move |view| view.subscriptions(&device)).await?
            }
            Bus::Meshblu(bus) => bus.subscriptions(caller(bus, owned), &device).await?,
        };
        let others = subscriptions
            .into_iter()
            .filter(|subscription| subscription.kind == "message.received")
            .map(|subscription| subscription.emitter_uuid);
        Ok(others.filter(|emitter| *emitter != owned.device).collect())
    }
}

/// As the credentials device; a record of old may hold no token, and then the service may do it too.
fn caller<'a>(bus: &'a Meshblu, owned: &'a Owned) -> Identity<'a> {
    Identity::of(owned.login.as_ref().unwrap_or_else(|| bus.service()))
}

/// Whoever asks learns nothing of a device that is not theirs.
fn hidden(error: CredentialsError) -> CredentialsError {
    match error {
        CredentialsError::Record(_) | CredentialsError::TooManyFailures => CredentialsError::NoRecord,
        CredentialsError::Meshblu(error) if error.is_forbidden() => CredentialsError::NoRecord,
        error => error,
    }
}
