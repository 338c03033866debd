//! Room for large bodies: all of them together must fit into memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this size are not counted.
const SMALL: usize = 64 << 10;
const UNIT: usize = 1 << 10;

/// What is left for large bodies.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// The room that one body takes; given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Taken(Option<OwnedSemaphorePermit>);

/// The room is used up for now.
#[derive(Debug)]
pub(super) struct Crowded;

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// Makes `taken` large enough for a body that takes `bytes` of memory.
    pub(super) fn grow(&self, taken: &mut Taken, bytes: usize) -> Result<(), Crowded> {
        let wanted = if bytes <= SMALL { 0 } else { bytes.div_ceil(UNIT) };
        let held = taken.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more) = u32::try_from(wanted.saturating_sub(held)) else { return Err(Crowded) };
        if more > 0 {
            let permit = Arc::clone(&self.0).try_acquire_many_owned(more).map_err(|_| Crowded)?;
            match &mut taken.0 {
                Some(held) => held.merge(permit),
                nothing => *nothing = Some(permit),
            }
        }
        Ok(())
    }
}
