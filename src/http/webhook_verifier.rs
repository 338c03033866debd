//! Verifying webhooks by the keys that their bus shows; where a key is not known or not the one that signed, it is looked
//! for there once more.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::ambient::Timestamp;
use crate::bus::meshblu::MeshbluError;
use crate::signature::{Refusal, Request, Verified, Verifier};
use crate::telemetry::with_causes;

/// How long the bus is left alone after it was asked: whoever makes up names and signatures costs it nothing more.
const PAUSE: Duration = Duration::from_secs(30);

type Read = dyn Fn() -> BoxFuture<'static, Result<Verifier, MeshbluError>> + Send + Sync;

/// Verifies the webhooks of one bus.
pub struct WebhookVerifier(Arc<Parts>);

struct Parts {
    verifier: RwLock<Arc<Verifier>>,
    read: Box<Read>,
    /// When the bus was last asked; whoever holds it asks.
    asked_at: tokio::sync::Mutex<Timestamp>,
}

impl WebhookVerifier {
    /// Verifies by `verifier`, for which the bus was asked at `asked_at`, until a request is signed with a key that it does
    /// not know, under whatever name; then by what `read` makes.
    pub fn new(
        verifier: Verifier,
        asked_at: Timestamp,
        read: impl Fn() -> BoxFuture<'static, Result<Verifier, MeshbluError>> + Send + Sync + 'static,
    ) -> Self {
        let (verifier, read) = (RwLock::new(Arc::new(verifier)), Box::new(read));
        Self(Arc::new(Parts { verifier, read, asked_at: asked_at.into() }))
    }

    /// As [`Verifier::verify`].
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn verify<'a>(
        &self,
        request: &Request<'a>,
        now: Timestamp,
    ) -> Result<Verified<'a>, Refusal> {
        let known = self.0.verifier();
        match known.verify(request, now) {
            // A bus that was set up anew may sign under an old name, and the old form has no names at all; one that showed no
            // keys so far may sign in both forms.
            Err(refusal @ (Refusal::UnknownKey | Refusal::WrongSignature | Refusal::LegacyRefused)) => {
                let newer = self.newer_than(known, now).await;
                newer.map_or(Err(refusal), |newer| newer.verify(request, now))
            }
            verdict => verdict,
        }
    }

    /// As [`Parts::newer_than`]. The bus is asked for everybody, so that goes on where whoever caused it hangs up.
    async fn newer_than(&self, known: Arc<Verifier>, now: Timestamp) -> Option<Arc<Verifier>> {
        let parts = Arc::clone(&self.0);
        let asking = tokio::spawn(async move { parts.newer_than(&known, now).await });
        asking.await.unwrap_or_default()
    }
}

impl Parts {
    /// What the bus shows now, unless that is known or it was asked not long ago; those who come meanwhile wait for its
    /// one answer.
    async fn newer_than(&self, known: &Arc<Verifier>, now: Timestamp) -> Option<Arc<Verifier>> {
        let mut asked_at = self.asked_at.lock().await;
        let current = self.verifier();
        if !Arc::ptr_eq(&current, known) {
            return Some(current);
        }
        if *asked_at <= now && now.since(*asked_at) < PAUSE {
            return None;
        }
        *asked_at = now;
        match (self.read)().await {
            Ok(verifier) => {
                let newer = Arc::new(verifier);
                *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&newer);
                Some(newer)
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "the bus does not show its keys");
                None
            }
        }
    }

    fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.verifier.read().unwrap_or_else(PoisonError::into_inner))
    }
}
