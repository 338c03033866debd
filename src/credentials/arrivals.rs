//! Sign-ins that bring tokens, and ends of tokens: an API may hand out again what is just being ended, or end all that an
//! account gave it. So it is not asked for both at a time where they concern each other: whoever comes later waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::timeout;

use super::CredentialsError;
use crate::store::Transaction;
use crate::vault::{ResourceOwnerId, SecretText};

/// How long whoever comes later waits: then a sign-in goes on all the same, for somebody waits for it, and an end comes
/// another time.
const PATIENCE: Duration = Duration::from_secs(3);

/// By what a sign-in and an end are known to concern each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trait {
    /// The hash of a token.
    Token([u8; 32]),
    /// All that the account gave.
    Account(ResourceOwnerId),
}

/// Sign-ins and ends, in the order in which they came. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals(watch::Sender<Line>);

#[derive(Debug, Default)]
struct Line {
    last: u64,
    places: BTreeMap<u64, Concern>,
}

/// What somebody in the line is at.
#[derive(Debug)]
enum Concern {
    /// A sign-in that may bring anything.
    Arrival,
    /// One that brings this.
    ArrivalOf(Vec<Trait>),
    /// The end of this.
    End(Vec<Trait>),
}

/// Somebody's place in the line, which is left when dropped.
#[derive(Debug)]
struct Place {
    line: Arrivals,
    number: u64,
}

/// A sign-in that brings tokens: from before the API is asked for them until a record that holds them is committed, or the
/// last of these is dropped.
#[derive(Debug)]
pub struct Arrival {
    place: Place,
    /// What names the tokens on disk, as long as no record holds them.
    pub(super) stray: Option<i64>,
}

/// Tokens that are being ended; over when dropped.
#[derive(Debug)]
pub(super) struct Ending(Place);

impl Trait {
    /// Those of these tokens.
    pub(super) fn of(access: &SecretText, refresh: Option<&SecretText>) -> Vec<Self> {
        refresh.into_iter().chain([access]).map(Self::token).collect()
    }

    pub(super) fn token(token: &SecretText) -> Self {
        Self::Token(Sha256::digest(token.expose()).into())
    }
}

impl Concern {
    fn is_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Arrival, Self::End(_)) | (Self::End(_), Self::Arrival) => true,
            (Self::ArrivalOf(some), Self::End(others)) | (Self::End(some), Self::ArrivalOf(others)) => {
                some.iter().any(|one| others.contains(one))
            }
            _ => false,
        }
    }
}

impl Arrivals {
    /// Somebody is about to ask the API for tokens, nobody knows whose. Whatever is being ended is over by then, or let go.
    pub(super) async fn begin(&self) -> Arrival {
        self.arrival(Concern::Arrival).await
    }

    /// Somebody has tokens with these traits. Whatever is being ended of them is over by then, or let go.
    pub(super) async fn begin_with(&self, traits: Vec<Trait>) -> Arrival {
        self.arrival(Concern::ArrivalOf(traits)).await
    }

    async fn arrival(&self, concern: Concern) -> Arrival {
        let place = self.line_up(concern);
        if !place.is_reached().await {
            self.0.send_modify(|line| line.clear_before(place.number));
        }
        Arrival { place, stray: None }
    }

    /// The end of what has these traits; `None` while a sign-in that is under way brings some of it, or may.
    pub(super) async fn end(&self, traits: Vec<Trait>) -> Option<Ending> {
        let place = self.line_up(Concern::End(traits));
        (place.is_reached().await && place.is_kept()).then_some(Ending(place))
    }

    fn line_up(&self, concern: Concern) -> Place {
        let mut number = 0;
        self.0.send_modify(|line| {
            line.last += 1;
            number = line.last;
            line.places.insert(number, concern);
        });
        Place { line: self.clone(), number }
    }
}

impl Line {
    /// Who came before this place and concerns it.
    fn before(&self, number: u64) -> impl Iterator<Item = u64> {
        let own = self.places.get(&number);
        let concerns = move |(number, other): (&u64, &Concern)| own?.is_of(other).then_some(*number);
        self.places.range(..number).filter_map(concerns)
    }

    fn clear_before(&mut self, number: u64) {
        let before: Vec<u64> = self.before(number).collect();
        before.iter().for_each(|number| drop(self.places.remove(number)));
    }
}

impl Place {
    /// Whether everybody is done in time who came before and concerns it.
    async fn is_reached(&self) -> bool {
        let mut line = self.line.0.subscribe();
        let reached = line.wait_for(|line| line.before(self.number).next().is_none());
        timeout(PATIENCE, reached).await.is_ok()
    }

    /// Whether nobody who came later took it away.
    fn is_kept(&self) -> bool {
        self.line.0.borrow().places.contains_key(&self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.0.send_modify(|line| drop(line.places.remove(&self.number)));
    }
}

impl Arrival {
    /// Tells what it brings: nothing else concerns it from now on.
    pub(super) fn brings(&self, traits: Vec<Trait>) {
        let Place { line, number } = &self.place;
        line.0.send_modify(|line| drop(line.places.insert(*number, Concern::ArrivalOf(traits))));
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

impl Ending {
    /// What comes of asking the API; `None` once somebody signs in who waited for it long enough: what is not asked by then
    /// would end what that brings.
    pub(super) async fn ask<T>(self, asking: impl Future<Output = T>) -> Option<T> {
        let Place { line, number } = &self.0;
        let is_let_go = |line: &Line| !line.places.contains_key(number);
        let mut line = line.0.subscribe();
        tokio::select! {
            biased;
            _ = line.wait_for(is_let_go) => None,
            answer = asking => Some(answer),
        }
    }
}
