//! Turns to be worked on: so many messages at a time, whether they were just brought or wait in the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The turns of one gateway. Cheap to clone; every clone gives the same ones, first come, first served.
#[derive(Clone, Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    most: usize,
}

/// A turn to be worked on, given back when it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

impl Turns {
    /// So many turns at a time, but one at least.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most }
    }

    /// How many there are.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A turn, where there is one that nobody waits for.
    pub(super) fn free(&self) -> Option<Turn> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// A turn, once there is one; none where they are closed.
    pub(super) async fn next(&self) -> Option<Turn> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// The same, or none where there is none for so long, if anybody says how long; for no time at all, one that is free.
    pub(super) async fn next_within(&self, patience: Option<Duration>) -> Option<Turn> {
        match patience {
            Some(patience) => timeout(patience, self.next()).await.ok().flatten(),
            None => self.next().await,
        }
    }

    /// Gives no more.
    pub(super) fn close(&self) {
        self.free.close();
    }
}
