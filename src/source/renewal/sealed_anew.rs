//! A record that is sealed anew around the same secret: what is known of that goes with it, and no renewal minds.

use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRenewal, Transaction};

/// Has what is known of the secret in the record of generation `before` speak of the one of generation `after`, which holds
/// the same. To be called in the transaction that stores that record.
///
/// # Errors
/// What the database reports.
pub fn carry_over(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    before: u64,
    after: u64,
) -> Result<(), StoreError> {
    let known = transaction.renewal(device)?.filter(|known| known.generation == before);
    let known = known.unwrap_or_else(|| StoredRenewal::of_unknown_life(before));
    transaction.store_renewal(device, &StoredRenewal { generation: after, ..known })
}
