//! Secrets that the API refused by the word of somebody else: a handler says so of a call that this gateway has not seen.

use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::Renewed;
use crate::store::{StoreError, StoredRefreshToken, View};
use crate::telemetry::with_causes;

/// Why nothing was renewed.
const BY_SOMEBODY_S_WORD: &str =
    "a handler says that the API does not take the secret, which nothing here can renew";

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
    /// to end what all of an account's devices use: the API is asked where it can be, and what it takes goes on.
    ///
    /// # Errors
    /// As [`CredentialsDevices::renew_refused`].
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
        if let Err(error) = self.look_whether_it_lives(credentials).await {
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %credentials,
                "the API could not be asked whether it takes a secret"
            );
        }
        Err(CredentialsError::SignInAgain { reason: BY_SOMEBODY_S_WORD.to_owned() })
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
