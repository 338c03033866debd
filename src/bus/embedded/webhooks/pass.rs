//! A token of the webhook's owner for the length of one attempt (`generateAndForwardMeshbluCredentials`).
//!
//! It carries the delivery's id, so that one left behind by a crash is revoked before the next attempt.

use serde_json::json;
use zeroize::Zeroizing;

use super::super::EmbeddedBus;
use crate::store::{NewDelivery, StoreError, TokenHash, Transaction};

const TAG: &str = "webhook-delivery";

/// A new token of the owner; none when the owner is gone.
pub(super) fn issue(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    delivery: &NewDelivery,
) -> Result<Option<Zeroizing<String>>, StoreError> {
    revoke(transaction, delivery)?;
    if transaction.device(&delivery.device)?.is_none() {
        return Ok(None);
    }
    let token = Zeroizing::new(bus.random.token());
    let hash = TokenHash::of(&token, &delivery.device, &bus.pepper);
    transaction.add_token(&delivery.device, &hash, &json!({TAG: delivery.id}))?;
    Ok(Some(token))
}

/// Ends whatever token was issued for this delivery.
pub(super) fn revoke(transaction: &Transaction<'_>, delivery: &NewDelivery) -> Result<(), StoreError> {
    let tokens = transaction.tokens(&delivery.device, usize::MAX >> 1)?;
    let ours = tokens.iter().filter(|token| token.metadata.get(TAG) == Some(&json!(delivery.id)));
    ours.map(|token| token.seq).try_for_each(|seq| transaction.remove_stored_token(seq))
}
