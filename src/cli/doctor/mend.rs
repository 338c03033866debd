//! Doing what makes something right.

use serde_json::Value;

use super::finding::Change;
use crate::bus::Bus;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::cli::operation::OperationError;
use crate::cli::perform::failed;

/// Changes the service device, in its own name.
///
/// # Errors
/// [`OperationError`] with what the bus says.
pub(in crate::cli) async fn mend(bus: &Bus, change: Change) -> Result<Value, OperationError> {
    match bus {
        Bus::Embedded(bus) => here(bus, change).await.map_err(failed)?,
        Bus::Meshblu(bus) => there(bus, &change).await.map_err(failed)?,
    }
    Ok(Value::Null)
}

async fn here(bus: &EmbeddedBus, change: Change) -> Result<(), BusError> {
    bus.change(move |bus, transaction| {
        let caller = Caller::itself(bus.service().clone());
        match change {
            Change::Update(update) => {
                bus.changing(transaction, &caller).update(bus.service(), &Update::parse(&update)?).map(drop)
            }
            Change::Updates(updates) => updates.iter().try_for_each(|update| {
                bus.changing(transaction, &caller).update(bus.service(), &Update::parse(update)?).map(drop)
            }),
            Change::Subscribe(subscription) => {
                bus.changing(transaction, &caller).subscribe(&subscription).map(drop)
            }
            Change::Operator(_) => Ok(()),
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
        Change::Operator(_) => Ok(()),
    }
}
