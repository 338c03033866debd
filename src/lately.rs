//! What happened lately, by whom it happened to: bounded, and nothing is forgotten before its time.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;

/// What happened within a while, in so many windows, however many it happens to: those who share one, whom chance alone
/// chooses, have it together.
#[derive(Debug)]
pub struct Lately<K, T> {
    within: Duration,
    /// Who is in which window, which nobody outside can know.
    lots: RandomState,
    windows: Mutex<Vec<Window<T>>>,
    whose: PhantomData<fn(&K)>,
}

/// What happened since a moment.
#[derive(Clone, Debug)]
struct Window<T> {
    since: Timestamp,
    what: T,
}

impl<K: Hash, T: Clone + Default> Lately<K, T> {
    /// Nothing yet. A window is over so long after the first thing in it.
    pub fn new(windows: usize, within: Duration) -> Self {
        let none = Window { since: Timestamp::from_millis(0), what: T::default() };
        Self {
            within,
            lots: RandomState::new(),
            windows: Mutex::new(vec![none; windows]),
            whose: PhantomData,
        }
    }

    /// Looks at what happened.
    pub fn look<R>(&self, whose: &K, now: Timestamp, see: impl FnOnce(&T) -> R) -> R {
        self.with(whose, |window| match self.is_over(window, now) {
            true => see(&T::default()),
            false => see(&window.what),
        })
    }

    /// Notes what happens now.
    pub fn note<R>(&self, whose: &K, now: Timestamp, change: impl FnOnce(&mut T) -> R) -> R {
        self.with(whose, |window| {
            if self.is_over(window, now) {
                *window = Window { since: now, what: T::default() };
            }
            change(&mut window.what)
        })
    }

    /// Also over when the clock was set back to before it began.
    fn is_over(&self, window: &Window<T>, now: Timestamp) -> bool {
        now < window.since || now.since(window.since) >= self.within
    }

    /// Every change leaves a window whole, also where a panic came in between.
    fn with<R>(&self, whose: &K, act: impl FnOnce(&mut Window<T>) -> R) -> R {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let lot = self.lots.hash_one(whose) % windows.len() as u64;
        act(&mut windows[usize::try_from(lot).expect("there are not so many windows")])
    }
}

impl<K: Hash> Lately<K, u32> {
    /// Counts what happens now; answers how often it happened by now.
    pub fn count(&self, whose: &K, now: Timestamp) -> u32 {
        self.note(whose, now, |times| {
            *times = times.saturating_add(1);
            *times
        })
    }
}
