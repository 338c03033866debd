//! The places of those who read along: as many as there are, and no device keeps others out by having many.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::message::DeviceUuid;

/// The places that are taken, and by whom. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    at_most: usize,
    of_a_device: usize,
    taken: Arc<Mutex<Taken>>,
}

/// The place of one reader; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    places: Places,
    lost: oneshot::Receiver<Infallible>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// The device has all that one may have.
    OfDevice,
    /// All are taken, and nobody has so many more than the device that one of theirs were to go.
    AtAll,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// The oldest first.
    holders: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    device: DeviceUuid,
    is_settled: bool,
    /// Dropped when the place is lost.
    _keeps: oneshot::Sender<Infallible>,
}

impl Places {
    pub(super) fn new(at_most: usize, of_a_device: usize) -> Self {
        Self { at_most, of_a_device, taken: Arc::default() }
    }

    /// A place for one more reader of `device`. Where all are taken, somebody loses theirs.
    pub(super) fn take(&self, device: DeviceUuid) -> Result<Place, NoPlace> {
        let mut taken = self.taken();
        let own = taken.holders.values().filter(|holder| holder.device == device).count();
        if own >= self.of_a_device {
            return Err(NoPlace::OfDevice);
        }
        if taken.holders.len() >= self.at_most {
            let loser = taken.loser(own).ok_or(NoPlace::AtAll)?;
            taken.holders.remove(&loser);
        }
        let (keeps, lost) = oneshot::channel();
        let number = taken.next;
        taken.next += 1;
        taken.holders.insert(number, Holder { device, is_settled: false, _keeps: keeps });
        Ok(Place { number, places: self.clone(), lost })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Who makes room for a device that has `own` places: whoever took one first and did not come to use it, else the oldest
    /// of whoever has most, where the device has fewer than that one also afterwards.
    fn loser(&self, own: usize) -> Option<u64> {
        let unsettled = self.holders.iter().find(|(_, holder)| !holder.is_settled);
        if let Some((number, _)) = unsettled {
            return Some(*number);
        }
        let mut held: HashMap<&DeviceUuid, usize> = HashMap::new();
        self.holders.values().for_each(|holder| *held.entry(&holder.device).or_default() += 1);
        let (device, most) = held.into_iter().max_by_key(|(_, held)| *held)?;
        let oldest = self.holders.iter().find(|(_, holder)| holder.device == *device);
        oldest.filter(|_| most > own + 1).map(|(number, _)| *number)
    }
}

impl Place {
    /// Whoever has it came to use it.
    pub(super) fn settle(&self) {
        if let Some(holder) = self.places.taken().holders.get_mut(&self.number) {
            holder.is_settled = true;
        }
    }

    /// Done when somebody else has it.
    pub(super) async fn lost(&mut self) {
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().holders.remove(&self.number);
    }
}
