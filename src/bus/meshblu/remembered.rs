//! The subscriptions of a few devices, as they were a moment ago.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

/// How long what the bus said counts.
const LIFE: Duration = Duration::from_secs(1);
/// Of how many devices at most; the one that was not asked for longest makes room.
const DEVICES: usize = 4096;

type Subscriptions = Arc<Vec<StoredSubscription>>;

/// What the bus said of the subscriptions of devices.
#[derive(Debug)]
pub(super) struct Remembered(Mutex<LruCache<DeviceUuid, (Timestamp, Subscriptions)>>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(DEVICES)))
    }
}

impl Remembered {
    /// What the bus said no longer ago than a second.
    pub(super) fn recall(&self, device: &DeviceUuid, now: Timestamp) -> Option<Subscriptions> {
        self.lock().get(device).filter(|(said, _)| is_fresh(*said, now)).map(|(_, what)| Arc::clone(what))
    }

    /// Notes what the bus said when it was asked at `asked`.
    pub(super) fn keep(&self, device: DeviceUuid, asked: Timestamp, what: Subscriptions) {
        self.lock().insert(device, (asked, what));
    }

    /// Forgets what the bus said of a device, which is about to change.
    pub(super) fn forget(&self, device: &DeviceUuid) {
        self.lock().remove(device);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<DeviceUuid, (Timestamp, Subscriptions)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not when the clock was set back: nobody knows how long ago that was.
fn is_fresh(said: Timestamp, now: Timestamp) -> bool {
    said <= now && now.since(said) < LIFE
}
