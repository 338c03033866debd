//! Who owns credentials (`spec/endo.md` 2.7).

use std::time::Duration;

use serde_json::Value;

use crate::bus::embedded::BusError;
use crate::bus::{Bus, Login};
use crate::credentials::open::record;
use crate::credentials::{CredentialsDevices, CredentialsError, login_in};
use crate::message::DeviceUuid;
use crate::store::{OwnerName, StoreError, StoredRecord, View};
use crate::vault::{Credentials, Owner, Owners, ResourceOwnerId};

/// Credentials, and the proof that whoever asks is one of their owners.
#[derive(Debug)]
pub struct Owned {
    device: DeviceUuid,
    id: Option<ResourceOwnerId>,
    username: Option<String>,
    login: Option<Login>,
    owners: Owners,
    record: Option<StoredRecord>,
    elsewhere: Option<String>,
}

impl Owned {
    /// The device that keeps them.
    pub fn device(&self) -> &DeviceUuid {
        &self.device
    }

    /// The account at the API, where the record names one.
    pub fn id(&self) -> Option<&ResourceOwnerId> {
        self.id.as_ref()
    }

    /// The account's name, for people.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// Who proved control of the account, and may manage them, as far as their names are known: a record of the original's
    /// names its owner only by a signature, until that owner is here again.
    pub fn owners(&self) -> &[DeviceUuid] {
        &self.owners.named
    }

    /// What is known of the others who may: a signature each, by which they are found again when they are here.
    pub fn unnamed_owners(&self) -> &[String] {
        &self.owners.unnamed
    }

    /// Whether nobody would manage them any more if one of those who may left; who is `gone` manages nothing.
    pub fn has_one_owner(&self, gone: &[DeviceUuid]) -> bool {
        self.owners.each().filter(|owner| !is_among(owner, gone)).count() == 1
    }

    /// All of them.
    pub(in crate::credentials) fn all_owners(&self) -> &Owners {
        &self.owners
    }

    /// Where their secret is from, where that is another API than the gateway's: then it is not used here.
    pub fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.as_deref()
    }

    /// The login of their device, where the record holds it.
    pub(in crate::credentials) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Whether anything is kept, whether or not it opens.
    pub fn is_kept(&self) -> bool {
        self.record.is_some()
    }

    /// Their record, as far as it was read.
    pub(in crate::credentials) fn record(&self) -> Option<&StoredRecord> {
        self.record.as_ref()
    }
}

/// Whoever is known by a signature alone is not, and counts.
pub(super) fn is_among(owner: &Owner, gone: &[DeviceUuid]) -> bool {
    matches!(owner, Owner::Named(owner) if gone.contains(owner))
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
    /// [`CredentialsError::NoRecord`] also where they are somebody else's, or do not verify; [`CredentialsError::KeyMissing`]
    /// where they were the owner's, and no key here opens them.
    pub async fn owned_by(&self, owner: &DeviceUuid, device: DeviceUuid) -> Result<Owned, CredentialsError> {
        let record = self.newest_record(&device).await.map_err(hidden)?;
        // Nothing is signed for a device that keeps nothing.
        let keys = self.keys_of(owner.clone()).await?;
        match self.owned_as(&keys, device.clone(), record).await {
            Err(CredentialsError::NoRecord) if self.keyless.has_of(owner, &device).await? => {
                Err(CredentialsError::KeyMissing)
            }
            owned => owned,
        }
    }

    /// The same of each of these devices; those that are somebody else's are left out.
    pub(in crate::credentials) async fn owned_among(
        &self,
        owner: &OwnerKeys,
        devices: Vec<DeviceUuid>,
    ) -> Result<Vec<Owned>, CredentialsError> {
        let mut all = Vec::new();
        for device in devices {
            let owned = match self.newest_record(&device).await.map_err(hidden) {
                Ok(record) => self.owned_as(owner, device, record).await,
                Err(error) => Err(error),
            };
            match owned {
                Ok(owned) => all.push(owned),
                Err(CredentialsError::NoRecord) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn owned_as(
        &self,
        keys: &OwnerKeys,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Owned, CredentialsError> {
        if !keys.are_in(&record)? && !self.stands_beside(keys, &device).await? {
            return Err(CredentialsError::NoRecord);
        }
        let owner = &keys.owner;
        let opened = self.opener.open(device.clone(), record.clone()).await.map_err(hidden)?;
        let (opened, owners) = self.owners_of(&device, opened).await?;
        let owners = self.name_among(owners, vec![owner.clone()]).await?;
        if !owners.named.contains(owner) {
            return Err(CredentialsError::NoRecord);
        }
        let (login, username) = (login_in(&opened, &device), opened.username().map(str::to_owned));
        let (id, elsewhere) = (opened.id().cloned(), self.elsewhere(&record, &opened));
        Ok(Owned { id, username, login, owners, record: Some(record), elsewhere, device })
    }

    /// Whether `caller` proved control of the account behind `credentials` no longer ago than `age`.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn is_proved(
        &self,
        caller: &DeviceUuid,
        credentials: &DeviceUuid,
        age: Duration,
    ) -> Result<bool, CredentialsError> {
        let (caller, credentials, now) = (caller.clone(), credentials.clone(), self.clock.now());
        let look = move |view: &View<'_>| view.proof(&caller, &credentials);
        let proved = self.store.read::<_, StoreError, _>(look).await?;
        // A proof of the future is one from before the clock was set back.
        Ok(proved.is_some_and(|proved| proved <= now && now.since(proved) <= age))
    }

    /// The credentials of `device` as whoever runs the gateway has them: also where there is no record, or none that
    /// opens.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn held(&self, device: DeviceUuid) -> Result<Owned, CredentialsError> {
        let record = match self.newest_record(&device).await {
            Err(CredentialsError::NoRecord) => None,
            record => Some(record?),
        };
        let opened = match record.clone() {
            Some(record) => self.opener.open(device.clone(), record).await.ok(),
            None => None,
        };
        let (opened, owners) = match opened {
            Some(opened) => {
                self.owners_of(&device, opened).await.map(|(opened, owners)| (Some(opened), owners))?
            }
            None => (None, Owners::default()),
        };
        let opened = opened.as_ref();
        Ok(Owned {
            id: opened.and_then(|opened| opened.id()).cloned(),
            username: opened.and_then(|opened| opened.username()).map(str::to_owned),
            login: opened.and_then(|opened| login_in(opened, &device)),
            owners,
            elsewhere: record
                .as_ref()
                .zip(opened)
                .and_then(|(record, opened)| self.elsewhere(record, opened)),
            record,
            device,
        })
    }

    fn elsewhere(&self, record: &StoredRecord, opened: &Credentials) -> Option<String> {
        self.sealing.other_api(record.source.as_deref(), Some(opened)).map(str::to_owned)
    }

    /// The newest record of a credentials device, wherever it is.
    pub(in crate::credentials) async fn newest_record(
        &self,
        device: &DeviceUuid,
    ) -> Result<StoredRecord, CredentialsError> {
        match &self.bus {
            Bus::Embedded(_) => {
                let device = device.clone();
                self.store.read(move |view| record(view, &device)).await
            }
            Bus::Meshblu(bus) => self.record_on(bus, device).await,
        }
    }

    /// Whether this owner is said to stand beside the record; only whoever opens it knows whether that holds.
    async fn stands_beside(&self, owner: &OwnerKeys, device: &DeviceUuid) -> Result<bool, StoreError> {
        let (names, device) = (owner.names(), device.clone());
        let look = move |view: &View<'_>| {
            let beside = view.owners_beside(&device)?;
            Ok(beside.iter().any(|owner| names.contains(&owner.name)))
        };
        self.store.read(look).await
    }

    /// What an `authorizedKey` may hold that names this owner. Costs a signature by every key of the ring.
    pub(in crate::credentials) async fn keys_of(
        &self,
        owner: DeviceUuid,
    ) -> Result<OwnerKeys, CredentialsError> {
        let vault = self.vault.clone();
        let sign = move || OwnerKeys { keys: vault.authorized_keys(&owner), owner };
        tokio::task::spawn_blocking(sign).await.map_err(|_| CredentialsError::Interrupted)
    }
}

/// An owner, with all that an `authorizedKey` may hold that names them.
#[derive(Clone, Debug)]
pub(in crate::credentials) struct OwnerKeys {
    owner: DeviceUuid,
    pub(super) keys: Vec<String>,
}

impl OwnerKeys {
    /// How the owner may be known beside a record.
    pub(super) fn names(&self) -> Vec<OwnerName> {
        let keys = self.keys.iter().cloned().map(OwnerName::Key);
        std::iter::once(OwnerName::Device(self.owner.clone())).chain(keys).collect()
    }

    /// Whether the record names the owner.
    fn are_in(&self, record: &StoredRecord) -> Result<bool, CredentialsError> {
        let endo: Value = serde_json::from_str(&record.endo).map_err(|_| CredentialsError::NoRecord)?;
        Ok(self.are_held(&endo["authorizedKey"]))
    }

    /// Whether what an `authorizedKey` holds is one of these keys, or has one among its own.
    fn are_held(&self, held: &Value) -> bool {
        let is_one =
            |value: &Value| value.as_str().is_some_and(|value| self.keys.iter().any(|key| key == value));
        match held {
            Value::Array(owners) => owners.iter().any(is_one),
            owner => is_one(owner),
        }
    }
}

/// Whoever asks learns nothing of a device that is not theirs.
pub(in crate::credentials) fn hidden(error: CredentialsError) -> CredentialsError {
    match error {
        CredentialsError::Record(_) | CredentialsError::TooManyFailures => CredentialsError::NoRecord,
        CredentialsError::Meshblu(error) if error.is_forbidden() => CredentialsError::NoRecord,
        error => error,
    }
}
