//! How many operations each device calls in a minute of the clock (`spec/meshblu.md` 2.5).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ambient::Timestamp;
use crate::bus::embedded::BusError;
use crate::message::DeviceUuid;

/// Devices that are counted in one minute. Whoever comes after them is counted in the next: so the memory has a bound,
/// and nobody is refused because of others.
const DEVICES: usize = 100_000;
const MINUTE: i64 = 60_000;

/// Counts the operations of each device and refuses those beyond the limit.
#[derive(Debug)]
pub(super) struct Meter {
    limit: u32,
    minute: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    counts: HashMap<DeviceUuid, u32>,
}

impl Meter {
    /// A meter that lets so many operations pass; with 0, all.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, minute: Mutex::default() }
    }

    /// Counts one operation of `device`.
    pub(super) fn count(&self, device: &DeviceUuid, now: Timestamp) -> Result<(), BusError> {
        if self.limit == 0 {
            return Ok(());
        }
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_millis().div_euclid(MINUTE);
        if minute.number != number {
            *minute = Minute { number, counts: HashMap::new() };
        }
        if minute.counts.len() >= DEVICES && !minute.counts.contains_key(device) {
            return Ok(());
        }
        let count = minute.counts.entry(device.clone()).or_default();
        if *count == self.limit {
            return Err(BusError::TooManyRequests);
        }
        *count += 1;
        Ok(())
    }
}
