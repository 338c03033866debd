//! Renewals whose answer was lost: whoever signs in since may be given what was in it, and nobody here can tell.

use super::CredentialsDevices;
use crate::message::DeviceUuid;
use crate::source::renewal::{is_answer_lost, may_be_lost_answer};
use crate::store::{HolderOfLine, StoreError, StoredRefreshToken, View};
use crate::vault::{Credentials, SecretText};

/// Why a secret is not ended whose renewal may have brought what the account signed in for since.
pub(super) const MAY_BE_ITS_ANSWER: &str = "the answer to a renewal was lost, and what the account has signed in for since may be what that \
                                            brought: to end one may end the other, so whoever wants this one ended does so on the account's \
                                            page at the API";

impl CredentialsDevices {
    /// What is known of the refresh token that is to end, where it was sent and nobody knows what came of it.
    pub(super) async fn lost_renewal_of(
        &self,
        ending: &Credentials,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let Some(token) = ending.refresh_token().map(SecretText::fingerprint) else { return Ok(None) };
        let known = self.store.read::<_, StoreError, _>(move |view| view.refresh_token(&token)).await?;
        Ok(known.filter(is_answer_lost))
    }

    /// Those of these credentials of the same account that hold something of use which may have come in the lost answer, where
    /// one was.
    pub(super) async fn holders_of_its_lost_answer(
        &self,
        ending: &Credentials,
        kept: Vec<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let Some(lost) = self.lost_renewal_of(ending).await? else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let look = move |view: &View<'_>| {
            let mut holders = Vec::new();
            for credentials in kept {
                let Some(renewal) = view.renewal(&credentials)? else { continue };
                let held = renewal.refresh.as_ref();
                let is_perhaps = held.is_some_and(|held| may_be_lost_answer(held, &lost, now));
                let holder = HolderOfLine { credentials, renewal };
                if is_perhaps && holder.is_of_use(now) {
                    holders.push(holder.credentials);
                }
            }
            Ok(holders)
        };
        self.store.read(look).await
    }
}
