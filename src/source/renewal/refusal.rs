//! A secret that the API refuses and that nobody renews here: an API key, or one whose gateway has no way to renew it.

use super::judgement::refuse;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRenewal, Transaction};

/// What the API refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The generation of the record whose secret was tried.
    pub tried: u64,
    /// That of the newest record.
    pub newest: u64,
    /// When.
    pub at: Timestamp,
}

/// Notes that the API refused the secret; answers whether it is the one in the newest record.
///
/// # Errors
/// What the database reports.
pub fn note_refusal(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    Refused { tried, newest, at }: Refused,
) -> Result<bool, StoreError> {
    let known = transaction.renewal(device)?.filter(|known| known.generation == newest);
    let mut known = known.unwrap_or_else(|| StoredRenewal::of_unknown_life(newest));
    if known.secret_since > tried {
        return Ok(false);
    }
    refuse(&mut known, at);
    transaction.store_renewal(device, &known)?;
    Ok(true)
}
