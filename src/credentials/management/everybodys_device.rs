//! Devices that everybody on the bus has in their hands: whoever likes would be the owner that such a device becomes.

use crate::bus::embedded::whitelist::{closing, open_lists};
use crate::bus::meshblu::Identity;
use crate::bus::{Bus, Login};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};

/// How everybody has a device in their hands, and what ends that.
#[derive(Clone, Debug)]
pub struct EverybodysDevice {
    /// The lists that everybody is on.
    pub lists: Vec<String>,
    /// The update of the device that takes them off.
    pub closing: String,
}

impl CredentialsDevices {
    /// How everybody has the device of this login in their hands, if they have.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn everybodys_device(
        &self,
        login: &Login,
    ) -> Result<Option<EverybodysDevice>, CredentialsError> {
        let document = match &self.bus {
            Bus::Embedded(_) => return Ok(self.everybodys_device_here(&login.uuid).await?),
            Bus::Meshblu(bus) => bus.whoami(Identity::of(login)).await?,
        };
        Ok(EverybodysDevice::of(&document))
    }

    /// The same of a device of the embedded bus; of a bus elsewhere it is not known.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn everybodys_device_here(
        &self,
        device: &DeviceUuid,
    ) -> Result<Option<EverybodysDevice>, StoreError> {
        let Bus::Embedded(_) = &self.bus else { return Ok(None) };
        let device = device.clone();
        let look = move |view: &View<'_>| view.device(&device);
        let document = self.store.read::<_, StoreError, _>(look).await?;
        Ok(document.as_deref().and_then(EverybodysDevice::of))
    }
}

impl EverybodysDevice {
    fn of(document: &serde_json::Value) -> Option<Self> {
        let closing = closing(document)?.to_string();
        Some(Self { lists: open_lists(document), closing })
    }
}
