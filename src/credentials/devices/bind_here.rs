//! Binding on the bus in this process: one transaction makes the user device and gives it its right.

use serde_json::json;

use super::bind::{BoundDevice, NewUserDevice, subscription};
use crate::bus::Login;
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::credentials::change::Change;
use crate::credentials::management::owned::hidden;
use crate::credentials::management::owners::PresentRecord;
use crate::credentials::{CredentialsDevices, CredentialsError, templates};
use crate::message::DeviceUuid;
use crate::store::{Binding, Transaction, View};

impl CredentialsDevices {
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
        let opened = self.devices.opener.open_now(&self.credentials, &present.record).map_err(hidden)?;
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
    bus.update_itself(transaction, &user.uuid, &json!({"$set": {"statusDevice": status}}))?;
    if new.heard_by_owner {
        let hear = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": user.uuid}}});
        bus.update_itself(transaction, &new.owner, &hear)?;
    }
    Ok(BoundDevice { uuid: user.uuid, token: user.token, status_device: status, document: user.document })
}
