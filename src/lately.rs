//! What happened lately, by whom it happened to: bounded, and nothing is forgotten before its time.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;

/// From so many windows each takes one.
const CHOICE: usize = 8;

/// What happened within a while, in so many windows, however many it happens to. Where others have all from which somebody
/// takes one, they have one together with one of those, whom chance alone chooses.
#[derive(Debug)]
pub struct Lately<K, T> {
    within: Duration,
    /// Who takes one of which windows, which nobody outside can know.
    lots: RandomState,
    windows: Mutex<Vec<Window<T>>>,
    whose: PhantomData<fn(&K)>,
}

/// What happened since a moment.
#[derive(Clone, Debug)]
struct Window<T> {
    /// Of whoever took it.
    lot: u64,
    /// Whether somebody else has it together with them.
    is_shared: bool,
    since: Timestamp,
    what: T,
}

impl<T: Default> Window<T> {
    fn taken(lot: u64, since: Timestamp) -> Self {
        Self { lot, is_shared: false, since, what: T::default() }
    }
}

impl<K: Hash, T: Clone + Default> Lately<K, T> {
    /// Nothing yet. A window is over so long after the first thing in it.
    pub fn new(windows: usize, within: Duration) -> Self {
        let none = Window::taken(0, Timestamp::from_millis(0));
        Self {
            within,
            lots: RandomState::new(),
            windows: Mutex::new(vec![none; windows.next_multiple_of(CHOICE)]),
            whose: PhantomData,
        }
    }

    /// Looks at what happened.
    pub fn look<R>(&self, whose: &K, now: Timestamp, see: impl FnOnce(&T) -> R) -> R {
        self.with(whose, now, |window, _| match self.is_over(window, now) {
            true => see(&T::default()),
            false => see(&window.what),
        })
    }

    /// Notes what happens now.
    pub fn note<R>(&self, whose: &K, now: Timestamp, change: impl FnOnce(&mut T) -> R) -> R {
        self.with(whose, now, |window, lot| {
            if self.is_over(window, now) {
                *window = Window::taken(lot, now);
            }
            window.is_shared |= window.lot != lot;
            change(&mut window.what)
        })
    }

    /// Also over when the clock was set back to before it began.
    fn is_over(&self, window: &Window<T>, now: Timestamp) -> bool {
        now < window.since || now.since(window.since) >= self.within
    }

    /// Every change leaves a window whole, also where a panic came in between.
    fn with<R>(&self, whose: &K, now: Timestamp, act: impl FnOnce(&mut Window<T>, u64) -> R) -> R {
        let lot = self.lots.hash_one(whose);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let first = below(lot, windows.len() / CHOICE) * CHOICE;
        let choice = &mut windows[first..first + CHOICE];
        let place = self.place(choice, lot, now);
        act(&mut choice[place], lot)
    }

    /// Their own, or else the one that they may have together with somebody, or else one that nobody has.
    fn place(&self, choice: &[Window<T>], lot: u64, now: Timestamp) -> usize {
        let together = below(lot >> 32, CHOICE);
        let is_over = |window: &Window<T>| self.is_over(window, now);
        let own = choice.iter().position(|window| window.lot == lot && !is_over(window));
        let shared = || Some(together).filter(|place| choice[*place].is_shared && !is_over(&choice[*place]));
        let free = || choice.iter().position(is_over);
        own.or_else(shared).or_else(free).unwrap_or(together)
    }
}

fn below(lot: u64, many: usize) -> usize {
    usize::try_from(lot % many as u64).expect("what is below a size is one")
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
