//! What a gateway on a Meshblu asks of it before it takes messages: who it is there, and whose signatures count.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::GatewayError;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::config::{self, Intake};
use crate::signature::{Ed25519PublicKey, Policy, RsaPublicKey, Verifier};

/// Makes sure that the Meshblu knows the gateway, and answers a judge of the webhooks that it sends. What the log is
/// told names the one setting that changes it.
///
/// # Errors
/// [`GatewayError::Meshblu`].
pub(super) async fn introduce(bus: &Meshblu, settings: &config::Bus) -> Result<Verifier, GatewayError> {
    let failed = |cause| GatewayError::Meshblu { url: bus.url().to_owned(), cause };
    bus.whoami(Identity::of(bus.service())).await.map_err(failed)?;
    if settings.intake == Intake::Firehose {
        return Ok(Verifier::new());
    }
    let ours = webhook_keys(bus.key_set().await.map_err(failed)?);
    let old = match settings.accept_legacy_signatures {
        true => Some(old_key(bus).await.map_err(failed)?),
        false => None,
    };
    match (&old, ours.is_empty()) {
        (Some(_), _) => tracing::warn!(
            "bus.accept_legacy_signatures is on: a signature of the old form covers date and device alone, so whoever \
             reads a webhook on its way can send any other message for five minutes"
        ),
        (None, true) => tracing::warn!(
            "no webhook can be verified: this Meshblu signs in the old form alone, which \
             bus.accept_legacy_signatures = true accepts"
        ),
        (None, false) => {}
    }
    let verifier = ours
        .into_iter()
        .fold(Verifier::new(), |verifier, (id, key)| verifier.trusting(id, key, Policy::bus()));
    Ok(match old {
        Some(key) => verifier.trusting_old_bus(key, Policy::legacy_bus()),
        None => verifier,
    })
}

async fn old_key(bus: &Meshblu) -> Result<RsaPublicKey, MeshbluError> {
    let text = bus.public_key().await?.ok_or(MeshbluError::Unreadable)?;
    RsaPublicKey::from_pem(&text).map_err(|_| MeshbluError::Unreadable)
}

/// The Ed25519 keys of a key set, by their names (RFC 7517, RFC 8037).
pub fn webhook_keys(set: Option<Value>) -> Vec<(String, Ed25519PublicKey)> {
    let key = |key: &Value| {
        let is_ed25519 = key["kty"] == "OKP" && key["crv"] == "Ed25519";
        let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str().filter(|_| is_ed25519)?).ok()?;
        let public = Ed25519PublicKey::from_bytes(bytes.as_slice().try_into().ok()?).ok()?;
        Some((key["kid"].as_str()?.to_owned(), public))
    };
    let keys = set.as_ref().and_then(|set| set["keys"].as_array());
    keys.into_iter().flatten().filter_map(key).collect()
}
