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
    units: u32,
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

    /// Room for whatever there is.
    pub fn without_end() -> Self {
        Self::new(usize::MAX)
    }

    fn but_for(small: usize, bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX);
        Self { free: Arc::new(Semaphore::new(units as usize)), units, small }
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

    /// Room for what takes `bytes` of memory, once there is some, first come, first served. What takes more than there is at
    /// all has all of it.
    pub async fn take(&self, bytes: usize) -> Taken {
        let units = self.units_at_most(bytes);
        if units == 0 {
            return Taken::default();
        }
        let permit = Arc::clone(&self.free).acquire_many_owned(units).await;
        Taken(Some(permit.expect("no room is ever closed")))
    }

    /// The same for whoever does not wait for it.
    ///
    /// # Errors
    /// [`Crowded`].
    pub fn take_now(&self, bytes: usize) -> Result<Taken, Crowded> {
        let units = self.units_at_most(bytes);
        if units == 0 {
            return Ok(Taken::default());
        }
        let permit = Arc::clone(&self.free).try_acquire_many_owned(units).map_err(|_| Crowded)?;
        Ok(Taken(Some(permit)))
    }

    pub(super) fn free_units(&self) -> u32 {
        u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX)
    }

    pub(super) fn units_at_most(&self, bytes: usize) -> u32 {
        u32::try_from(self.units_of(bytes)).unwrap_or(u32::MAX).min(self.units)
    }

    fn units_of(&self, bytes: usize) -> usize {
        if bytes <= self.small { 0 } else { bytes.div_ceil(UNIT) }
    }
}
