//! The first owner: a device of whoever runs the gateway, made on the first start, to send messages and own devices.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use zeroize::Zeroizing;

use super::key_file::write_secret;
use super::{Gateway, GatewayError};
use crate::bus::Login;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;
use crate::telemetry::with_causes;

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

pub(super) const FILE: &str = "owner.json";

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
                // What is wrong there may be the token itself, which nobody is to be told.
                let told = |error: serde_json::Error| {
                    let (line, column) = (error.line(), error.column());
                    std::io::Error::other(format!("no uuid and token up to line {line}, column {column}"))
                };
                serde_json::from_str(&text).map(Some).map_err(|error| failed(told(error)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// What signs them in.
    pub(super) fn login(&self) -> Login {
        Login { uuid: self.uuid.clone(), token: Zeroizing::new(self.token.clone()) }
    }

    fn write(&self, directory: &Path) -> Result<(), GatewayError> {
        let text = serde_json::to_string_pretty(self).expect("two strings are JSON");
        write_secret(&directory.join(FILE), &text)
    }
}

/// How the first owner of the file stands with the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerStanding {
    /// There is no file, or not any more.
    NoFile,
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// The bus takes their token.
    Known,
    /// The bus has this device, and does not take the token.
    WrongToken(DeviceUuid),
    /// The bus has no such device.
    Gone(DeviceUuid),
}

impl Gateway {
    /// How the first owner of the file stands with the bus now: somebody may have written it since the start, or taken it
    /// away. `None` on a bus elsewhere, which has none.
    ///
    /// # Errors
    /// [`GatewayError`] when the bus cannot be read.
    pub async fn owner_standing(&self) -> Result<Option<OwnerStanding>, GatewayError> {
        let Some(bus) = self.bus.embedded() else { return Ok(None) };
        let owner = match FirstOwner::read(&self.config.data_dir) {
            Ok(Some(owner)) => owner,
            Ok(None) => return Ok(Some(OwnerStanding::NoFile)),
            Err(error) => return Ok(Some(OwnerStanding::Unreadable(with_causes(&error).to_string()))),
        };
        let standing = bus.look(move |bus, view| {
            if view.device(&owner.uuid)?.is_none() {
                return Ok(OwnerStanding::Gone(owner.uuid));
            }
            match bus.authenticate(view, &owner.login()) {
                Ok(_) => Ok(OwnerStanding::Known),
                Err(BusError::Forbidden) => Ok(OwnerStanding::WrongToken(owner.uuid)),
                Err(error) => Err(error),
            }
        });
        Ok(Some(standing.await?))
    }

    /// Gives the first owner a further token, and keeps it in the file; those that they have elsewhere stay.
    ///
    /// # Errors
    /// [`GatewayError`] when the bus makes none, or the file cannot be written.
    pub async fn renew_owner(&self) -> Result<(), GatewayError> {
        let Some(bus) = self.bus.embedded() else { return Ok(()) };
        let Some(owner) = FirstOwner::read(&self.config.data_dir)? else { return Ok(()) };
        let uuid = owner.uuid.clone();
        let token = bus
            .change(move |bus, transaction| {
                bus.changing(transaction, &Caller::itself(uuid.clone())).make_token(&uuid, &Map::new())
            })
            .await?;
        FirstOwner { token: token.to_string(), ..owner }.write(&self.config.data_dir)
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
    owner.write(directory)?;
    Ok(owner)
}
