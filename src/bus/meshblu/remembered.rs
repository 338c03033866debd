//! The subscriptions of a few devices, as they were a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

/// How long what the bus said counts.
const LIFE: Duration = Duration::from_secs(1);
/// Of how many devices at most; when there are more, those whose time is over go first, else all.
const DEVICES: usize = 4096;

type Subscriptions = Arc<Vec<StoredSubscription>>;

/// What the bus said of the subscriptions of devices.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<DeviceUuid, (Timestamp, Subscriptions)>>);

impl Remembered {
    /// What the bus said no longer ago than a second.
    pub(super) fn recall(&self, device: &DeviceUuid, now: Timestamp) -> Option<Subscriptions> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(device).filter(|(said, _)| is_fresh(*said, now)).map(|(_, what)| Arc::clone(what))
    }

    /// Notes what the bus said when it was asked at `asked`.
    pub(super) fn keep(&self, device: DeviceUuid, asked: Timestamp, what: Subscriptions) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DEVICES {
            known.retain(|_, (said, _)| is_fresh(*said, asked));
        }
        if known.len() >= DEVICES {
            known.clear();
        }
        known.insert(device, (asked, what));
    }

    /// Forgets what the bus said of a device, which is about to change.
    pub(super) fn forget(&self, device: &DeviceUuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(device);
    }
}

/// Not when the clock was set back: nobody knows how long ago that was.
fn is_fresh(said: Timestamp, now: Timestamp) -> bool {
    said <= now && now.since(said) < LIFE
}
