//! Credentials devices on the bus in this process: every change of them is one transaction.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::devices::bind::{BoundDevice, NewUserDevice, subscription};
use super::keeping::as_it_stands::Change;
use super::keeping::before::Before;
use super::keeping::brought::BroughtToken;
use super::keeping::incoming::{Candidate, Incoming, Sealed};
use super::keeping::keep::{Account, STRANGERS, Whereabouts};
use super::keeping::of_account::secret_of;
use super::management::owned::hidden;
use super::management::owners::PresentRecord;
use super::records::projection::copy_of;
use super::{CredentialsDevices, CredentialsError, templates};
use crate::bus::Login;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{Binding, Lookup, StoreError, StoredRecord, StoredSubscription, Transaction, View};
use crate::vault::{IdKeys, SecretText};

impl CredentialsDevices {
    pub(super) async fn keep_here(
        &self,
        bus: &EmbeddedBus,
        account: Arc<Account>,
        whereabouts: Whereabouts,
    ) -> Result<DeviceUuid, CredentialsError> {
        // One after the other, for those who come at the same time would seal in vain.
        let _turn = self.under_way.turn_soon(&secret_of(&account.id)).await;
        let incoming = Incoming { devices: self.clone(), account, whereabouts };
        loop {
            let id_keys = self.id_keys(&incoming.account.id).await?;
            let keeping = Keeping { incoming: incoming.clone(), bus: bus.clone(), id_keys: id_keys.clone() };
            match self.change(keeping).await {
                // There are other keys by now, by which the account's device may be found.
                Err(CredentialsError::RolledBack) if !self.vault.are_current(&id_keys) => {}
                kept => return kept,
            }
        }
    }

    pub(super) async fn bind_here(
        &self,
        bus: &EmbeddedBus,
        credentials: DeviceUuid,
        new: NewUserDevice,
    ) -> Result<BoundDevice, CredentialsError> {
        self.change(Adding { devices: self.clone(), bus: bus.clone(), credentials, new }).await
    }
}

/// A user device on its way to its right.
struct Adding {
    devices: CredentialsDevices,
    bus: EmbeddedBus,
    credentials: DeviceUuid,
    new: NewUserDevice,
}

impl Change for Adding {
    type Ground = PresentRecord;
    /// Whoever asks is among the owners.
    type Plan = ();
    type Made = BoundDevice;

    fn look(&self, view: &View<'_>) -> Result<PresentRecord, CredentialsError> {
        PresentRecord::of(view, &self.credentials)
    }

    fn plan(&self, present: &PresentRecord) -> Result<(), CredentialsError> {
        let Some(Login { uuid: owner, .. }) = &self.new.login else { return Ok(()) };
        let opened = self.devices.open_now(&self.credentials, &present.record).map_err(hidden)?;
        let owners = self.devices.owners_in(present, &self.credentials, &opened);
        let owners = self.devices.vault.name(owners, std::slice::from_ref(owner));
        if owners.named.contains(owner) { Ok(()) } else { Err(CredentialsError::NoRecord) }
    }

    fn make(&self, transaction: &Transaction<'_>, _: Self::Plan) -> Result<BoundDevice, CredentialsError> {
        let bound = make_user_device(&self.bus, transaction, &self.credentials, &self.new)?;
        let binding = Binding { credentials: self.credentials.clone(), user_device: bound.uuid.clone() };
        transaction.bind(&binding, self.devices.clock.now())?;
        Ok(bound)
    }
}

fn make_user_device(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    credentials: &DeviceUuid,
    new: &NewUserDevice,
) -> Result<BoundDevice, CredentialsError> {
    let user = bus.register(transaction, templates::user_device(new, credentials))?;
    let binding = Binding { credentials: credentials.clone(), user_device: user.uuid.clone() };
    bus.changing(transaction, &Caller::itself(credentials.clone())).subscribe(&subscription(&binding))?;
    let status = templates::status_device(&user.uuid, &new.owner);
    let status = bus.register(transaction, status)?.uuid;
    update_itself(bus, transaction, &user.uuid, &json!({"$set": {"statusDevice": status}}))?;
    if new.heard_by_owner {
        let hear = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": user.uuid}}});
        update_itself(bus, transaction, &new.owner, &hear)?;
    }
    Ok(BoundDevice { uuid: user.uuid, token: user.token, status_device: status, document: user.document })
}

/// Updates a device in its own name.
pub(super) fn update_itself(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    update: &Value,
) -> Result<(), CredentialsError> {
    let update = Update::parse(update).expect("an update written here is well formed");
    bus.changing(transaction, &Caller::itself(device.clone())).update(device, &update)?;
    Ok(())
}

/// Puts a record where the bus's clients look for it.
pub(super) fn show(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    record: &StoredRecord,
) -> Result<(), CredentialsError> {
    update_itself(bus, transaction, device, &copy_of(record))
}

/// A secret on its way into the record of the account's device, which is made where there is none.
struct Keeping {
    incoming: Incoming,
    bus: EmbeddedBus,
    /// By what the account's device is found.
    id_keys: IdKeys,
}

/// Where a secret is to be kept.
struct Home {
    device: DeviceUuid,
    /// The token of a device that is to be made.
    new: Option<Zeroizing<String>>,
    sealed: Sealed,
}

/// What the change hangs on.
#[derive(PartialEq)]
struct Ground {
    /// The devices that may be the account's.
    candidates: Vec<Candidate>,
    brought: BroughtToken,
}

impl Change for Keeping {
    type Ground = Ground;
    type Plan = Home;
    type Made = DeviceUuid;

    /// The bus finds devices by what they say of themselves; what counts is the record.
    fn look(&self, view: &View<'_>) -> Result<Ground, CredentialsError> {
        let Incoming { devices, account, whereabouts } = &self.incoming;
        if !devices.vault.are_current(&self.id_keys) {
            return Err(CredentialsError::RolledBack);
        }
        let named = whereabouts.only().map(|device| vec![device.clone()]);
        let found = named.map_or_else(|| candidates(view, &self.id_keys), Ok)?;
        let candidates = found.into_iter().map(|device| match PresentRecord::of(view, &device) {
            Err(CredentialsError::NoRecord) => Ok(None),
            present => Ok(Some(Candidate { present: present?, renewal: view.renewal(&device)?, device })),
        });
        let candidates: Result<_, CredentialsError> = candidates.filter_map(Result::transpose).collect();
        Ok(Ground { candidates: candidates?, brought: BroughtToken::look(view, account)? })
    }

    /// A device that only claims to be the account's is passed over.
    fn plan(&self, Ground { candidates, brought }: &Ground) -> Result<Home, CredentialsError> {
        for candidate in candidates {
            if let Some(before) = self.incoming.take_over(candidate, brought)? {
                let device = candidate.device.clone();
                let sealed = self.incoming.seal(&device, before, brought)?;
                return Ok(Home { device, new: None, sealed });
            }
        }
        if self.incoming.whereabouts.only().is_some() {
            return Err(CredentialsError::NoRecord);
        }
        let Login { uuid: device, token } = self.bus.draw_login();
        let before = Before { token: Some(SecretText::from(token.as_str())), ..Before::default() };
        let sealed = self.incoming.seal(&device, before, brought)?;
        Ok(Home { device, new: Some(token), sealed })
    }

    fn make(&self, transaction: &Transaction<'_>, home: Home) -> Result<DeviceUuid, CredentialsError> {
        let Home { device, new, sealed } = home;
        if let Some(token) = new {
            self.make_device(transaction, Login { uuid: device.clone(), token })?;
        }
        let record = self.incoming.put(transaction, &device, sealed)?;
        show(&self.bus, transaction, &device, &record)?;
        Ok(device)
    }
}

impl Keeping {
    fn make_device(&self, transaction: &Transaction<'_>, login: Login) -> Result<(), CredentialsError> {
        let service = Caller::itself(self.bus.service().clone());
        let document = templates::credentials_device(&service.auth);
        let device = self.bus.register_as(transaction, login.uuid, document)?.uuid;
        let service_hears = StoredSubscription::to_messages(&service.auth, &device);
        let changing = self.bus.changing(transaction, &service);
        changing.subscribe(&service_hears)?;
        Ok(changing.add_token(&device, &login.token, &Map::new())?)
    }
}

/// The devices that say they are the account's: first those whose record was sealed here, then a few others.
pub(super) fn candidates(view: &View<'_>, id_keys: &IdKeys) -> Result<Vec<DeviceUuid>, StoreError> {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for id_key in id_keys.all() {
        let lookup = Lookup::Indexed("endo.idKey".to_owned(), id_key.clone());
        let mut found = Vec::new();
        view.visit_devices(&lookup, usize::MAX, |device| {
            found.push(device.uuid);
            true
        })?;
        for device in found {
            let is_ours = view.record(&device)?.is_some();
            if is_ours { ours.push(device) } else { others.push(device) }
        }
    }
    ours.extend(others.into_iter().take(STRANGERS));
    Ok(ours)
}
