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
            let loser = taken.loser(own, self.of_a_device).ok_or(NoPlace::AtAll)?;
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
    /// Who makes room for a device that has `own` places, where nobody may have more than `of_a_device`. Whoever shook hands
    /// and did not come to use that goes before those who did, and of each kind the device goes that has most, its oldest
    /// place first. So nobody's only place goes while others hold many without use, or while half of what a device may have
    /// is not enough for one.
    fn loser(&self, own: usize, of_a_device: usize) -> Option<u64> {
        let fair = own + 1;
        self.oldest_of_most(fair, |holder| !holder.is_settled)
            .or_else(|| self.oldest_of_most(fair.max(of_a_device / 2), |_| true))
            .or_else(|| self.oldest_of_most(0, |holder| !holder.is_settled))
            .or_else(|| self.oldest_of_most(fair, |_| true))
    }

    /// The oldest such place of the device that has most places of all kinds, and more than `enough`.
    fn oldest_of_most(&self, enough: usize, is_such: impl Fn(&Holder) -> bool) -> Option<u64> {
        let mut held: HashMap<&DeviceUuid, usize> = HashMap::new();
        self.holders.values().for_each(|holder| *held.entry(&holder.device).or_default() += 1);
        let newest_first = self.holders.iter().rev();
        let such = newest_first.filter(|(_, holder)| is_such(holder) && held[&holder.device] > enough);
        // Of several that have most it is the last of these.
        such.max_by_key(|(_, holder)| held[&holder.device]).map(|(number, _)| *number)
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
