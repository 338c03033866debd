//! Secrets that the API refused by the word of somebody else: a handler says so of a call that this gateway has not seen.

use super::asked_lately::Tried;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::Probe;
use crate::source::renewal::{NOBODY_RENEWS, Rejection, Renewed};
use crate::store::{StoreError, View};
use crate::telemetry::with_causes;

/// Why there is no secret any more.
const SO_SAYS_THE_API: &str =
    "a handler says that the API does not take the access token, and so does the API";

impl CredentialsDevices {
    /// As [`CredentialsDevices::renew_refused`] where the secret can be renewed. Where nothing can renew it, a word is not enough
    /// to end what all of an account's devices use: the API is asked where it can be, once in a while, and what it takes goes on.
    ///
    /// # Errors
    /// [`CredentialsError::SaidRefused`] where the secret goes on; else as [`CredentialsDevices::renew_refused`].
    pub async fn renew_said_refused(
        &self,
        credentials: &DeviceUuid,
        generation: u64,
    ) -> Result<Renewed, CredentialsError> {
        let generation = self.tried(credentials, generation).await?;
        let tried = Tried { credentials: credentials.clone(), generation };
        match self.renew_by_word(&tried).await {
            Err(CredentialsError::SignInAgain { .. }) => {}
            outcome => return outcome,
        }
        let said = match self.asked_lately.recall(&tried, self.clock.now()) {
            Some(said) => said,
            None => self.ask_about(&tried).await,
        };
        let api_says = match said {
            Probe::Good => "the API takes it",
            Probe::Unknown => "what the API says is not known",
            Probe::Rejected => {
                return Err(CredentialsError::SignInAgain { reason: SO_SAYS_THE_API });
            }
        };
        Err(CredentialsError::SaidRefused { api_says })
    }

    /// What the API says of a secret, which others find for a while.
    async fn ask_about(&self, tried: &Tried) -> Probe {
        let said = self.looks().probe(&tried.credentials).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %tried.credentials.logged(),
                "the API could not be asked whether it takes a secret"
            );
            Probe::Unknown
        });
        self.asked_lately.note(tried, self.clock.now(), said);
        said
    }

    /// Renews it, where anything does, or finds what took its place.
    async fn renew_by_word(&self, tried: &Tried) -> Result<Renewed, CredentialsError> {
        let Tried { credentials, generation } = tried;
        match &self.renewing {
            Some(renewing) => {
                let rejection = Rejection::by_a_handler(*generation);
                Ok(renewing.renewals.after_rejection(credentials, rejection).await?)
            }
            None if self.has_newer(tried).await? => Ok(Renewed::Newer),
            None => Err(CredentialsError::SignInAgain { reason: NOBODY_RENEWS }),
        }
    }

    /// Whether another took its place since.
    async fn has_newer(&self, Tried { credentials, generation: tried }: &Tried) -> Result<bool, StoreError> {
        let (device, tried) = (credentials.clone(), *tried);
        let look = move |view: &View<'_>| {
            let newest = view.record(&device)?.map_or(tried, |record| record.generation);
            let known = view.renewal(&device)?.filter(|known| known.generation == newest);
            Ok(known.map_or(newest, |known| known.secret_since) > tried)
        };
        self.store.read(look).await
    }
}
