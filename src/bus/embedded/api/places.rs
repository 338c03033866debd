//! The places of those who read along: as many as there are, and no device has more than its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::DeviceUuid;

/// The places that are taken, counted by who reads. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    at_most: usize,
    of_a_device: usize,
    taken: Arc<Mutex<HashMap<DeviceUuid, usize>>>,
}

/// The place of one stream; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    reader: DeviceUuid,
    places: Places,
}

impl Places {
    pub(super) fn new(at_most: usize, of_a_device: usize) -> Self {
        Self { at_most, of_a_device, taken: Arc::default() }
    }

    /// A place for one more stream of `reader`; `None` where all are taken, or its own.
    pub(super) fn take(&self, reader: DeviceUuid) -> Option<Place> {
        let mut taken = self.counted();
        let own = taken.get(&reader).copied().unwrap_or_default();
        if own >= self.of_a_device || taken.values().sum::<usize>() >= self.at_most {
            return None;
        }
        taken.insert(reader.clone(), own + 1);
        Some(Place { reader, places: self.clone() })
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<DeviceUuid, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.counted();
        match taken.get_mut(&self.reader) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.reader)),
        }
    }
}
