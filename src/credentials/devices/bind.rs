//! Giving user devices the right to use credentials.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::bus::{Bus, Login};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{Binding, StoredSubscription};

/// A new user device. Prints without its token.
pub struct BoundDevice {
    /// Its name on the bus.
    pub uuid: DeviceUuid,
    /// Its own token.
    pub token: Zeroizing<String>,
    /// The device that keeps its errors.
    pub status_device: DeviceUuid,
    /// Its document, as it was registered.
    pub document: Value,
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
    /// The owner's own login, where it is the owner who asks: then a device of theirs that broke off on a bus elsewhere is
    /// finished.
    pub login: Option<Login>,
    /// Whether the owner's device is to accept messages, such as replies, from the new one.
    pub heard_by_owner: bool,
}

/// What all user devices of a gateway have in common.
#[derive(Clone, Debug)]
pub struct UserDeviceLook {
    /// `type` of the devices: `endo:github`.
    pub device_type: String,
    /// Where the gateway serves its schemas, with a slash at the end.
    pub service_url: String,
    /// Whose device accepts messages from every device of its own.
    pub first_owner: Option<DeviceUuid>,
}

impl CredentialsDevices {
    /// Makes a user device that may use `credentials`, with its status device and its subscription: all at once on the
    /// bus in this process, the subscription last elsewhere.
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
        match &self.bus {
            Bus::Embedded(bus) => self.bind_here(bus, credentials, new).await,
            Bus::Meshblu(bus) => self.bind_on(bus, credentials, new).await,
        }
    }

    /// A new user device of whoever asks for it by this login, that looks like this.
    ///
    /// # Errors
    /// What the bus reports.
    pub async fn dress_for(
        &self,
        look: &UserDeviceLook,
        name: Option<String>,
        login: Login,
    ) -> Result<NewUserDevice, CredentialsError> {
        let dressed = self.dress(look, name, login.uuid.clone()).await?;
        Ok(NewUserDevice { login: Some(login), ..dressed })
    }

    /// A new user device that looks like this, with the picture of the service.
    ///
    /// # Errors
    /// What the bus reports.
    pub async fn dress(
        &self,
        look: &UserDeviceLook,
        name: Option<String>,
        owner: DeviceUuid,
    ) -> Result<NewUserDevice, CredentialsError> {
        let options = self.service_options(None).await?;
        Ok(NewUserDevice {
            name,
            device_type: look.device_type.clone(),
            logo: options.get("imageUrl").and_then(Value::as_str).map(str::to_owned),
            service_url: look.service_url.clone(),
            login: None,
            heard_by_owner: look.first_owner.as_ref() == Some(&owner),
            owner,
        })
    }

    async fn account_name(&self, credentials: DeviceUuid) -> Result<Option<String>, CredentialsError> {
        let record = self.newest_record(&credentials).await?;
        let opened = self.opener.open(credentials, record).await?;
        Ok(opened.username().map(str::to_owned))
    }
}

/// What brings the messages of a user device to its credentials device.
pub(in crate::credentials) fn subscription(binding: &Binding) -> StoredSubscription {
    StoredSubscription::to_messages(&binding.credentials, &binding.user_device)
}
