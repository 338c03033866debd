//! A secret that the API refuses and that nobody renews here: an API key, or one whose gateway has no way to renew it.

use super::judgement::refuse;
use super::schedule::begin_life;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRenewal, Transaction};

/// Why it is over.
pub const NOBODY_RENEWS: &str = "the API refused the secret, and this gateway cannot renew it";

/// Why a secret is over where nobody renews it here, once the API refused it.
pub fn is_over_unrenewed(known: &StoredRenewal) -> Option<&'static str> {
    known.refused_at.map(|_| NOBODY_RENEWS)
}

/// Notes that the API refused the secret in the newest record, which is of this generation, where the one of generation `tried`
/// was tried; answers whether it did: else that is a newer one.
///
/// # Errors
/// What the database reports.
pub fn note_refusal(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    [newest, tried]: [u64; 2],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = transaction.renewal(device)?.filter(|known| known.generation == newest);
    let mut known = known.unwrap_or_else(|| begin_life(newest, now, None, 0.0));
    let is_newer = known.secret_since > tried;
    if !is_newer {
        refuse(&mut known, now);
        transaction.store_renewal(device, &known)?;
    }
    Ok(!is_newer)
}
