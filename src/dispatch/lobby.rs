//! Chairs for what devices bring that the gateway has no record of: any device may come, and a bus may be slow about any.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::message::DeviceUuid;
use crate::queueing::{Queues, Turn};

/// How much of all of them is looked at at a time.
const AT_A_TIME: usize = 64;
/// How much of one device.
const OF_ONE: usize = 4;

/// The chairs of one gateway.
#[derive(Debug)]
pub(super) struct Lobby {
    chairs: Arc<Semaphore>,
    of_devices: Queues<DeviceUuid>,
}

/// A chair, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Chair {
    _of_device: Turn,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Lobby {
    fn default() -> Self {
        Self { chairs: Arc::new(Semaphore::new(AT_A_TIME)), of_devices: Queues::of(OF_ONE) }
    }
}

impl Lobby {
    /// A chair for what this device brings; none where there is none for so long.
    pub(super) async fn chair(&self, device: &DeviceUuid, patience: Duration) -> Option<Chair> {
        let chair = async {
            // Its own first: who waits for that keeps nobody else waiting.
            let of_device = self.of_devices.turn(device).await;
            let of_all = Arc::clone(&self.chairs).acquire_owned().await.ok()?;
            Some(Chair { _of_device: of_device, _of_all: of_all })
        };
        timeout(patience, chair).await.ok().flatten()
    }
}
