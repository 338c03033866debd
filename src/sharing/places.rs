//! Places for those who wait: where they run short, whoever has many of them leaves some to whoever has few.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::share::is_within_share;

/// This part is kept for those who have no place yet.
const KEPT_PART: usize = 8;

/// So many places. Cheap to clone; every clone has the same ones.
#[derive(Debug)]
pub struct Places<K> {
    all: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

#[derive(Debug)]
struct Taken<K> {
    count: usize,
    /// Those that are on somebody's share.
    of: HashMap<K, usize>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Places<K>,
    of: Option<K>,
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self { all: self.all, taken: Arc::clone(&self.taken) }
    }
}

impl<K: Clone + Eq + Hash> Places<K> {
    /// Of those that a server has for connections, a quarter is left to who does not wait for others.
    pub fn among(connections: usize) -> Self {
        let taken = Taken { count: 0, of: HashMap::new() };
        Self { all: connections - connections / 4, taken: Arc::new(Mutex::new(taken)) }
    }

    /// A place for whoever comes, on nobody's share, while half of them are free.
    pub fn plenty(&self) -> Option<Place<K>> {
        let mut taken = self.taken();
        (taken.count < self.all / 2).then(|| self.place(&mut taken, None))
    }

    /// A place on the share of `name`: no more than half of what others leave. Some are kept for who has none.
    pub fn of(&self, name: K) -> Option<Place<K>> {
        let mut taken = self.taken();
        let (free, kept) = (self.all.saturating_sub(taken.count), self.all / KEPT_PART);
        let held = taken.of.get(&name).copied().unwrap_or_default();
        let may = free > 0 && is_within_share(free.saturating_sub(kept), held, 1);
        may.then(|| self.place(&mut taken, Some(name)))
    }

    fn place(&self, taken: &mut Taken<K>, of: Option<K>) -> Place<K> {
        taken.count += 1;
        if let Some(name) = &of {
            *taken.of.entry(name.clone()).or_default() += 1;
        }
        Place { places: self.clone(), of }
    }
}

impl<K> Places<K> {
    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.count -= 1;
        let Some(name) = &self.of else { return };
        if let Some(held) = taken.of.get_mut(name) {
            *held -= 1;
            if *held == 0 {
                taken.of.remove(name);
            }
        }
    }
}
