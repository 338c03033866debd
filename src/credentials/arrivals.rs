//! Sign-ins that bring tokens, and ends of tokens: an API may hand out again what is just being ended, or end all that an
//! account gave it, so neither comes to pass in this process without regard to the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::CredentialsError;
use crate::store::Transaction;
use crate::vault::{ResourceOwnerId, SecretText};

/// By what a sign-in and an end are known to concern each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trait {
    /// The hash of a token.
    Token([u8; 32]),
    /// All that the account gave.
    Account(ResourceOwnerId),
}

/// Sign-ins and ends that are under way, and ends that some of those sign-ins may not know of. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Counts what begins and what is over.
    clock: u64,
    /// By when they began.
    arriving: BTreeMap<u64, Vec<Trait>>,
    /// By when they began.
    ending: BTreeMap<u64, End>,
}

#[derive(Debug)]
struct End {
    traits: Vec<Trait>,
    over_at: Option<u64>,
    /// Whether a sign-in came to nothing for it.
    is_in_the_way: bool,
}

/// A sign-in that brings tokens: from before the API is asked for them until a record that holds them is committed, or the
/// last of these is dropped.
#[derive(Debug)]
pub struct Arrival {
    arrivals: Arrivals,
    began_at: u64,
    /// What names the tokens on disk, as long as no record holds them.
    pub(super) stray: Option<i64>,
}

/// Tokens that are about to be ended; over when dropped.
#[derive(Debug)]
pub(super) struct Ending {
    arrivals: Arrivals,
    began_at: u64,
    is_asked: bool,
}

impl Trait {
    /// Those of these tokens.
    pub(super) fn of(access: &SecretText, refresh: Option<&SecretText>) -> Vec<Self> {
        refresh.into_iter().chain([access]).map(Self::token).collect()
    }

    pub(super) fn token(token: &SecretText) -> Self {
        Self::Token(Sha256::digest(token.expose()).into())
    }
}

impl Arrivals {
    /// Somebody is about to ask the API for tokens.
    pub(super) fn begin(&self) -> Arrival {
        let mut state = self.lock();
        let began_at = state.tick();
        state.arriving.insert(began_at, Vec::new());
        Arrival { arrivals: self.clone(), began_at, stray: None }
    }

    /// The end of what has these traits; `None` while a sign-in that is under way brings some of it.
    pub(super) fn end(&self, traits: Vec<Trait>) -> Option<Ending> {
        let mut state = self.lock();
        if state.arriving.values().any(|arriving| is_shared(arriving, &traits)) {
            return None;
        }
        let began_at = state.tick();
        state.ending.insert(began_at, End { traits, over_at: None, is_in_the_way: false });
        Some(Ending { arrivals: self.clone(), began_at, is_asked: false })
    }

    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Forgets the ends that were over before every sign-in that is under way began.
    fn prune(&mut self) {
        let first = self.arriving.keys().next().copied();
        let matters = |over: u64| first.is_some_and(|first| first < over);
        self.ending.retain(|_, end| end.over_at.is_none_or(matters));
    }
}

impl Arrival {
    /// Tells what it brings; answers whether all of that is alive, as far as this process ends anything.
    pub(super) fn brings(&self, traits: Vec<Trait>) -> bool {
        let mut state = self.arrivals.lock();
        let may_end_it = |end: &&mut End| {
            is_shared(&end.traits, &traits) && end.over_at.is_none_or(|over| over > self.began_at)
        };
        let mut is_alive = true;
        for end in state.ending.values_mut().filter(may_end_it) {
            end.is_in_the_way = true;
            is_alive = false;
        }
        state.arriving.entry(self.began_at).or_default().extend(traits);
        is_alive
    }

    /// A record holds the tokens once this is committed; until then they are arriving.
    pub(super) fn claim(self: Arc<Self>, transaction: &Transaction<'_>) -> Result<(), CredentialsError> {
        if let Some(stray) = self.stray
            && !transaction.claim_stray(stray)?
        {
            return Err(CredentialsError::GivenUp);
        }
        transaction.after_commit(move || drop(self));
        Ok(())
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut state = self.arrivals.lock();
        state.arriving.remove(&self.began_at);
        state.prune();
    }
}

impl Ending {
    /// The API is asked from now on: it may do it, whatever it answers.
    pub(super) fn asks(&mut self) {
        self.is_asked = true;
    }

    /// Whether a sign-in came to nothing for it, which may begin again in a moment.
    pub(super) fn is_in_the_way(&self) -> bool {
        let state = self.arrivals.lock();
        state.ending.get(&self.began_at).is_some_and(|end| end.is_in_the_way)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut state = self.arrivals.lock();
        let now = state.tick();
        match state.ending.get_mut(&self.began_at) {
            Some(end) if self.is_asked => end.over_at = Some(now),
            _ => drop(state.ending.remove(&self.began_at)),
        }
        state.prune();
    }
}

fn is_shared(some: &[Trait], others: &[Trait]) -> bool {
    some.iter().any(|one| others.contains(one))
}
