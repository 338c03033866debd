//! What may fail only so often: after a few times within a while, it is not tried until that is over.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;

/// How many windows there are, a quarter of a megabyte. None is ever forgotten before its time, however many fail; those
/// who share one, whom chance alone chooses, have their failures together.
const WINDOWS: usize = 1 << 14;

/// How often a thing may fail, and within which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) most: u32,
    pub(super) within: Duration,
}

/// Whose tries failed lately.
#[derive(Debug)]
pub(super) struct Failures<K> {
    allowance: Allowance,
    /// Who is in which window, which nobody outside can know.
    lots: RandomState,
    windows: Mutex<Vec<Window>>,
    whose: PhantomData<fn(&K)>,
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

impl<K: Hash> Failures<K> {
    /// None yet, of which there may be so many.
    pub(super) fn new(allowance: Allowance) -> Self {
        let none = Window { since: Timestamp::from_millis(0), failures: 0 };
        let windows = Mutex::new(vec![none; WINDOWS]);
        Self { allowance, lots: RandomState::new(), windows, whose: PhantomData }
    }

    /// Whether it may be tried.
    pub(super) fn may_try(&self, whose: &K, now: Timestamp) -> bool {
        let window = self.lock()[self.place(whose)];
        window.is_over(now, self.allowance.within) || window.failures < self.allowance.most
    }

    /// Notes that it failed.
    pub(super) fn note(&self, whose: &K, now: Timestamp) {
        let window = &mut self.lock()[self.place(whose)];
        if window.is_over(now, self.allowance.within) {
            *window = Window { since: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }

    fn place(&self, whose: &K) -> usize {
        let lot = self.lots.hash_one(whose) % WINDOWS as u64;
        usize::try_from(lot).expect("there are not so many windows")
    }

    /// Every change leaves it whole, also where a panic came in between.
    fn lock(&self) -> MutexGuard<'_, Vec<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
