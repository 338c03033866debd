//! A user device on a bus elsewhere, made call by call; what broke off is found by whoever begins again, and finished.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bind::{BoundDevice, NewUserDevice, subscription};
use super::making::Made;
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::credentials::{CredentialsDevices, CredentialsError, Cut, Revoker, login_in, templates};
use crate::message::DeviceUuid;
use crate::queueing::Turn;
use crate::store::{Binding, HalfMade, StoreError, Transaction};

/// What a device that was begun takes over from whoever begins again.
const RENEWED: [&str; 4] = ["name", "type", "logo", "schemas"];

/// A device that is being made, with its own login.
struct Making {
    half: HalfMade,
    login: Login,
    is_old: bool,
    made: Arc<Made>,
    _turn: Option<Turn>,
}

/// Whose device for which credentials it is, and the marks by which it is found on the bus; one a key, the newest first.
struct Wanted {
    credentials: DeviceUuid,
    owner: DeviceUuid,
    marks: Vec<String>,
    made: Arc<Made>,
}

impl CredentialsDevices {
    /// Makes a user device, its status device, and last the subscription that is its right: what a crash leaves behind
    /// has no rights. Every device is noted as soon as it is there, and taken up by the owner's next attempt; it has a mark
    /// until it is finished, by which it is found where nobody was told that it is there. Whatever ends meanwhile what it is
    /// for ends the device as well; what the bus has of it then goes once nobody is at it any more.
    pub(super) async fn bind_on(
        &self,
        bus: &Meshblu,
        credentials: DeviceUuid,
        new: NewUserDevice,
    ) -> Result<BoundDevice, CredentialsError> {
        let opened = self.opener.open(credentials.clone(), self.newest_record(&credentials).await?).await?;
        let voice = login_in(&opened, &credentials).ok_or(CredentialsError::NoToken)?;
        let mut document = templates::user_device(&new, &credentials);
        let wanted = self.wanted(credentials, new.owner).await?;
        let begun = match &new.login {
            Some(owner) => self.take_up(bus, &wanted, owner).await?,
            None => None,
        };
        let mut making = match begun {
            Some(begun) => begun,
            None => self.begin(bus, wanted, document.clone()).await?,
        };
        self.check_wanted(&making, new.login.as_ref()).await?;
        let status = self.status_device(bus, &mut making).await?;
        let binding = &making.half.binding;
        document["uuid"] = json!(binding.user_device);
        let mut set = json!({"statusDevice": status});
        for name in RENEWED.iter().filter(|_| making.is_old) {
            set[*name] = document.get(*name).cloned().unwrap_or_default();
        }
        let update = json!({"$set": set, "$unset": {"endo": true}});
        bus.update(Identity::of(&making.login), &binding.user_device, &update).await?;
        bus.subscribe(Identity::of(&voice), &subscription(binding)).await?;
        if !self.finish(binding.clone()).await? {
            self.may_have(binding, new.login.as_ref()).await?;
            return Err(CredentialsError::Revoked);
        }
        let Login { uuid, token } = making.login.clone();
        Ok(BoundDevice { uuid, token, status_device: status, document })
    }

    /// Gives the device its right here; answers whether nothing ended it meanwhile.
    async fn finish(&self, binding: Binding) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let finish = move |transaction: &Transaction<'_>| {
            transaction.forget_half_made(&binding)?;
            if transaction.is_revoked(&binding)? {
                return Ok(false);
            }
            transaction.bind(&binding, now)?;
            Ok(true)
        };
        self.store.write(finish).await
    }

    /// Looks once more whether whoever asked for a device may have it, now that ends find it here; else it ends as they would
    /// have ended it.
    async fn check_wanted(
        &self,
        Making { half: HalfMade { binding, .. }, made, .. }: &Making,
        owner: Option<&Login>,
    ) -> Result<(), CredentialsError> {
        let may = match self.may_have(binding, owner).await {
            Ok(()) if made.is_cut_off() => Err(CredentialsError::Revoked),
            may => may,
        };
        if let Err(CredentialsError::NoRecord | CredentialsError::Revoked) = may {
            let by = owner.cloned().map_or(Revoker::Operator, Revoker::Owner);
            let owned = self.held(binding.credentials.clone()).await?;
            self.cut_off(&owned, Cut::One(binding.user_device.clone()), &by).await?;
        }
        may
    }

    async fn may_have(&self, binding: &Binding, owner: Option<&Login>) -> Result<(), CredentialsError> {
        match owner {
            Some(owner) => self.owned_by(&owner.uuid, binding.credentials.clone()).await.map(drop),
            None => self.newest_record(&binding.credentials).await.map(drop),
        }
    }

    async fn wanted(&self, credentials: DeviceUuid, owner: DeviceUuid) -> Result<Wanted, CredentialsError> {
        let (vault, made) = (Arc::clone(&self.vault), self.in_making.begin(&credentials));
        let sign = move || {
            let marks = vault.user_device_marks(&credentials, &owner);
            Wanted { credentials, owner, marks, made }
        };
        tokio::task::spawn_blocking(sign).await.map_err(|_| CredentialsError::Interrupted)
    }

    /// The oldest of the owner's devices for these credentials that broke off. Nobody has its token, and so it gets
    /// another one, from its owner: nobody else may change it, and a Meshblu lets nobody act as a device against that very
    /// device (`spec/meshblu.md` 2.3).
    async fn take_up(
        &self,
        bus: &Meshblu,
        wanted: &Wanted,
        owner: &Login,
    ) -> Result<Option<Making>, CredentialsError> {
        for half in self.broken_off(bus, wanted, owner).await? {
            let device = &half.binding.user_device;
            let Some(turn) = self.under_way.turn_now(&device.to_string()) else { continue };
            match bus.make_token(Identity::of(owner), device).await {
                Ok(login) => {
                    let made = Arc::clone(&wanted.made);
                    return Ok(Some(Making { half, login, is_old: true, made, _turn: Some(turn) }));
                }
                // It is gone, or somebody else's by now.
                Err(error) if error.is_refusal() => {
                    let binding = half.binding;
                    let forget = move |transaction: &Transaction<'_>| transaction.forget_half_made(&binding);
                    self.store.write::<_, StoreError, _>(forget).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// What is noted here of devices that broke off, and then what the bus alone knows of; what was cut off meanwhile stays
    /// as it is.
    async fn broken_off(
        &self,
        bus: &Meshblu,
        wanted: &Wanted,
        owner: &Login,
    ) -> Result<Vec<HalfMade>, CredentialsError> {
        let query = json!({"owner": wanted.owner, "endo.begun": {"$in": wanted.marks}});
        let marked: Vec<Value> = bus.search(Identity::of(owner), &query).await?;
        let marked: Vec<_> = marked.iter().filter_map(|device| wanted.made_of(device)).collect();
        let (credentials, owner, made_at) =
            (wanted.credentials.clone(), wanted.owner.clone(), self.clock.now());
        let look = move |transaction: &Transaction<'_>| {
            let mut all = transaction.half_made_for(&credentials, &owner)?;
            for binding in marked {
                let is_known = all.iter().any(|half| half.binding == binding);
                if !is_known && !transaction.is_revoked(&binding)? {
                    let half = HalfMade { binding, owner: owner.clone(), status_device: None, made_at };
                    transaction.note_half_made(&half)?;
                    all.push(half);
                }
            }
            Ok(all)
        };
        Ok(self.store.write::<_, StoreError, _>(look).await?)
    }

    async fn begin(
        &self,
        bus: &Meshblu,
        wanted: Wanted,
        mut document: Value,
    ) -> Result<Making, CredentialsError> {
        document["endo"] = json!({"begun": wanted.marks.first()});
        let login = bus.register(&document).await?;
        let turn = self.under_way.turn_now(&login.uuid.to_string());
        let Wanted { credentials, owner, made, .. } = wanted;
        let binding = Binding { credentials, user_device: login.uuid.clone() };
        let half = HalfMade { binding, owner, status_device: None, made_at: self.clock.now() };
        self.note(&half).await?;
        Ok(Making { half, login, is_old: false, made, _turn: turn })
    }

    async fn status_device(
        &self,
        bus: &Meshblu,
        making: &mut Making,
    ) -> Result<DeviceUuid, CredentialsError> {
        if let Some(status) = &making.half.status_device {
            return Ok(status.clone());
        }
        let (user_device, owner) = (&making.half.binding.user_device, &making.half.owner);
        let found = if making.is_old { status_device_of(bus, &making.login).await? } else { None };
        let status = match found {
            Some(found) => found,
            None => bus.register(&templates::status_device(user_device, owner)).await?.uuid,
        };
        making.half.status_device = Some(status.clone());
        self.note(&making.half).await?;
        Ok(status)
    }

    async fn note(&self, half: &HalfMade) -> Result<(), StoreError> {
        let half = half.clone();
        self.store
            .write::<_, StoreError, _>(move |transaction: &Transaction<'_>| transaction.note_half_made(&half))
            .await
    }
}

impl Wanted {
    /// What this device was begun for, if that is what is wanted. Whoever shows a mark that was not made here is not meant.
    fn made_of(&self, device: &Value) -> Option<Binding> {
        let begun = device["endo"]["begun"].as_str()?;
        let is_ours = self.marks.iter().any(|mark| mark == begun);
        let is_theirs = device["owner"].as_str() == Some(self.owner.as_str());
        let user_device = device["uuid"].as_str()?.into();
        (is_ours && is_theirs).then(|| Binding { credentials: self.credentials.clone(), user_device })
    }
}

/// The status device that was registered for this user device, where nobody was told of that. Nobody else could have made
/// one for it: whose name it has was never told.
async fn status_device_of(
    bus: &Meshblu,
    user_device: &Login,
) -> Result<Option<DeviceUuid>, CredentialsError> {
    let query = json!({"owner": user_device.uuid, "type": templates::STATUS_DEVICE});
    let found: Vec<Value> = bus.search(Identity::of(user_device), &query).await?;
    let is_one = |device: &&Value| {
        device["owner"].as_str() == Some(user_device.uuid.as_str())
            && device["type"] == templates::STATUS_DEVICE
    };
    Ok(found.iter().find(is_one).and_then(|device| device["uuid"].as_str()).map(DeviceUuid::from))
}
