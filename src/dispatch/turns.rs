//! Turns to be worked on: so many messages at a time, and so much of them, whether they were just brought or wait in the
//! store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::NotReceived;
use crate::memory::weight::{self, MAX_WEIGHT};
use crate::memory::{Room, Taken};

/// What all messages together may take in memory that have a turn.
const MESSAGES_BYTES: usize = 256 << 20;

/// The turns of one gateway. Cheap to clone; every clone gives the same ones, first come, first served.
#[derive(Clone, Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    most: usize,
    room: Room,
}

/// A turn to be worked on, given back when it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

impl Turns {
    /// So many turns at a time, but one at least.
    pub fn new(most: usize) -> Self {
        Self::within(most, MESSAGES_BYTES)
    }

    /// The same with room in memory for so many bytes of messages.
    pub fn within(most: usize, bytes: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, room: Room::new(bytes) }
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

    /// Room in memory for the message of this text, once there is some. Whoever wants a turn too takes that first.
    pub(super) async fn room(&self, text: &str) -> Taken {
        self.room.take(weight::of_text(text.as_bytes())).await
    }

    /// The same for a message that somebody brings, who waits for so long, if anybody says how long.
    ///
    /// # Errors
    /// [`NotReceived::TooLarge`] and [`NotReceived::Full`].
    pub(super) async fn room_within(
        &self,
        text: &str,
        patience: Option<Duration>,
    ) -> Result<Taken, NotReceived> {
        let weight = weight::of_text(text.as_bytes());
        if weight > MAX_WEIGHT {
            return Err(NotReceived::TooLarge);
        }
        let room = self.room.take(weight);
        match patience {
            Some(patience) => timeout(patience, room).await.map_err(|_| NotReceived::Full),
            None => Ok(room.await),
        }
    }

    /// Gives no more.
    pub(super) fn close(&self) {
        self.free.close();
    }
}
