//! Room for what is large: all of it together must fit into memory.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::SMALL;

const UNIT: usize = 1 << 10;

/// What is left for large things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room {
    free: Arc<Semaphore>,
    small: usize,
}

/// The room that one thing takes; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Taken(Option<OwnedSemaphorePermit>);

/// The room is used up for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no room in memory now")]
pub struct Crowded;

impl Room {
    /// Room for so many bytes of what is large; what takes at most 64 KiB is not counted.
    pub fn new(bytes: usize) -> Self {
        Self::but_for(SMALL, bytes)
    }

    /// Room for so many bytes, where what is small counts too: for things of which each may have very many.
    pub fn to_the_last(bytes: usize) -> Self {
        Self::but_for(0, bytes)
    }

    fn but_for(small: usize, bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes / UNIT)), small }
    }

    /// Makes `taken` large enough for what takes `bytes` of memory.
    ///
    /// # Errors
    /// [`Crowded`]; `taken` is what it was.
    pub fn grow(&self, taken: &mut Taken, bytes: usize) -> Result<(), Crowded> {
        let wanted = self.units_of(bytes);
        let held = taken.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more) = u32::try_from(wanted.saturating_sub(held)) else { return Err(Crowded) };
        if more > 0 {
            let permit = Arc::clone(&self.free).try_acquire_many_owned(more).map_err(|_| Crowded)?;
            match &mut taken.0 {
                Some(held) => held.merge(permit),
                nothing => *nothing = Some(permit),
            }
        }
        Ok(())
    }

    fn units_of(&self, bytes: usize) -> usize {
        if bytes <= self.small { 0 } else { bytes.div_ceil(UNIT) }
    }
}
