//! A token of the webhook's owner for the length of one attempt (`generateAndForwardMeshbluCredentials`).
//!
//! It carries the delivery's id, so that one left behind by a crash is revoked before the next attempt.

use serde_json::json;
use zeroize::Zeroizing;

use super::super::EmbeddedBus;
use super::super::target::Call;
use super::answer::Failed;
use crate::store::{NewDelivery, StoreError, TokenHash, Transaction};

const TAG: &str = "webhook-delivery";

/// A new token of the owner; refused when the owner is gone, or has this webhook no more.
pub(super) fn issue(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    delivery: &NewDelivery,
    call: &Call,
) -> Result<Result<Zeroizing<String>, Failed>, StoreError> {
    revoke(bus, transaction, delivery)?;
    match transaction.device(&delivery.device)? {
        None => return Ok(Err(Failed::for_good("device unregistered"))),
        Some(document) => {
            let now = call.webhook_now(&document, &delivery.event);
            if now.as_ref() != Some(&call.webhook) {
                return Ok(Err(Failed::removed()));
            }
        }
    }
    let token = Zeroizing::new(bus.random.token());
    let hash = TokenHash::of(&token, &delivery.device, &bus.pepper);
    transaction.lend_token(&delivery.device, &hash, &json!({TAG: delivery.id}))?;
    Ok(Ok(token))
}

/// Ends whatever token was issued for this delivery.
pub(super) fn revoke(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    delivery: &NewDelivery,
) -> Result<(), StoreError> {
    let mut ended = Vec::new();
    for token in transaction.tokens(&delivery.device, usize::MAX >> 1)? {
        if token.metadata.get(TAG) == Some(&json!(delivery.id)) {
            ended.extend(transaction.remove_stored_token(token.seq)?);
        }
    }
    bus.end_reading(transaction, &delivery.device, ended);
    Ok(())
}
