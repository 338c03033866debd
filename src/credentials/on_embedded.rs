//! What devices on the bus in this process are told within one transaction.

use serde_json::Value;

use super::CredentialsError;
use super::records::projection::copy_of;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{StoredRecord, Transaction};

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
