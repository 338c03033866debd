//! Whether what credentials hold is of use to anybody: nothing is spared for the sake of what is dead, and what lives does not end.

use std::sync::Arc;
use std::time::Duration;

use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::Probe;
use crate::source::renewal::RenewalError;
use crate::store::{AccessToken, HolderOfLine, StoreError, StoredRefreshToken, StoredRenewal, View};

/// How wrong a clock is taken to be where nobody else tells: more than a zone and its summer time are often mistaken by.
const WRONG_BY: Duration = Duration::from_secs(3 * 60 * 60);

impl CredentialsDevices {
    /// Those of these credentials of which anything is of use. Of what nothing is known everything may be.
    pub(super) async fn of_use(
        &self,
        credentials: Vec<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let look = move |view: &View<'_>| {
            let mut known = Vec::new();
            for device in credentials {
                let newest = view.record(&device)?.map(|record| record.generation);
                let renewal = view.renewal(&device)?.filter(|known| Some(known.generation) == newest);
                known.push((device, renewal));
            }
            Ok::<_, StoreError>(known)
        };
        let mut of_use = Vec::new();
        for (credentials, renewal) in self.store.read(look).await? {
            let holder = renewal.map(|renewal| HolderOfLine { credentials: credentials.clone(), renewal });
            let is_of_use = match holder {
                Some(holder) => self.is_of_use(&holder).await?,
                None => true,
            };
            if is_of_use {
                of_use.push(credentials);
            }
        }
        Ok(of_use)
    }

    /// Whether they hold a refresh token that may renew them, or an access token that the API takes.
    pub(super) async fn is_of_use(&self, holder: &HolderOfLine) -> Result<bool, CredentialsError> {
        let renews = holder.renewal.refresh.as_ref().is_some_and(StoredRefreshToken::renews);
        Ok(renews || self.is_access_good(holder).await?)
    }

    /// Whether their access token is good. Where it ran out by the clock alone, which may be wrong, the API says; what it does not
    /// say is believed of the clock after a while.
    pub(super) async fn is_access_good(&self, holder: &HolderOfLine) -> Result<bool, CredentialsError> {
        let HolderOfLine { credentials, renewal } = holder;
        match renewal.access(self.clock.now()) {
            AccessToken::Good => Ok(true),
            AccessToken::Refused => Ok(false),
            AccessToken::RanOut => match self.probe(credentials, renewal).await {
                Ok(Probe::Good) => Ok(true),
                Ok(Probe::Rejected) => Ok(false),
                Ok(Probe::Unknown) | Err(CredentialsError::NotRenewed(_)) => {
                    Ok(self.may_be_wrong_of(renewal))
                }
                // Nobody uses what no key here opens.
                Err(CredentialsError::Record(_)) => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    /// Whether the clock may be wrong about the end of the access token.
    fn may_be_wrong_of(&self, renewal: &StoredRenewal) -> bool {
        let now = self.clock.now();
        renewal.expires_at.is_none_or(|end| now.since(end) < WRONG_BY)
    }

    async fn probe(&self, device: &DeviceUuid, renewal: &StoredRenewal) -> Result<Probe, CredentialsError> {
        let Some(client) = &self.upstream else { return Ok(Probe::Unknown) };
        let record = match self.newest_record(device).await {
            Err(CredentialsError::NoRecord) => return Ok(Probe::Rejected),
            record => record?,
        };
        if record.generation != renewal.generation {
            // A sign-in brought another meanwhile.
            return Ok(Probe::Unknown);
        }
        let opened = self.open_record(device.clone(), record).await?;
        client.probe(opened.secret()).await.map_err(|error| RenewalError::Unavailable(Arc::new(error)).into())
    }
}
