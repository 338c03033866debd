//! One at a time for each name: whoever wants the same waits until whoever came first is done.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::{Instant, sleep_until};

/// How long a turn may last that others wait for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long anybody waits in all: browsers, and what stands before a gateway, often give up after a minute.
const LONGEST: Duration = Duration::from_secs(45);
/// How many wait at most who do not wait for as long as it takes.
const MOST: usize = 200;

/// Where those meet who want the same. It is known for as long as anybody does.
#[derive(Debug, Default)]
struct Place {
    held: Arc<tokio::sync::Mutex<()>>,
    /// How often a turn ended here.
    passed: watch::Sender<u64>,
}

/// What somebody in this process is at, by its name.
#[derive(Debug)]
pub(super) struct Turns<K>(Arc<Mutex<HashMap<K, Arc<Place>>>>);

/// A turn, or the wait for it; over when dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    turns: Turns<K>,
    name: K,
    held: Option<OwnedMutexGuard<()>>,
    place: Option<Arc<Place>>,
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
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Place>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// `None` where somebody else is at it.
    pub(super) fn take(&self, name: &K) -> Option<Turn<K>> {
        let (mut turn, place) = self.line_up(name);
        turn.held = Arc::clone(&place.held).try_lock_owned().ok();
        turn.held.is_some().then_some(turn)
    }

    /// The same as soon as nobody else is at it.
    pub(super) async fn wait(&self, name: &K) -> Turn<K> {
        let (mut turn, place) = self.line_up(name);
        turn.held = Some(Arc::clone(&place.held).lock_owned().await);
        turn
    }

    /// The same; `None` where one turn lasts for long, or too many are before it.
    pub(super) async fn wait_a_while(&self, name: &K) -> Option<Turn<K>> {
        let (mut turn, place) = self.line_up(name);
        // Whoever waits has it twice; once it is known, and once somebody is at it.
        if Arc::strong_count(&place) > 2 + 2 * MOST {
            return None;
        }
        let (mut passed, end) = (place.passed.subscribe(), Instant::now() + LONGEST);
        let mut held = pin!(Arc::clone(&place.held).lock_owned());
        loop {
            let patience = end.min(Instant::now() + PATIENCE);
            tokio::select! {
                biased;
                held = &mut held => {
                    turn.held = Some(held);
                    return Some(turn);
                }
                // Whoever is first now has a turn of their own.
                _ = passed.changed() => {}
                () = sleep_until(patience) => return None,
            }
        }
    }

    fn line_up(&self, name: &K) -> (Turn<K>, Arc<Place>) {
        let place = Arc::clone(self.lock().entry(name.clone()).or_default());
        let turn =
            Turn { turns: self.clone(), name: name.clone(), held: None, place: Some(Arc::clone(&place)) };
        (turn, place)
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let was_held = self.held.take().is_some();
        if let Some(place) = self.place.as_ref().filter(|_| was_held) {
            place.passed.send_modify(|passed| *passed += 1);
        }
        let mut places = self.turns.lock();
        self.place = None;
        // Everybody who is at it or waits has the place as well.
        if places.get(&self.name).is_some_and(|place| Arc::strong_count(place) == 1) {
            places.remove(&self.name);
        }
    }
}
