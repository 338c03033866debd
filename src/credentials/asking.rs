//! Asking the API to end what is in one sealed copy.

use super::CredentialsDevices;
use super::hindrance::Hindrance;
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked};
use crate::source::renewal::{Ending, Held, LastRenewal, RenewalError};
use crate::store::{QueuedRevocation, StoredRecord};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, SecretText};

/// Why it may be that not all is over of what the API does not know.
pub(super) const ANSWER_LOST: &str = "nobody knows what came of the last renewal, and that may live on; look at the API, and end there what is left";

/// One copy, and whom to ask.
pub(super) struct Asking<'a> {
    pub(super) devices: &'a CredentialsDevices,
    pub(super) client: &'a OAuthClient,
    pub(super) revocation: &'a QueuedRevocation,
    pub(super) record: &'a StoredRecord,
    /// What is in it.
    pub(super) opened: &'a Credentials,
}

/// What the API answered.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) revoked: Revoked,
    /// Whether something may live on of which nobody knows.
    pub(super) may_live_on: bool,
}

impl Ended {
    /// What it answered of both: that some are over now is not hidden by others that were over before.
    fn and(self, other: Self) -> Self {
        let revoked = match (self.revoked, other.revoked) {
            (Revoked::Unknown, other) => other,
            (one, _) => one,
        };
        Self { revoked, may_live_on: self.may_live_on || other.may_live_on }
    }
}

impl Asking<'_> {
    /// Ends what was opened, and the tokens that were set aside until that; each is asked for, whatever comes of the others.
    ///
    /// # Errors
    /// [`Hindrance`], where not all ended now.
    pub(super) async fn end_all(&self) -> Result<Ended, Hindrance> {
        let mut all = self.end(self.opened.secret(), self.opened.refresh_token()).await;
        for aside in self.opened.set_aside() {
            // Of a refresh token it is not known when it ends.
            let refresh = Some(&aside.token).filter(|_| aside.ends_at.is_none());
            let ended = match self.client.settings().revokes_by_access_alone() {
                true => self.end(&aside.token, refresh).await,
                // What RFC 7009 asks a provider to look for itself (2.1).
                false => self.end(&aside.token, None).await,
            };
            all = all.and_then(|all| ended.map(|ended| all.and(ended)));
        }
        all
    }

    /// Ends one grant. Where the API does that by its access token alone and does not know that any more, it ends by what the
    /// refresh token brings, which is told of by itself.
    async fn end(&self, access: &SecretText, refresh: Option<&SecretText>) -> Result<Ended, Hindrance> {
        let revoked = self.client.revoke(access, refresh).await.map_err(|error| self.unanswered(&error))?;
        let by_access_alone = self.client.settings().revokes_by_access_alone();
        let may_live_on = match refresh {
            Some(refresh) if by_access_alone && revoked == Revoked::Unknown => self.renew(refresh).await?,
            _ => false,
        };
        Ok(Ended { revoked, may_live_on })
    }

    /// Answers whether something came of the refresh token, or may have, of which nobody knows.
    async fn renew(&self, refresh: &SecretText) -> Result<bool, Hindrance> {
        let Some(renewing) = &self.devices.renewing else { return Ok(false) };
        let held = Held { access: self.opened.secret().copy(), refresh: Some(refresh.copy()) };
        let ending = Ending {
            device: self.revocation.credentials.clone(),
            copy: self.revocation.seq,
            record: self.record.clone(),
            held,
        };
        match renewing.renewals.for_an_end(ending).await {
            Ok(last) => Ok(last == LastRenewal::Lost),
            Err(RenewalError::Unavailable(error) | RenewalError::Refused(error)) => {
                Err(self.unanswered(&error))
            }
            Err(RenewalError::OtherClient) => Err(Hindrance::OtherClient),
            Err(RenewalError::Busy) => Err(Hindrance::Renewal),
            Err(RenewalError::Resting) => Err(Hindrance::Failure),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "what is to end cannot be renewed for that now");
                Err(Hindrance::Untold)
            }
        }
    }

    fn unanswered(&self, error: &OAuthError) -> Hindrance {
        tracing::warn!(
            error = with_causes(error),
            credentials.uuid = %self.revocation.credentials,
            "the API was not told yet that a secret is over"
        );
        Hindrance::from(error)
    }
}
