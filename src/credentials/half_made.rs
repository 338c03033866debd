//! A user device on a bus elsewhere, made call by call; what broke off is found by whoever begins again, and finished.

use serde_json::{Value, json};

use super::bind::{BoundDevice, NewUserDevice, subscription};
use super::turns::Turn;
use super::{CredentialsDevices, CredentialsError, login_in, templates};
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::message::DeviceUuid;
use crate::store::{Binding, HalfMade, StoreError, Transaction, View};

/// What a device that was begun takes over from whoever begins again.
const RENEWED: [&str; 4] = ["name", "type", "logo", "schemas"];

/// A device that is being made, with its own login.
struct Making {
    half: HalfMade,
    login: Login,
    _turn: Option<Turn<String>>,
}

impl CredentialsDevices {
    /// Makes a user device, its status device, and last the subscription that is its right: what a crash leaves behind
    /// has no rights. Every device is noted as soon as it is there, and taken up by the owner's next attempt.
    pub(super) async fn bind_on(
        &self,
        bus: &Meshblu,
        (credentials, new): (DeviceUuid, NewUserDevice),
    ) -> Result<BoundDevice, CredentialsError> {
        let opened = self.open_record(credentials.clone(), self.record_on(bus, &credentials).await?).await?;
        let voice = login_in(&opened, &credentials).ok_or(CredentialsError::NoToken)?;
        let mut document = templates::user_device(&new, &credentials);
        let begun = self.take_up(bus, (&voice, &new.owner)).await?;
        let is_old = begun.is_some();
        let mut making = match begun {
            Some(begun) => begun,
            None => self.begin(bus, (&credentials, &new.owner), &document).await?,
        };
        let status = self.status_device(bus, &mut making.half).await?;
        let binding = &making.half.binding;
        document["uuid"] = json!(binding.user_device);
        let mut set = json!({"statusDevice": status});
        for name in RENEWED.iter().filter(|_| is_old) {
            set[*name] = document.get(*name).cloned().unwrap_or_default();
        }
        let update = json!({"$set": set});
        bus.update(Identity::of(&making.login), (&binding.user_device, &update)).await?;
        bus.subscribe(Identity::of(&voice), &subscription(binding)).await?;
        let (binding, now) = (binding.clone(), self.clock.now());
        let finish = move |transaction: &Transaction<'_>| {
            transaction.forget_half_made(&binding)?;
            transaction.bind(&binding, now)
        };
        self.store.write::<_, StoreError, _>(finish).await?;
        let Login { uuid, token } = making.login.clone();
        Ok(BoundDevice { uuid, token, status_device: status, document })
    }

    /// The oldest of the owner's devices for these credentials that broke off. Nobody has its token, and so it gets
    /// another one, by the right of the credentials device to act as it.
    async fn take_up(
        &self,
        bus: &Meshblu,
        (voice, owner): (&Login, &DeviceUuid),
    ) -> Result<Option<Making>, CredentialsError> {
        let (credentials, owner) = (voice.uuid.clone(), owner.clone());
        let look = move |view: &View<'_>| view.half_made_for(&credentials, &owner);
        for half in self.store.read::<_, StoreError, _>(look).await? {
            let device = &half.binding.user_device;
            let Some(turn) = self.under_way.take(&device.to_string()) else { continue };
            match bus.make_token(Identity::of(voice).acting_as(device), device).await {
                Ok(login) => return Ok(Some(Making { half, login, _turn: Some(turn) })),
                // It is gone, or its owner took it in hand.
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

    async fn begin(
        &self,
        bus: &Meshblu,
        (credentials, owner): (&DeviceUuid, &DeviceUuid),
        document: &Value,
    ) -> Result<Making, CredentialsError> {
        let login = bus.register(document).await?;
        let turn = self.under_way.take(&login.uuid.to_string());
        let binding = Binding { credentials: credentials.clone(), user_device: login.uuid.clone() };
        let (owner, made_at) = (owner.clone(), self.clock.now());
        let half = HalfMade { binding, owner, status_device: None, made_at };
        self.note(&half).await?;
        Ok(Making { half, login, _turn: turn })
    }

    async fn status_device(
        &self,
        bus: &Meshblu,
        half: &mut HalfMade,
    ) -> Result<DeviceUuid, CredentialsError> {
        if let Some(status) = &half.status_device {
            return Ok(status.clone());
        }
        let document = templates::status_device(&half.binding.user_device, &half.owner);
        let status = bus.register(&document).await?.uuid;
        half.status_device = Some(status.clone());
        self.note(half).await?;
        Ok(status)
    }

    async fn note(&self, half: &HalfMade) -> Result<(), StoreError> {
        let half = half.clone();
        self.store
            .write::<_, StoreError, _>(move |transaction: &Transaction<'_>| transaction.note_half_made(&half))
            .await
    }
}
