//! What a new bus begins with: the pepper of its token hashes, and the gateway's own device.

use serde_json::json;
use zeroize::Zeroizing;

use super::registration;
use crate::ambient::{Random, Timestamp};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredSubscription, Transaction};

/// The pepper of token hashes; made where there is none.
pub(super) fn pepper(
    transaction: &Transaction<'_>,
    random: &Random,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    const NAME: &str = "bus.pepper";
    if let Some(known) = transaction.fact(NAME)? {
        return Ok(Zeroizing::new(known));
    }
    let fresh = Zeroizing::new(random.bytes::<32>().to_vec());
    transaction.remember_fact(NAME, &fresh)?;
    Ok(fresh)
}

/// The gateway's own device, which everybody may see and which receives its own messages; made where there is none.
/// It has no token: the gateway acts as it in this process alone.
pub(super) fn service(
    transaction: &Transaction<'_>,
    random: &Random,
    now: Timestamp,
) -> Result<DeviceUuid, StoreError> {
    const NAME: &str = "bus.service";
    if let Some(known) = transaction.fact(NAME)? {
        return Ok(DeviceUuid::from(String::from_utf8_lossy(&known).as_ref()));
    }
    let uuid = DeviceUuid::from(random.uuid());
    let document = json!({
        "type": "endo:service",
        "name": "endo",
        "meshblu": {"version": "2.0.0", "whitelists": {"discover": {"view": [{"uuid": "*"}]}}},
    });
    transaction.add_device(&uuid, &registration::register(document, &uuid, now))?;
    transaction.subscribe(&StoredSubscription::to_messages(&uuid, &uuid))?;
    transaction.remember_fact(NAME, uuid.as_str().as_bytes())?;
    Ok(uuid)
}
