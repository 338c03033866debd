//! Giving user devices the right to use credentials, and taking it away.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::open::record;
use super::templates::{self, UserDevice};
use super::{CredentialsDevices, CredentialsError};
use crate::bus::embedded::Caller;
use crate::bus::embedded::update::Update;
use crate::message::DeviceUuid;
use crate::store::{Binding, StoredSubscription, Transaction};

/// A new user device. Prints without its token.
pub struct BoundDevice {
    /// Its name on the bus.
    pub uuid: DeviceUuid,
    /// Its own token.
    pub token: Zeroizing<String>,
    /// The device that keeps its errors.
    pub status_device: DeviceUuid,
}

impl std::fmt::Debug for BoundDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundDevice").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

/// What a new user device is to look like.
#[derive(Clone, Debug)]
pub struct NewUserDevice {
    /// Shown to people; where there is none, the name of the account, if that has one.
    pub name: Option<String>,
    /// `type` of the device: `endo:github`.
    pub device_type: String,
    /// `logo` of the device.
    pub logo: Option<String>,
    /// Where the gateway serves its schemas, with a slash at the end.
    pub service_url: String,
    /// Who owns the device.
    pub owner: DeviceUuid,
    /// Whether the owner's device is to accept messages, such as replies, from the new one.
    pub heard_by_owner: bool,
}

impl CredentialsDevices {
    /// Makes a user device that may use `credentials`, with its status device and its subscription, all at once.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] when nothing is kept under `credentials`; [`CredentialsError::Record`] when the
    /// account's name is needed and the record does not open.
    pub async fn bind(
        &self,
        credentials: DeviceUuid,
        mut new: NewUserDevice,
    ) -> Result<BoundDevice, CredentialsError> {
        if new.name.is_none() {
            new.name = self.account_name(credentials.clone()).await?;
        }
        let devices = self.clone();
        self.bus
            .store()
            .write(move |transaction| devices.make_user_device(transaction, &credentials, &new))
            .await
    }

    async fn account_name(&self, credentials: DeviceUuid) -> Result<Option<String>, CredentialsError> {
        let device = credentials.clone();
        let record = self.bus.store().read(move |view| record(view, &device)).await?;
        let opened = self.open_record(credentials, record).await?;
        Ok(opened.username().map(str::to_owned))
    }

    fn make_user_device(
        &self,
        transaction: &Transaction<'_>,
        credentials: &DeviceUuid,
        new: &NewUserDevice,
    ) -> Result<BoundDevice, CredentialsError> {
        record(transaction, credentials)?;
        let document = templates::user_device(&UserDevice {
            name: new.name.as_deref(),
            device_type: &new.device_type,
            logo: new.logo.as_deref(),
            service_url: &new.service_url,
            owner: &new.owner,
            credentials,
        });
        let user = self.bus.register(transaction, document)?;
        let binding = Binding { credentials: credentials.clone(), user_device: user.uuid.clone() };
        let subscriber = Caller::itself(credentials.clone());
        self.bus.subscribe(transaction, &subscriber, &subscription(&binding))?;
        let status = templates::status_device(&user.uuid, &new.owner);
        let status = self.bus.register(transaction, status)?.uuid;
        self.update(transaction, &user.uuid, &json!({"$set": {"statusDevice": status}}))?;
        if new.heard_by_owner {
            let hear = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": user.uuid}}});
            self.update(transaction, &new.owner, &hear)?;
        }
        transaction.bind(&binding, self.clock.now())?;
        Ok(BoundDevice { uuid: user.uuid, token: user.token, status_device: status })
    }

    /// Updates a device in its own name.
    fn update(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        update: &Value,
    ) -> Result<(), CredentialsError> {
        let update = Update::parse(update).expect("an update written here is well formed");
        self.bus.update(transaction, &Caller::itself(device.clone()), (device, &update))?;
        Ok(())
    }

    /// Ends a user device's right for ever: from the answer on, no message of it opens anything. Answers whether it
    /// had the right.
    ///
    /// # Errors
    /// What the store reports; the right stands then.
    pub async fn revoke(&self, binding: Binding) -> Result<bool, CredentialsError> {
        let now = self.clock.now();
        let change = move |transaction: &Transaction<'_>| {
            let ended = transaction.revoke(&binding, now)?;
            let subscription = subscription(&binding);
            let was_bound = transaction.has_subscription(&subscription)?;
            transaction.unsubscribe(&subscription)?;
            Ok(ended && was_bound)
        };
        self.bus.store().write(change).await
    }
}

/// What brings the messages of a user device to its credentials device.
pub(super) fn subscription(binding: &Binding) -> StoredSubscription {
    StoredSubscription {
        subscriber_uuid: binding.credentials.clone(),
        emitter_uuid: binding.user_device.clone(),
        kind: "message.received".to_owned(),
    }
}
