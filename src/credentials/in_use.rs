//! What of the tokens that are to end is in use, or would take down what is.

use std::collections::HashSet;

use super::held_tokens::Tokens;
use super::of_account::Kept;
use super::rekey::MOST;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};
use crate::vault::{Credentials, ResourceOwnerId, SealedText, SecretText};

/// Why a replaced secret is not ended now where that may end all of the account's.
pub(super) const ENDS_WITH_NEWER_ONES: &str = "the account has signed in since, and as far as is known here that would end its newer tokens as \
                                               well: all are ended when the newer ones are not used any more, but not these where sixteen \
                                               newer tokens were set aside like them by then, for those alone are kept";
/// Why one whose account came back is not ended there.
pub(super) const ENDS_NEWER_ONES: &str =
    "the account has signed in since, and as far as is known here that would end its newer tokens as well";
/// How the reason begins where the refresh token stays; receipts of before go on in other words.
pub(super) const GOES_ON: &str = "the new secret is renewed by the refresh token before";
/// Why an access token is not ended whose refresh token stays.
pub(super) const ENDS_LATER: &str = "the new secret is renewed by the refresh token before, and that may end with the access token before: \
                                     both are ended when the refresh token is not used any more, but not this one where sixteen newer ones \
                                     were set aside like it by then, for those alone are kept";
/// The same of a refresh token whose access token the API gave again.
pub(super) const ENDS_WITH_ITS_ACCESS: &str = "the API gave the access token before again, and that may end with the refresh token before: \
                                               both are ended when the new refresh token is not used any more, but not this one where \
                                               sixteen newer ones were set aside like it by then, for those alone are kept";
/// The same of both where nothing can be ended.
pub(super) const NEVER_ENDS: &str = "the new secret is renewed by the refresh token before, and this gateway has no way to end the access \
                                     token before: it stays at the API until it runs out";
pub(super) const NEVER_ENDS_EITHER: &str = "the API gave the access token before again, and this gateway has no way to end the refresh token \
                                            before: it stays at the API until it runs out";
/// What becomes of the oldest token that was set aside, where there is no room for it any more.
pub(super) const NO_ROOM_FOR_IT: &str = "no more than sixteen are kept; it stays at the API until it runs out, and nothing ends it before but \
                                         the end of the refresh token, where the API counts both to one sign-in, or of the gateway's \
                                         access, on the account's page at the API";

impl CredentialsDevices {
    /// Whether the API can end a secret and leave newer ones of the account alone.
    pub(super) fn ends_one_alone(&self) -> bool {
        self.upstream.as_ref().is_some_and(|client| client.settings().revokes_one_alone())
    }

    /// Whether it can end an access token and leave the refresh token of the same sign-in alone.
    pub(super) fn ends_access_alone(&self) -> bool {
        self.upstream.as_ref().is_some_and(|client| client.settings().revokes_access_alone())
    }

    /// Whether the end of these ends nothing beside them.
    pub(super) fn ends_nothing_beside(&self, ending: &Credentials) -> bool {
        let may_renew = ending.refresh_token().is_some() || may_renew_aside(ending);
        self.ends_access_alone() && !may_renew
    }

    /// Where a record holds what these are, whosever it is; those of the dead do not count.
    pub(super) async fn holder(
        &self,
        dead: &HashSet<DeviceUuid>,
        are_these: impl Fn(&Tokens) -> bool,
    ) -> Result<Option<DeviceUuid>, CredentialsError> {
        for (device, generation) in self.generations().await? {
            if !dead.contains(&device)
                && self.held_by(&device, generation).await?.as_ref().is_some_and(&are_these)
            {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }

    /// What credentials hold whose account may be this one, told in another form.
    pub(super) async fn kept_of_other_forms(
        &self,
        account: &ResourceOwnerId,
    ) -> Result<Vec<Kept>, CredentialsError> {
        let mut kept = Vec::new();
        for (device, generation) in self.generations().await? {
            let held = self.held_by(&device, generation).await?;
            if !held.is_some_and(|held| held.are_of_another_form_of(account)) {
                continue;
            }
            let record = match self.newest_record(&device).await {
                Err(CredentialsError::NoRecord) => continue,
                record => record?,
            };
            match self.open_record(device.clone(), record).await {
                Ok(opened) => kept.push(Kept { device, opened }),
                // Nobody uses what no key here opens.
                Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    async fn generations(&self) -> Result<Vec<(DeviceUuid, u64)>, StoreError> {
        self.store.read(|view: &View<'_>| view.record_generations(MOST)).await
    }

    async fn held_by(
        &self,
        device: &DeviceUuid,
        generation: u64,
    ) -> Result<Option<Tokens>, CredentialsError> {
        match self.held_tokens.recall(device, generation) {
            Some(known) => Ok(Some(known)),
            None => self.learn_held(device.clone()).await,
        }
    }

    /// What the record holds; none where there is none that opens.
    async fn learn_held(&self, device: DeviceUuid) -> Result<Option<Tokens>, CredentialsError> {
        let asked = device.clone();
        let look = move |view: &View<'_>| view.record(&asked);
        let Some(record) = self.store.read::<_, StoreError, _>(look).await? else { return Ok(None) };
        let generation = record.generation;
        let sealed = SealedText { endo: &record.endo, signature: &record.signature };
        let opened = match self.vault.recall(&device, sealed, self.clock.now()) {
            Some(warm) => warm,
            None => match self.open_once(device.clone(), record).await {
                // What no key here opens, nobody here uses.
                Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => return Ok(None),
                opened => opened?,
            },
        };
        let held = Tokens::used(&opened);
        self.held_tokens.note(device, generation, held.clone());
        Ok(Some(held))
    }
}

/// Whether the end of some tokens of an account may end these as well: an API that gives no refresh token a second time
/// counts what came with it and what came without to one grant.
pub(super) fn may_end_together(kept: &Credentials, ending: &Credentials) -> bool {
    let renews = |tokens: &Credentials| tokens.refresh_token().is_some();
    // Both kinds are to end where a refresh token was set aside beside an access token that came alone.
    let are_both = !renews(ending) && may_renew_aside(ending);
    are_both || renews(kept) != renews(ending) || share_a_token(kept, ending)
}

/// Whether a refresh token may be among what is set aside: of one it is not known when it ends.
fn may_renew_aside(tokens: &Credentials) -> bool {
    tokens.set_aside().iter().any(|aside| aside.ends_at.is_none())
}

/// Whether one of some tokens is among the others.
pub(super) fn share_a_token(some: &Credentials, others: &Credentials) -> bool {
    let tokens: Vec<&SecretText> = tokens_of(others).collect();
    let is_one = |token: &SecretText| tokens.iter().any(|other| other.is(token.expose()));
    is_one(some.secret()) || some.refresh_token().is_some_and(is_one)
}

/// All that ends when these end.
pub(super) fn tokens_of(ending: &Credentials) -> impl Iterator<Item = &SecretText> {
    let set_aside = ending.set_aside().iter().map(|aside| &aside.token);
    ending.refresh_token().into_iter().chain([ending.secret()]).chain(set_aside)
}
