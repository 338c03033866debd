//! Renewals whose answer was lost: whoever signs in since may be given what was in it, and nobody here can tell.

use super::CredentialsDevices;
use super::in_use::tokens_of;
use crate::message::DeviceUuid;
use crate::source::renewal::{is_answer_lost, may_be_lost_answer};
use crate::store::{HolderOfLine, RenewalStage, StoreError, StoredRefreshToken, View};
use crate::vault::Credentials;

/// Why a secret is not ended whose renewal may have brought what the account signed in for since.
pub(super) const MAY_BE_ITS_ANSWER: &str = "the answer to a renewal was lost, and what the account has signed in for since may be what that \
                                            brought: to end one may end the other, so whoever wants this one ended does so on the account's \
                                            page at the API";

impl CredentialsDevices {
    /// What is known of the refresh tokens of which nobody knows what came of sending them, among those that are to end and all
    /// of their lines.
    pub(super) async fn lost_renewals_of(
        &self,
        ending: &Credentials,
    ) -> Result<Vec<StoredRefreshToken>, StoreError> {
        let (line, now) = (self.lines_of(tokens_of(ending)).await?, self.clock.now());
        let look = move |view: &View<'_>| {
            let mut known = Vec::new();
            for token in &line {
                known.extend(view.refresh_token(token)?);
            }
            let is_spent = |known: &&StoredRefreshToken| known.stage == RenewalStage::Spent;
            let last_spent = known.iter().filter(is_spent).map(|known| known.noted).max();
            // What was renewed again since tells that nobody went on with what was lost before.
            known.retain(|known| known.stage != RenewalStage::Spent || Some(known.noted) == last_spent);
            known.retain(|known| is_answer_lost(known) && !known.is_held(now));
            Ok(known)
        };
        self.store.read(look).await
    }

    /// Those of these credentials of the same account that hold something of use which may have come in the lost answer, where
    /// one was.
    pub(super) async fn holders_of_its_lost_answer(
        &self,
        ending: &Credentials,
        kept: Vec<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let lost = self.lost_renewals_of(ending).await?;
        let now = self.clock.now();
        let look = move |view: &View<'_>| {
            let mut holders = Vec::new();
            for credentials in kept {
                let Some(renewal) = view.renewal(&credentials)? else { continue };
                let held = renewal.refresh.as_ref();
                let is_perhaps =
                    held.is_some_and(|held| lost.iter().any(|lost| may_be_lost_answer(held, lost)));
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
