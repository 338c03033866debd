//! Asking the API to end what is in one sealed copy.

use super::CredentialsDevices;
use super::client::ByAnotherClient;
use super::hindrance::Hindrance;
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked};
use crate::source::renewal::{Ending, Held, LastRenewal, RenewalError};
use crate::store::{QueuedRevocation, StoredRecord};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, SecretText, SetAside};

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
    /// What of it is not to be asked for.
    pub(super) by_another: ByAnotherClient,
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
    /// Ends what was opened, and the tokens that were set aside until that; each is asked for, whatever comes of the others, but for
    /// what came by another client.
    ///
    /// # Errors
    /// [`Hindrance`], where not all ended now.
    pub(super) async fn end_all(&self) -> Result<Ended, Hindrance> {
        let mut all = self.end_pair().await;
        for aside in self.opened.set_aside() {
            let ended = match &aside.client {
                Some(client) if *client != self.client.settings().client_id => Err(Hindrance::OtherClient),
                // Of a refresh token it is not known when it ends.
                _ => self.end_alone(&aside.token, aside.ends_at.is_none()).await,
            };
            all = all.and_then(|all| ended.map(|ended| all.and(ended)));
        }
        all
    }

    async fn end_pair(&self) -> Result<Ended, Hindrance> {
        let (access, refresh) = (self.opened.secret(), self.opened.refresh_token());
        match (self.by_another.secret, self.by_another.refresh_token, refresh) {
            (false, false, _) => return self.end(access, refresh).await,
            (false, true, _) => {
                self.end(access, None).await?;
            }
            (true, false, Some(refresh)) => {
                self.end_alone(refresh, true).await?;
            }
            (true, ..) => {}
        }
        Err(Hindrance::OtherClient)
    }

    /// Ends a token of which the other half is not here, or not to be asked for.
    async fn end_alone(&self, token: &SecretText, renews: bool) -> Result<Ended, Hindrance> {
        // Else that is what RFC 7009 asks a provider to look for itself (2.1).
        let refresh = Some(token).filter(|_| renews && self.client.settings().revokes_by_access_alone());
        self.end(token, refresh).await
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
        let is_it = |aside: &&SetAside| aside.token.is(refresh.expose());
        let client = match self.opened.set_aside().iter().find(is_it) {
            Some(aside) => aside.client.clone(),
            None => self.opened.clients().refresh_token.clone(),
        };
        let held = Held { access: self.opened.secret().copy(), refresh: Some(refresh.copy()), client };
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
