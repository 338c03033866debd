//! What may fail only so often: after a few times within a while, it is not tried until that is over.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;

/// Of how many the failures are remembered; the one whose window began first makes room.
const REMEMBERED: usize = 1024;

/// Whose tries failed lately.
#[derive(Debug)]
pub(super) struct Failures<K> {
    most: u32,
    within: Duration,
    windows: Mutex<HashMap<K, Window>>,
}

/// The failures since a moment.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    failures: u32,
}

impl Window {
    /// Also over when the clock was set back to before it began.
    fn is_over(self, now: Timestamp, within: Duration) -> bool {
        now < self.since || now.since(self.since) >= within
    }
}

impl<K> Failures<K> {
    /// None yet, of which there may be `most` within that time.
    pub(super) fn new((most, within): (u32, Duration)) -> Self {
        Self { most, within, windows: Mutex::default() }
    }

    /// Every change leaves it whole, also where a panic came in between.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Failures<K> {
    /// Whether it may be tried.
    pub(super) fn may_try(&self, whose: &K, now: Timestamp) -> bool {
        let windows = self.lock();
        windows
            .get(whose)
            .is_none_or(|window| window.is_over(now, self.within) || window.failures < self.most)
    }

    /// Notes that it failed.
    pub(super) fn note(&self, whose: &K, now: Timestamp) {
        let mut windows = self.lock();
        if !windows.contains_key(whose) {
            self.make_room(&mut windows, now);
        }
        let window = windows.entry(whose.clone()).or_insert(Window { since: now, failures: 0 });
        if window.is_over(now, self.within) {
            *window = Window { since: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }

    fn make_room(&self, windows: &mut HashMap<K, Window>, now: Timestamp) {
        if windows.len() < REMEMBERED {
            return;
        }
        windows.retain(|_, window| !window.is_over(now, self.within));
        let oldest = windows.iter().min_by_key(|(_, window)| window.since).map(|(whose, _)| whose.clone());
        if windows.len() >= REMEMBERED
            && let Some(oldest) = oldest
        {
            windows.remove(&oldest);
        }
    }
}
