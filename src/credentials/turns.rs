//! One at a time for each name: whoever wants the same waits until whoever came first is done.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

/// How long anybody waits for somebody who calls others meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where those meet who want the same. It is known for as long as anybody does.
type Place = Arc<tokio::sync::Mutex<()>>;

/// What somebody in this process is at, by its name.
#[derive(Debug)]
pub(super) struct Turns<K>(Arc<Mutex<HashMap<K, Place>>>);

/// A turn, or the wait for it; over when dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    turns: Turns<K>,
    name: K,
    held: Option<OwnedMutexGuard<()>>,
    place: Option<Place>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> Clone for Turns<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Turns<K> {
    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// `None` where somebody else is at it.
    pub(super) fn take(&self, name: &K) -> Option<Turn<K>> {
        let (mut turn, place) = self.line_up(name);
        turn.held = place.try_lock_owned().ok();
        turn.held.is_some().then_some(turn)
    }

    /// The same as soon as nobody else is at it.
    pub(super) async fn wait(&self, name: &K) -> Turn<K> {
        let (mut turn, place) = self.line_up(name);
        turn.held = Some(place.lock_owned().await);
        turn
    }

    /// The same; `None` where somebody else is at it for long.
    pub(super) async fn wait_a_while(&self, name: &K) -> Option<Turn<K>> {
        timeout(PATIENCE, self.wait(name)).await.ok()
    }

    fn line_up(&self, name: &K) -> (Turn<K>, Place) {
        let place = Arc::clone(self.lock().entry(name.clone()).or_default());
        let turn =
            Turn { turns: self.clone(), name: name.clone(), held: None, place: Some(Arc::clone(&place)) };
        (turn, place)
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        self.held = None;
        let mut places = self.turns.lock();
        self.place = None;
        // Everybody who is at it or waits has the place as well.
        if places.get(&self.name).is_some_and(|place| Arc::strong_count(place) == 1) {
            places.remove(&self.name);
        }
    }
}
