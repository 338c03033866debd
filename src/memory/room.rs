//! Room for what is large: all of it together must fit into memory.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What takes no more than this is not counted.
const SMALL: usize = 64 << 10;
const UNIT: usize = 1 << 10;

/// What is left for large things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

/// The room that one thing takes; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Taken(Option<OwnedSemaphorePermit>);

/// The room is used up for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no room in memory now")]
pub struct Crowded;

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// Makes `taken` large enough for what takes `bytes` of memory.
    ///
    /// # Errors
    /// [`Crowded`]; `taken` is what it was.
    pub fn grow(&self, taken: &mut Taken, bytes: usize) -> Result<(), Crowded> {
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
