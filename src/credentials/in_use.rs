//! What of the tokens that are to end is in use, or would take down what is.

use super::held_tokens::Tokens;
use super::possession::is_same;
use super::rekey::MOST;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{QueuedRevocation, StoreError, View};
use crate::vault::{Credentials, ResourceOwnerId, SealedText, SecretText};

/// Why a replaced secret, or one whose account came back, is not ended where that may end all of the account's.
pub(super) const ENDS_NEWER_ONES: &str =
    "the account has signed in since, and as far as is known here that would end its newer tokens as well";
/// Why an access token is not ended whose refresh token stays.
pub(super) const ENDS_LATER: &str = "the new secret is renewed by the refresh token before, and that may end with the access token before: \
                                     both are ended when the refresh token is not used any more";
const HELD: &str = "credentials here hold the same tokens, or some that may end with them";
const NOBODY_S: &str =
    "the record does not say whose tokens they are, and that may end newer tokens of the same account";

impl CredentialsDevices {
    /// Why these tokens are not to be ended now, where that is so; a stray's are of `account`, as far as that is known.
    pub(super) async fn why_spared(
        &self,
        revocation: &QueuedRevocation,
        opened: &Credentials,
        account: Option<&ResourceOwnerId>,
    ) -> Result<Option<&'static str>, CredentialsError> {
        let is_stray = revocation.receipt.is_none();
        let account = if is_stray { account } else { opened.id() };
        if let Some(id) = account {
            // What a bus does not answer is why many a sign-in was not kept.
            let kept = self.kept_of(id, is_stray).await?;
            if !kept.is_empty() && !self.ends_one_alone() {
                return Ok(Some(ENDS_NEWER_ONES));
            }
            if kept.iter().any(|kept| may_end_together(kept, opened)) {
                return Ok(Some(HELD));
            }
        } else if !self.ends_one_alone() {
            return Ok(Some(NOBODY_S));
        }
        let is_known = account.is_some() && !is_stray;
        Ok((!is_known && self.is_held(opened).await?).then_some(HELD))
    }

    /// Whether the API can end a secret and leave newer ones of the account alone.
    pub(super) fn ends_one_alone(&self) -> bool {
        self.upstream.as_ref().is_some_and(|client| client.settings().revokes_one_alone())
    }

    /// Whether a record here holds one of these tokens, whosever it is, or one that may end with them.
    async fn is_held(&self, ending: &Credentials) -> Result<bool, CredentialsError> {
        let ending = Tokens::of(ending);
        let look = |view: &View<'_>| view.record_generations(MOST);
        for (device, generation) in self.store.read::<_, StoreError, _>(look).await? {
            let known = self.held_tokens.recall(&device, generation);
            let held = match known {
                Some(known) => Some(known),
                None => self.learn_held(device).await?,
            };
            if held.is_some_and(|held| held.may_end_with(&ending)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the record holds; none where there is none that opens.
    async fn learn_held(&self, device: DeviceUuid) -> Result<Option<Tokens>, CredentialsError> {
        let asked = device.clone();
        let record = self.store.read::<_, StoreError, _>(move |view| view.record(&asked)).await?;
        let Some(record) = record else { return Ok(None) };
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
        let held = Tokens::of(&opened);
        self.held_tokens.note(device, generation, held.clone());
        Ok(Some(held))
    }
}

/// Whether the end of some tokens of an account may end these as well: an API that gives no refresh token a second time
/// counts what came with it and what came without to one grant.
fn may_end_together(kept: &Credentials, ending: &Credentials) -> bool {
    let renews = |tokens: &Credentials| tokens.refresh_token().is_some();
    renews(kept) != renews(ending) || share_a_token(kept, ending)
}

fn share_a_token(some: &Credentials, others: &Credentials) -> bool {
    let tokens: Vec<&SecretText> = tokens_of(others).collect();
    let is_one = |token: &SecretText| tokens.iter().any(|other| is_same(token, other));
    is_one(some.secret()) || some.refresh_token().is_some_and(is_one)
}

/// All that ends when these end.
pub(super) fn tokens_of(ending: &Credentials) -> impl Iterator<Item = &SecretText> {
    let set_aside = ending.set_aside().iter().map(|aside| &aside.token);
    ending.refresh_token().into_iter().chain([ending.secret()]).chain(set_aside)
}
