//! Places for what devices bring that the gateway has no record of: any device may come, and a bus may be slow about any.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::message::DeviceUuid;

/// How much of all of them is looked at at a time.
const AT_A_TIME: usize = 64;
/// How much of one device.
const OF_ONE: usize = 4;

/// The places of one gateway.
#[derive(Debug)]
pub(super) struct Lobby {
    all: Arc<Semaphore>,
    of_devices: Mutex<HashMap<DeviceUuid, Weak<Semaphore>>>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_device: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Lobby {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_A_TIME)), of_devices: Mutex::default() }
    }
}

impl Lobby {
    /// A place for what this device brings; none where there is none for so long.
    pub(super) async fn place(&self, device: &DeviceUuid, patience: Duration) -> Option<Place> {
        let (of_device, of_all) = (self.of(device), Arc::clone(&self.all));
        let place = async {
            // Its own first: who waits for that keeps nobody else waiting.
            let of_device = of_device.acquire_owned().await.ok()?;
            Some(Place { _of_device: of_device, _of_all: of_all.acquire_owned().await.ok()? })
        };
        timeout(patience, place).await.ok().flatten()
    }

    /// The places of one device, known for as long as somebody has or wants one.
    fn of(&self, device: &DeviceUuid) -> Arc<Semaphore> {
        let mut known = self.of_devices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = known.get(device).and_then(Weak::upgrade) {
            return places;
        }
        known.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(OF_ONE));
        known.insert(device.clone(), Arc::downgrade(&places));
        places
    }
}
