//! Renewals whose answer was lost: whoever signs in since may be given what was in it, and nobody here can tell.

use super::left::{Grants, Left};
use crate::credentials::CredentialsDevices;
use crate::message::DeviceUuid;
use crate::source::renewal::{is_answer_lost, is_held, may_be_lost_answer};
use crate::store::{HolderOfLine, Moment, RenewalStage, StoreError, StoredRefreshToken, View};
use crate::vault::SecretText;

/// Why a secret is not ended whose renewal may have brought what the account signed in for since.
pub(super) const MAY_BE_ITS_ANSWER: &str = "the answer to a renewal was lost, and what the account has signed in for since may be what that \
                                            brought: to end one may end the other, so whoever wants this one ended at once does so on the \
                                            account's page at the API";

impl CredentialsDevices {
    /// What is known of the refresh tokens of which nobody knows what came of sending them, among those that are to end and all
    /// of their lines.
    pub(super) async fn lost_renewals_of(
        &self,
        ending: &Grants,
    ) -> Result<Vec<StoredRefreshToken>, StoreError> {
        let tokens: Vec<_> = ending.tokens().map(SecretText::fingerprint).collect();
        let now = self.clock.now();
        let look = move |view: &View<'_>| {
            let mut lost = Vec::new();
            for token in &tokens {
                lost.extend(lost_of(view.line_of(token)?).filter(|lost| !is_held(lost, now)));
            }
            Ok(lost)
        };
        self.store.read(look).await
    }

    /// Those of these credentials of the same account that hold something which may have come in the lost answer, where one was.
    /// Where what is set aside was left alone for the sake of what is in use beside it, that is what may have come in it: an API
    /// that gave it to one sign-in gives it to the next as well, and does not give another.
    pub(super) async fn holders_of_its_lost_answer(
        &self,
        ending: &Left,
        kept: Vec<DeviceUuid>,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let mut lost = self.lost_renewals_of(&ending.grants).await?;
        let in_use = ending.opened.refresh_token().map(SecretText::fingerprint);
        let look = move |view: &View<'_>| {
            let in_use = in_use.map_or(Ok(None), |token| view.refresh_token(&token))?;
            let is_answer_to = |lost: &StoredRefreshToken, used: &StoredRefreshToken| {
                used.line != lost.line && may_be_lost_answer(used, lost)
            };
            lost.retain(|lost| !in_use.as_ref().is_some_and(|used| is_answer_to(lost, used)));
            let mut holders = Vec::new();
            for credentials in kept {
                let Some(renewal) = view.renewal(&credentials)? else { continue };
                let held = renewal.refresh.as_ref();
                let is_perhaps =
                    held.is_some_and(|held| lost.iter().any(|lost| may_be_lost_answer(held, lost)));
                if is_perhaps {
                    holders.push(credentials);
                }
            }
            Ok(holders)
        };
        self.store.read(look).await
    }

    /// The credentials of which a renewal may have brought what came at this moment: its answer was lost, or is awaited.
    pub(super) async fn whose_answer_may_be(&self, came: Moment) -> Result<Vec<HolderOfLine>, StoreError> {
        let devices = self.clone();
        let look = move |view: &View<'_>| {
            let mut lost = Vec::new();
            for holder in view.holders_of_lost_lines(came)? {
                let Some(held) = &holder.renewal.refresh else { continue };
                let is_lost = lost_of(view.line_of(&held.token)?).any(|lost| may_be_in(came, &lost));
                if is_lost && devices.is_ours(view, &holder.credentials)? {
                    lost.push(holder);
                }
            }
            Ok(lost)
        };
        self.store.read(look).await
    }

    /// Whether the credentials are of the gateway's API.
    fn is_ours(&self, view: &View<'_>, credentials: &DeviceUuid) -> Result<bool, StoreError> {
        let source = view.record(credentials)?.and_then(|record| record.source);
        Ok(self.sealing.other_api(source.as_deref(), None).is_none())
    }
}

/// Whether what came at this moment may be what was in the lost answer: the token was sent by then, and nobody knew what goes on.
fn may_be_in(came: Moment, lost: &StoredRefreshToken) -> bool {
    let is_open = matches!(lost.stage, RenewalStage::Sending | RenewalStage::InDoubt | RenewalStage::GivenUp);
    lost.first_sent <= came && (is_open || came < lost.noted)
}

/// Those of a line of which nobody knows what came of sending them. What was renewed again since tells that nobody went on with
/// what was lost before.
fn lost_of(line: Vec<StoredRefreshToken>) -> impl Iterator<Item = StoredRefreshToken> {
    let is_spent = |known: &StoredRefreshToken| known.stage == RenewalStage::Spent;
    let last_spent = line.iter().filter(|known| is_spent(known)).map(|known| known.noted).max();
    line.into_iter()
        .filter(move |known| !is_spent(known) || Some(known.noted) == last_spent)
        .filter(is_answer_lost)
}
