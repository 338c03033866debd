//! A token of the webhook's owner for the length of one attempt (`generateAndForwardMeshbluCredentials`).
//!
//! The store knows for which delivery it is, so that one left behind by a crash ends at the next start.

use serde_json::json;
use zeroize::Zeroizing;

use super::super::EmbeddedBus;
use super::super::target::Call;
use super::answer::{Failed, Obstacle};
use crate::store::{NewDelivery, StoreError, TokenHash, Transaction};

const TAG: &str = "webhook-delivery";

/// A new token of the owner; refused when the owner is gone, or does not have this webhook.
pub(super) fn issue(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    delivery: &NewDelivery,
    call: &Call,
) -> Result<Result<Zeroizing<String>, Obstacle>, StoreError> {
    end(bus, transaction, delivery)?;
    let Some(document) = transaction.device(&delivery.device)? else {
        return Ok(Err(Failed::for_good("device unregistered").into()));
    };
    if let Some(obstacle) = Obstacle::of(call, &document, &delivery.event) {
        return Ok(Err(obstacle));
    }
    let token = Zeroizing::new(bus.random.token());
    let hash = TokenHash::of(&token, &delivery.device, &bus.pepper);
    transaction.lend_token(delivery, &hash, &json!({TAG: delivery.id}))?;
    Ok(Ok(token))
}

/// Ends whatever token was lent for this delivery.
pub(super) fn end(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    delivery: &NewDelivery,
) -> Result<(), StoreError> {
    let ended = transaction.end_lent(&delivery.id)?;
    bus.end_reading(transaction, &delivery.device, ended);
    Ok(())
}

/// Ends all that was lent.
pub(super) fn end_all(bus: &EmbeddedBus, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    for (device, token) in transaction.end_all_lent()? {
        bus.end_reading(transaction, &device, vec![token]);
    }
    Ok(())
}
