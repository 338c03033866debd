//! Cold openings: one at a time for a device, and after a few that failed none for a while.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// Devices share turns where there are more of them; that costs a wait of milliseconds, never more.
const TURNS: usize = 64;
/// How often a record that a device brought along may fail to open within [`WINDOW`]. Format 1 is decrypted before it
/// can be verified, so whoever writes such records chooses what the private key is used on (RUSTSEC-2023-0071).
const FAILURES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// How many devices with failures are remembered; the one whose window began first makes room.
const DEVICES: usize = 1024;

/// Who is opening what now, and whose records failed lately.
#[derive(Debug, Default)]
pub(super) struct Openings {
    hasher: RandomState,
    turns: Turns,
    failed: Mutex<HashMap<DeviceUuid, Window>>,
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

impl Openings {
    /// Waits until nobody else opens a record of `device`.
    pub(super) async fn turn(&self, device: &DeviceUuid) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(device) % TURNS as u64;
        self.turns.0[place as usize].lock().await
    }

    /// Whether a record that `device` brought along may be tried.
    pub(super) fn may_try(&self, device: &DeviceUuid, now: Timestamp) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(device).is_none_or(|window| window.is_over(now) || window.failures < FAILURES)
    }

    /// Notes that a record of `device` did not open.
    pub(super) fn failed(&self, device: &DeviceUuid, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed.contains_key(device) {
            make_room(&mut failed, now);
        }
        let window = failed.entry(device.clone()).or_insert(Window { since: now, failures: 0 });
        if window.is_over(now) {
            *window = Window { since: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }
}

fn make_room(failed: &mut HashMap<DeviceUuid, Window>, now: Timestamp) {
    if failed.len() < DEVICES {
        return;
    }
    failed.retain(|_, window| !window.is_over(now));
    if failed.len() >= DEVICES
        && let Some(oldest) =
            failed.iter().min_by_key(|(_, window)| window.since).map(|(device, _)| device.clone())
    {
        failed.remove(&oldest);
    }
}
