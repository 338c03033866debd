//! What a gateway on a Meshblu asks of it before it takes messages: who it is there, and whose signatures count.

use super::{GatewayError, home_bus};
use crate::ambient::{Clock, Timestamp};
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::config::Config;
use crate::http::WebhookVerifier;
use crate::signature::{Ed25519PublicKey, Policy, PublicAddress, RsaPublicKey, Verifier};
use crate::store::Store;
use crate::telemetry::with_causes;

/// Makes sure that the Meshblu knows the gateway; the data directory is that service's from then on.
///
/// # Errors
/// [`GatewayError::Meshblu`]; what the store reports.
pub(super) async fn introduce(bus: &Meshblu, store: &Store) -> Result<(), GatewayError> {
    let failed = |cause| GatewayError::Meshblu { url: bus.url().to_owned(), cause };
    let itself = bus.whoami(Identity::of(bus.service())).await.map_err(failed)?;
    match itself["uuid"].as_str() == Some(bus.service().uuid.as_str()) {
        true => Ok(home_bus::remember_service(store, &bus.service().uuid).await?),
        false => Err(failed(MeshbluError::Unreadable)),
    }
}

/// A verifier of the webhooks that the Meshblu sends. What the log is told names the one setting that changes it.
///
/// # Errors
/// [`GatewayError::NoPublicKey`] where the old form is accepted and cannot be verified; [`GatewayError::Meshblu`] where
/// the bus is gone.
pub(super) async fn webhook_verifier(
    bus: &Meshblu,
    settings: &Config,
    clock: &Clock,
) -> Result<WebhookVerifier, GatewayError> {
    let accepts_old = settings.bus.accept_legacy_signatures;
    let known_as = settings.listen.public_url.as_deref().and_then(public_address);
    let url = || bus.url().to_owned();
    let old = old_key(bus, accepts_old).await.map_err(|cause| match cause {
        MeshbluError::Call(_) => GatewayError::Meshblu { url: url(), cause },
        cause => GatewayError::NoPublicKey { url: url(), cause },
    })?;
    let ours = bus.webhook_keys().await;
    warn_of(accepts_old, &ours);
    let asked_at = if ours.is_ok() { clock.now() } else { Timestamp::from_millis(0) };
    let verifier = trusting(ours.unwrap_or_default(), old).known_as(known_as.clone());
    let bus = bus.clone();
    Ok(WebhookVerifier::new(verifier, asked_at, move || {
        let (bus, known_as) = (bus.clone(), known_as.clone());
        Box::pin(async move {
            let old = old_key(&bus, accepts_old).await?;
            Ok(trusting(bus.webhook_keys().await?, old).known_as(known_as))
        })
    }))
}

fn public_address(public_url: &str) -> Option<PublicAddress> {
    let url: http::Uri = public_url.parse().ok()?;
    let authority = url.authority()?.as_str().to_owned();
    Some(PublicAddress { authority, path: url.path().trim_end_matches('/').to_owned() })
}

fn warn_of(accepts_old: bool, ours: &Result<Vec<(String, Ed25519PublicKey)>, MeshbluError>) {
    match (accepts_old, ours) {
        (true, _) => tracing::warn!(
            "bus.accept_legacy_signatures is on: a signature of the old form covers date and device alone, so whoever \
             reads a webhook on its way can send any other message for five minutes"
        ),
        (false, Ok(keys)) if keys.is_empty() => tracing::warn!(
            "no webhook can be verified: this Meshblu signs in the old form alone, which \
             bus.accept_legacy_signatures = true accepts"
        ),
        (false, Ok(_)) => {}
        (false, Err(error)) => tracing::warn!(
            error = with_causes(error),
            "the bus does not show its keys now; it is asked again when it sends a webhook"
        ),
    }
}

fn trusting(ours: Vec<(String, Ed25519PublicKey)>, old: Option<RsaPublicKey>) -> Verifier {
    let known = |verifier: Verifier, (id, key)| verifier.trusting(id, key, Policy::bus());
    let verifier = ours.into_iter().fold(Verifier::new(), known);
    match old {
        Some(key) => verifier.trusting_old_bus(key, Policy::legacy_bus()),
        None => verifier,
    }
}

/// The key that signs in the old form, where that is accepted.
async fn old_key(bus: &Meshblu, accepted: bool) -> Result<Option<RsaPublicKey>, MeshbluError> {
    if !accepted {
        return Ok(None);
    }
    let shown = bus.public_key().await?.ok_or(MeshbluError::Unreadable)?;
    RsaPublicKey::from_pem(&shown).map(Some).map_err(|_| MeshbluError::Unreadable)
}
