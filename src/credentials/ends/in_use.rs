//! What of the tokens that are to end is in use, or would take down what is.

use super::end::Tokens;
use crate::credentials::records::opening::text;
use crate::credentials::records::rekey::MOST;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, View};
use crate::vault::{Credentials, Grant, SecretText};

/// Why a replaced secret is not ended now where that may end all of the account's.
pub(in crate::credentials) const ENDS_WITH_NEWER_ONES: &str = "the account has signed in since, and as far as is known here that would end its newer tokens as \
                                               well: all are ended when the newer ones are not used any more, but not these where sixteen \
                                               newer tokens were set aside like them by then, for those alone are kept";
/// Why one whose account came back is not ended there.
pub(super) const ENDS_NEWER_ONES: &str =
    "the account has signed in since, and as far as is known here that would end its newer tokens as well";
/// How the reason begins where the refresh token stays; receipts of before go on in other words.
pub(super) const GOES_ON: &str = "the new secret is renewed by the refresh token before";
/// Why an access token is not ended whose refresh token stays.
pub(in crate::credentials) const ENDS_LATER: &str = "the new secret is renewed by the refresh token before, and that may end with the access token before: \
                                     both are ended when the refresh token is not used any more, but not this one where sixteen newer ones \
                                     were set aside like it by then, for those alone are kept";
/// The same of a refresh token whose access token the API gave again.
pub(in crate::credentials) const ENDS_WITH_ITS_ACCESS: &str = "the API gave the access token before again, and that may end with the refresh token before: \
                                               both are ended when the new refresh token is not used any more, but not this one where \
                                               sixteen newer ones were set aside like it by then, for those alone are kept";
/// The same of both where nothing can be ended.
pub(in crate::credentials) const NEVER_ENDS: &str = "the new secret is renewed by the refresh token before, and this gateway has no way to end the access \
                                     token before: it stays at the API until it runs out";
pub(in crate::credentials) const NEVER_ENDS_EITHER: &str = "the API gave the access token before again, and this gateway has no way to end the refresh token \
                                            before: it stays at the API until it runs out";
/// What becomes of the oldest token that was set aside, where there is no room for it any more.
pub(in crate::credentials) const NO_ROOM_FOR_IT: &str = "no more than sixteen are kept; it stays at the API until it runs out, and nothing ends it before but \
                                         the end of the refresh token, where the API counts both to one sign-in, or of the gateway's \
                                         access, on the account's page at the API";

impl CredentialsDevices {
    /// Whether the API can end a secret and leave newer ones of the account alone.
    pub(in crate::credentials) fn ends_one_alone(&self) -> bool {
        self.upstream.as_ref().is_some_and(|client| client.settings().revokes_one_alone())
    }

    /// Whether it can end an access token and leave the refresh token of the same sign-in alone.
    pub(in crate::credentials) fn ends_access_alone(&self) -> bool {
        self.upstream.as_ref().is_some_and(|client| client.settings().revokes_access_alone())
    }

    /// The credentials in the store whose records hold what these are, whosever they are.
    pub(super) async fn holders(
        &self,
        are_these: impl Fn(&Tokens) -> bool,
    ) -> Result<Vec<(DeviceUuid, Tokens)>, CredentialsError> {
        let mut holders = Vec::new();
        for (device, generation) in self.generations().await? {
            let held = self.held_by(&device, generation).await?;
            holders.extend(held.filter(&are_these).map(|held| (device, held)));
        }
        Ok(holders)
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
        let opened = match self.vault.recall(&device, text(&record), self.clock.now()) {
            Some(warm) => warm,
            None => match self.opener.open_once(device.clone(), record).await {
                // What no key here opens, nobody here uses.
                Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => return Ok(None),
                opened => opened?,
            },
        };
        let held = Tokens::held_in(&opened);
        self.held_tokens.note(device, generation, held.clone());
        Ok(Some(held))
    }
}

/// All that they hold, in use or not.
pub(super) fn tokens_of(credentials: &Credentials) -> impl Iterator<Item = &SecretText> {
    let set_aside = credentials.set_aside().iter().flat_map(Grant::tokens);
    credentials.refresh_token().into_iter().chain([credentials.secret()]).chain(set_aside)
}
