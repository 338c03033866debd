//! The first owner: a device of whoever runs the gateway, made on the first start, to send messages and own devices.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::GatewayError;
use super::key_file::write_secret;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

/// Who the first owner is on the bus. Prints without the token.
#[derive(Clone, Serialize, Deserialize)]
pub struct FirstOwner {
    /// The device.
    pub uuid: DeviceUuid,
    /// Its token.
    pub token: String,
}

impl std::fmt::Debug for FirstOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstOwner").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

const FILE: &str = "owner.json";

impl FirstOwner {
    /// The first owner of a data directory, from its file; `None` before the first start.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(directory: &Path) -> Result<Option<Self>, GatewayError> {
        let path = directory.join(FILE);
        let failed = |cause| GatewayError::File { path: path.clone(), cause };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let owner =
                    serde_json::from_str(&text).map_err(|error| failed(std::io::Error::other(error)))?;
                Ok(Some(owner))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The directory's first owner; registers one where there is none yet.
pub(super) async fn first_owner(directory: &Path, bus: &EmbeddedBus) -> Result<FirstOwner, GatewayError> {
    if let Some(owner) = FirstOwner::read(directory)? {
        return Ok(owner);
    }
    let registered = bus
        .change(|bus, transaction| {
            let document = json!({
                "type": "endo:owner", "name": "first owner", "meshblu": {"version": "2.0.0", "whitelists": {}}
            });
            let device = bus.register(transaction, document)?;
            let itself = StoredSubscription::to_messages(&device.uuid, &device.uuid);
            bus.changing(transaction, &Caller::itself(device.uuid.clone())).subscribe(&itself)?;
            Ok::<_, BusError>(device)
        })
        .await?;
    let owner = FirstOwner { uuid: registered.uuid, token: registered.token.to_string() };
    let text = serde_json::to_string_pretty(&owner).expect("two strings are JSON");
    write_secret(&directory.join(FILE), &text)?;
    Ok(owner)
}
