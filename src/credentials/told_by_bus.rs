//! What a bus elsewhere tells of credentials to whoever runs the gateway, those included that another gateway made.

use http::StatusCode;

use super::devices::user_devices::{describe_on, tell_nothing};
use super::{CredentialsDevices, CredentialsError, UserDeviceEntry};
use crate::bus::Bus;
use crate::message::DeviceUuid;

/// What a bus elsewhere tells of the devices that use some credentials, or did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldByBus {
    /// Each of them; of one that the bus does not tell of, or not any more, the uuid is all.
    pub entries: Vec<UserDeviceEntry>,
    /// Whether there may be more, which the bus did not name.
    pub lacks_some: bool,
}

impl CredentialsDevices {
    /// What a bus elsewhere tells of the devices that may use these credentials, and of those that are known to have been
    /// able to.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn told_elsewhere(
        &self,
        credentials: DeviceUuid,
        known: Vec<DeviceUuid>,
    ) -> Result<ToldByBus, CredentialsError> {
        let Bus::Meshblu(bus) = &self.bus else { return Ok(ToldByBus::default()) };
        let mut entries: Vec<_> = known.into_iter().map(UserDeviceEntry::unknown).collect();
        let owned = match self.held(credentials).await {
            Ok(owned) => owned,
            Err(CredentialsError::Meshblu(error)) => {
                tell_nothing(&error, &mut entries);
                // What the service may not see is no credentials device of its.
                return Ok(ToldByBus { entries, lacks_some: !error.is_forbidden() });
            }
            Err(error) => return Err(error),
        };
        let (listed, unlisted) = match owned.record() {
            Some(_) => self.listed_user_devices(&owned).await?,
            None => Default::default(),
        };
        for device in listed {
            if !entries.iter().any(|entry| entry.uuid == device) {
                entries.push(UserDeviceEntry::unknown(device));
            }
        }
        if !entries.is_empty() {
            describe_on(bus, &owned, &mut entries).await;
        }
        Ok(ToldByBus { entries, lacks_some: unlisted.is_some_and(|error| !is_gone(&error)) })
    }
}

/// Whether the credentials device itself is gone from the bus, so that nobody uses it.
fn is_gone(error: &CredentialsError) -> bool {
    matches!(error, CredentialsError::Meshblu(error) if error.is(StatusCode::NOT_FOUND))
}
