//! The two things a renewal asks of a provider.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::source::oauth2::{OAuthClient, OAuthError, Probe, Tokens};
use crate::source::provider::Retry;
use crate::vault::SecretText;

type Asked<T> = BoxFuture<'static, Result<T, OAuthError>>;

/// What a renewal asks of a provider, and how often it may.
pub struct Upstream {
    /// Spends a refresh token.
    pub refresh: Box<dyn Fn(SecretText) -> Asked<Tokens> + Send + Sync>,
    /// Tries an access token.
    pub probe: Box<dyn Fn(SecretText) -> Asked<Probe> + Send + Sync>,
    /// Whether a refresh token may be sent again when nobody knows what came of it.
    pub retry: Retry,
    /// As which client the provider knows the gateway: it takes refresh tokens from no other than it gave them to.
    pub client: String,
}

impl From<OAuthClient> for Upstream {
    fn from(client: OAuthClient) -> Self {
        let (retry, name) = (client.settings().retry, client.settings().client_id.clone());
        let client = Arc::new(client);
        let other = Arc::clone(&client);
        Self {
            refresh: Box::new(move |token| {
                let client = Arc::clone(&client);
                Box::pin(async move { client.refresh(&token).await })
            }),
            probe: Box::new(move |token| {
                let client = Arc::clone(&other);
                Box::pin(async move { client.probe(&token).await })
            }),
            retry,
            client: name,
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("retry", &self.retry).finish_non_exhaustive()
    }
}
