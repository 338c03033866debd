//! Secrets that the API refused by the word of somebody else: a handler says so of a call that this gateway has not seen.

use super::asked_lately::Tried;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::Probe;
use crate::source::renewal::Renewed;
use crate::store::{StoreError, StoredRefreshToken, View};
use crate::telemetry::with_causes;

/// Why there is no secret any more.
const SO_SAYS_THE_API: &str =
    "a handler says that the API does not take the access token, and so does the API";

/// What helps where a secret is refused.
enum Remedy {
    /// Another took its place meanwhile.
    Newer,
    /// This gateway renews it; or there is none, which whoever does says.
    Renewal,
    None,
}

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
        match self.remedy(credentials, generation).await? {
            Remedy::Newer => return Ok(Renewed::Newer),
            Remedy::Renewal => return self.renew_by_word(credentials, generation).await,
            Remedy::None => {}
        }
        let tried = Tried { credentials: credentials.clone(), generation };
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
        let said = self.look_whether_it_lives(&tried.credentials).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %tried.credentials,
                "the API could not be asked whether it takes a secret"
            );
            Probe::Unknown
        });
        self.asked_lately.note(tried, self.clock.now(), said);
        said
    }

    /// What there is for a secret that was tried.
    async fn remedy(&self, credentials: &DeviceUuid, tried: u64) -> Result<Remedy, CredentialsError> {
        let record = match self.newest_record(credentials).await {
            Err(CredentialsError::NoRecord) => return Ok(Remedy::Renewal),
            record => record?,
        };
        let (device, generation) = (credentials.clone(), record.generation);
        let opened = self.open_record(device.clone(), record).await?;
        let look = move |view: &View<'_>| view.renewal(&device);
        let known = self.store.read::<_, StoreError, _>(look).await?;
        let known = known.filter(|known| known.generation == generation);
        let secret_since = known.as_ref().map_or(generation, |known| known.secret_since);
        let refresh = known.and_then(|known| known.refresh);
        let renews = || refresh.as_ref().is_none_or(StoredRefreshToken::renews);
        Ok(if secret_since > tried {
            Remedy::Newer
        } else if self.renewing.is_some() && opened.refresh_token().is_some() && renews() {
            Remedy::Renewal
        } else {
            Remedy::None
        })
    }
}
