//! What may fail only so often: one try at a time for a device, and after a few that failed none for a while.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;

use crate::ambient::Timestamp;

/// Devices share turns where there are more of them; that costs a wait of milliseconds, never more.
const TURNS: usize = 64;
/// How often something may fail within [`WINDOW`], such as to open a record that a device brought along: format 1 is
/// decrypted before it can be verified, so whoever writes such records chooses what the private key is used on
/// (RUSTSEC-2023-0071).
const FAILURES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Of how many the failures are remembered; the one whose window began first makes room.
const DEVICES: usize = 1024;

/// Who is trying what now, and whose tries failed lately.
#[derive(Debug)]
pub(super) struct Openings<K> {
    hasher: RandomState,
    turns: Turns,
    failed: Mutex<HashMap<K, Window>>,
}

impl<K> Default for Openings<K> {
    fn default() -> Self {
        Self { hasher: RandomState::default(), turns: Turns::default(), failed: Mutex::default() }
    }
}

#[derive(Debug)]
struct Turns([tokio::sync::Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

/// The failures since a moment.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    failures: u32,
}

impl Window {
    /// Also over when the clock was set back to before it began.
    fn is_over(self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= WINDOW
    }
}

impl<K: Clone + Eq + Hash> Openings<K> {
    /// Waits until nobody else tries the same.
    pub(super) async fn turn(&self, whose: &K) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(whose) % TURNS as u64;
        self.turns.0[place as usize].lock().await
    }

    /// Whether it may be tried.
    pub(super) fn may_try(&self, whose: &K, now: Timestamp) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(whose).is_none_or(|window| window.is_over(now) || window.failures < FAILURES)
    }

    /// Notes that it failed.
    pub(super) fn failed(&self, whose: &K, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed.contains_key(whose) {
            make_room(&mut failed, now);
        }
        let window = failed.entry(whose.clone()).or_insert(Window { since: now, failures: 0 });
        if window.is_over(now) {
            *window = Window { since: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }
}

fn make_room<K: Clone + Eq + Hash>(failed: &mut HashMap<K, Window>, now: Timestamp) {
    if failed.len() < DEVICES {
        return;
    }
    failed.retain(|_, window| !window.is_over(now));
    if failed.len() >= DEVICES
        && let Some(oldest) =
            failed.iter().min_by_key(|(_, window)| window.since).map(|(whose, _)| whose.clone())
    {
        failed.remove(&oldest);
    }
}
