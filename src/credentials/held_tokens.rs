//! Which tokens the records here hold, by their hashes, and whose: each record is opened once to know that, and not again until
//! there is a newer one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::arrivals::Trait;
use super::in_use::tokens_of;
use crate::message::DeviceUuid;
use crate::vault::{Credentials, ResourceOwnerId, SecretText};

/// Of how many records it is known at most: some ten megabytes.
const MOST_KNOWN: usize = 100_000;

/// The tokens of some credentials, and whose they are where that is known.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    hashes: Vec<Trait>,
    renew: bool,
    account: Option<ResourceOwnerId>,
}

impl Tokens {
    /// Those that are used of these credentials.
    pub(super) fn used(credentials: &Credentials) -> Self {
        let pair = Self::pair(credentials.secret(), credentials.refresh_token());
        Self { account: credentials.id().cloned(), ..pair }
    }

    /// All that end when these credentials end.
    pub(super) fn ending(credentials: &Credentials) -> Self {
        Self { hashes: tokens_of(credentials).map(Trait::token).collect(), ..Self::used(credentials) }
    }

    /// These, of an account that is not known.
    pub(super) fn pair(access: &SecretText, refresh: Option<&SecretText>) -> Self {
        Self { hashes: Trait::of(access, refresh), renew: refresh.is_some(), account: None }
    }

    /// Whether one of these is among the others.
    pub(super) fn share_one_with(&self, others: &Self) -> bool {
        others.hashes.iter().any(|hash| self.hashes.contains(hash))
    }

    /// Whether they may be of this account, told in another form.
    pub(super) fn are_of_another_form_of(&self, account: &ResourceOwnerId) -> bool {
        self.account.as_ref().is_some_and(|other| other != account && other.may_be(account))
    }

    /// Whether one of these is among the others, or may end with them, whosever they are: an API that gives no refresh token
    /// a second time counts what came without to the grant of what came with one.
    pub(super) fn may_end_with(&self, others: &Self) -> bool {
        self.share_one_with(others) || (self.renew && !others.renew)
    }
}

/// What is known of the records. Each call is whole, so that what a panic left behind is, too.
#[derive(Debug, Default)]
pub(super) struct HeldTokens(Mutex<HashMap<DeviceUuid, Known>>);

#[derive(Debug)]
struct Known {
    generation: u64,
    tokens: Tokens,
}

impl HeldTokens {
    /// What the record of this generation holds, if that is known.
    pub(super) fn recall(&self, device: &DeviceUuid, generation: u64) -> Option<Tokens> {
        let known = self.lock();
        let known = known.get(device).filter(|known| known.generation == generation)?;
        Some(known.tokens.clone())
    }

    /// Has it be known.
    pub(super) fn note(&self, device: DeviceUuid, generation: u64, tokens: Tokens) {
        let mut known = self.lock();
        if known.len() >= MOST_KNOWN && !known.contains_key(&device) {
            known.clear();
        }
        known.insert(device, Known { generation, tokens });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceUuid, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
