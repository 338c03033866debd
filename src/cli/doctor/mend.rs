//! Doing what makes something right.

use serde_json::Value;

use super::files::close;
use super::finding::Change;
use crate::bus::Bus;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::cli::operation::OperationError;
use crate::cli::perform::failed;
use crate::gateway::Gateway;

/// Makes the change.
///
/// # Errors
/// [`OperationError`] with what the bus says.
pub(in crate::cli) async fn mend(gateway: &Gateway, change: Change) -> Result<Value, OperationError> {
    match change {
        Change::Close(these) => close(&these, &gateway.config),
        Change::OwnerToken => gateway.renew_owner().await.map(|()| Value::Null).map_err(failed),
        change => on_the_bus(&gateway.bus, change).await,
    }
}

/// Changes the service device, and devices of the embedded bus, each in its own name; that is all that a bus alone can do.
///
/// # Errors
/// [`OperationError`] with what the bus says.
pub(super) async fn on_the_bus(bus: &Bus, change: Change) -> Result<Value, OperationError> {
    match bus {
        Bus::Embedded(bus) => here(bus, change).await.map_err(failed)?,
        Bus::Meshblu(bus) => there(bus, &change).await.map_err(|error| match error {
            MeshbluError::Refused { message, .. } => OperationError::Failed(message),
            error => failed(error),
        })?,
    }
    Ok(Value::Null)
}

async fn here(bus: &EmbeddedBus, change: Change) -> Result<(), BusError> {
    bus.change(move |bus, transaction| {
        let service = bus.service();
        match change {
            Change::Update(update) => bus.update_itself(transaction, service, &update),
            Change::Updates(updates) => {
                updates.iter().try_for_each(|update| bus.update_itself(transaction, service, update))
            }
            Change::Subscribe(subscription) => {
                bus.changing(transaction, &Caller::itself(service.clone())).subscribe(&subscription).map(drop)
            }
            Change::CloseDevices(devices) => {
                devices.iter().try_for_each(|device| bus.close(transaction, device).map(drop))
            }
            Change::OwnerToken | Change::Close(_) | Change::Operator(_) => Ok(()),
        }
    })
    .await
}

async fn there(bus: &Meshblu, change: &Change) -> Result<(), MeshbluError> {
    let caller = Identity::of(bus.service());
    match change {
        Change::Update(update) => bus.update(caller, &bus.service().uuid, update).await,
        Change::Updates(updates) => {
            for update in updates {
                bus.update(caller, &bus.service().uuid, update).await?;
            }
            Ok(())
        }
        Change::Subscribe(subscription) => bus.subscribe(caller, subscription).await,
        Change::CloseDevices(_) | Change::OwnerToken | Change::Close(_) | Change::Operator(_) => Ok(()),
    }
}
