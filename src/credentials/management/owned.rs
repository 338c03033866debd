//! Who owns credentials (`spec/endo.md` 2.7).

use super::owner_keys::OwnerKeys;
use crate::bus::embedded::BusError;
use crate::bus::{Bus, Login};
use crate::credentials::{CredentialsDevices, CredentialsError, login_in};
use crate::message::DeviceUuid;
use crate::store::StoredRecord;
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
    /// Those of which nothing is known but that they are, or were, there.
    fn unopened(device: DeviceUuid, record: Option<StoredRecord>) -> Self {
        let owners = Owners::default();
        Self { device, id: None, username: None, login: None, owners, record, elsewhere: None }
    }

    /// What this record holds, of the gateway's own API.
    fn opened(device: DeviceUuid, record: StoredRecord, opened: &Credentials, owners: Owners) -> Self {
        Self {
            id: opened.id().cloned(),
            username: opened.username().map(str::to_owned),
            login: login_in(opened, &device),
            owners,
            ..Self::unopened(device, Some(record))
        }
    }

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

    /// Whether `owner` is one of those who manage the credentials of this account.
    ///
    /// # Errors
    /// What the store, the bus or the vault reports.
    pub async fn manages(&self, owner: &DeviceUuid, id: &ResourceOwnerId) -> Result<bool, CredentialsError> {
        let Some(device) = self.of_account(id).await? else { return Ok(false) };
        match self.owned_by(owner, device).await {
            Ok(_) => Ok(true),
            Err(CredentialsError::NoRecord) => Ok(false),
            Err(error) => Err(error),
        }
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
        let elsewhere = self.elsewhere(&record, &opened);
        Ok(Owned { elsewhere, ..Owned::opened(device, record, &opened, owners) })
    }

    /// The credentials of `device` as whoever runs the gateway has them: also where there is no record, or none that
    /// opens.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn held(&self, device: DeviceUuid) -> Result<Owned, CredentialsError> {
        let record = match self.newest_record(&device).await {
            Err(CredentialsError::NoRecord) => return Ok(Owned::unopened(device, None)),
            record => record?,
        };
        let Ok(opened) = self.opener.open(device.clone(), record.clone()).await else {
            return Ok(Owned::unopened(device, Some(record)));
        };
        let (opened, owners) = self.owners_of(&device, opened).await?;
        let elsewhere = self.elsewhere(&record, &opened);
        Ok(Owned { elsewhere, ..Owned::opened(device, record, &opened, owners) })
    }

    fn elsewhere(&self, record: &StoredRecord, opened: &Credentials) -> Option<String> {
        self.sealing.other_api(record.source.as_deref(), Some(opened)).map(str::to_owned)
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
