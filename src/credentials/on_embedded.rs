//! Credentials devices on the bus in this process: every change of them is one transaction.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::as_it_stands::Change;
use super::before::Before;
use super::bind::{BoundDevice, NewUserDevice, subscription};
use super::keep::{Account, STRANGERS, Whereabouts};
use super::open::record;
use super::owned::hidden;
use super::projection::copy_of;
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
        self.change(Keeping { devices: self.clone(), bus: bus.clone(), account, whereabouts }).await
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
    /// The record in which whoever asks was found among the owners; another may be without them.
    type Plan = StoredRecord;
    type Made = BoundDevice;

    fn plan(&self, view: &View<'_>) -> Result<StoredRecord, CredentialsError> {
        let record = record(view, &self.credentials)?;
        if let Some(Login { uuid: owner, .. }) = &self.new.login {
            let opened = self.devices.open_now(&self.credentials, &record).map_err(hidden)?;
            let owners = self.devices.owners_in(view, &self.credentials, &opened)?;
            let owners = self.devices.vault.name(owners, std::slice::from_ref(owner));
            if !owners.named.contains(owner) {
                return Err(CredentialsError::NoRecord);
            }
        }
        Ok(record)
    }

    fn is_of(&self, view: &View<'_>, plan: &StoredRecord) -> Result<bool, CredentialsError> {
        Ok(record(view, &self.credentials)? == *plan)
    }

    fn make(&self, transaction: &Transaction<'_>, _: StoredRecord) -> Result<BoundDevice, CredentialsError> {
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

/// One secret on its way into a record.
struct Keeping {
    devices: CredentialsDevices,
    bus: EmbeddedBus,
    account: Arc<Account>,
    whereabouts: Whereabouts,
}

impl Change for Keeping {
    /// By what the account's device is found.
    type Plan = IdKeys;
    type Made = DeviceUuid;

    fn plan(&self, _: &View<'_>) -> Result<IdKeys, CredentialsError> {
        Ok(self.devices.vault.id_keys(&self.account.id))
    }

    fn is_of(&self, _: &View<'_>, id_keys: &IdKeys) -> Result<bool, CredentialsError> {
        Ok(self.devices.vault.are_current(id_keys))
    }

    fn make(&self, transaction: &Transaction<'_>, id_keys: IdKeys) -> Result<DeviceUuid, CredentialsError> {
        let (device, mut before) = match self.find(transaction, &id_keys)? {
            Some(found) => found,
            None => self.begin(transaction)?,
        };
        let (past, renewed_by) = (std::mem::take(&mut before.past), before.renewed_by(&self.account));
        let new = self.devices.seal(&device, &self.account, before)?;
        if !new.store(transaction, &device)? {
            return Err(CredentialsError::RolledBack);
        }
        Arc::clone(&self.whereabouts.arrival).claim(transaction)?;
        show(&self.bus, transaction, &device, &new.record)?;
        let receipt = self.devices.replaced(&device, &self.account, new.crowded_out);
        self.devices.retire(transaction, receipt, &past)?;
        let life = self.devices.new_life(&self.account, new.record.generation, renewed_by);
        life.begin(transaction, &device)?;
        Ok(device)
    }
}

impl Keeping {
    /// The account's device with what its record holds. The bus finds devices by what they say of themselves; what
    /// counts is the record, so a device that only claims to be the account's is passed over.
    fn find(
        &self,
        transaction: &Transaction<'_>,
        id_keys: &IdKeys,
    ) -> Result<Option<(DeviceUuid, Before)>, CredentialsError> {
        let candidates = match self.whereabouts.only() {
            Some(device) => vec![device.clone()],
            None => candidates(transaction, id_keys)?,
        };
        for device in candidates {
            let record = match record(transaction, &device) {
                Err(CredentialsError::NoRecord) => continue,
                record => record?,
            };
            let opened = self.devices.open_cold(&device, &record);
            let opened = self.devices.sealing.only_of(&self.account.id, &record, opened)?;
            if let Some(opened) = opened {
                self.whereabouts.check(&opened)?;
                let owners = self.devices.owners_in(transaction, &device, &opened)?;
                let renewal = transaction.renewal(&device)?;
                let before = Before::read(&record, &opened, &self.account, renewal.as_ref());
                let before = self.devices.ending_at_once(&device, &self.account, before)?;
                return Ok(Some((device, Before { owners, ..before })));
            }
        }
        Ok(None)
    }

    fn begin(&self, transaction: &Transaction<'_>) -> Result<(DeviceUuid, Before), CredentialsError> {
        if self.whereabouts.only().is_some() {
            return Err(CredentialsError::NoRecord);
        }
        let bus = &self.bus;
        let service = Caller::itself(bus.service().clone());
        let device = bus.register(transaction, templates::credentials_device(&service.auth))?.uuid;
        let subscription = StoredSubscription::to_messages(&service.auth, &device);
        bus.changing(transaction, &service).subscribe(&subscription)?;
        let token = bus.changing(transaction, &service).make_token(&device, &Map::new())?;
        let token = Some(SecretText::from(token.as_str()));
        Ok((device, Before { token, ..Before::default() }))
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
