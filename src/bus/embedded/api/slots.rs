//! The slots of those who read along: as many as there are, and no device keeps others out by having many.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::message::DeviceUuid;

/// The slots that are taken, and by whom. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    at_most: usize,
    of_a_device: usize,
    taken: Arc<Mutex<Taken>>,
}

/// The slot of one who reads along; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    number: u64,
    slots: Slots,
    lost: oneshot::Receiver<Infallible>,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
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
    /// Dropped when the slot is lost.
    _keeps: oneshot::Sender<Infallible>,
}

impl Slots {
    pub(super) fn new(at_most: usize, of_a_device: usize) -> Self {
        Self { at_most, of_a_device, taken: Arc::default() }
    }

    /// A slot for one more of `device`. Where all are taken, somebody loses theirs.
    pub(super) fn take(&self, device: DeviceUuid) -> Result<Slot, Full> {
        let mut taken = self.taken();
        let own = taken.holders.values().filter(|holder| holder.device == device).count();
        if own >= self.of_a_device {
            return Err(Full::OfDevice);
        }
        if taken.holders.len() >= self.at_most {
            let loser = taken.loser(own, self.of_a_device).ok_or(Full::AtAll)?;
            taken.holders.remove(&loser);
        }
        let (keeps, lost) = oneshot::channel();
        let number = taken.next;
        taken.next += 1;
        taken.holders.insert(number, Holder { device, is_settled: false, _keeps: keeps });
        Ok(Slot { number, slots: self.clone(), lost })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Who makes room for a device that has `own` slots, where nobody may have more than `of_a_device`. Whoever shook hands and
    /// did not come to use that goes before those who did, and of each kind the device goes that has most, its oldest slot
    /// first. So nobody's only slot goes while others hold many without use, or while half of what a device may have is not
    /// enough for one.
    fn loser(&self, own: usize, of_a_device: usize) -> Option<u64> {
        let mut held: HashMap<&DeviceUuid, usize> = HashMap::new();
        self.holders.values().for_each(|holder| *held.entry(&holder.device).or_default() += 1);
        let (many, very_many) = (own + 1, (own + 1).max(of_a_device / 2));
        let urgency = |holder: &Holder| match (holder.is_settled, held[&holder.device]) {
            (false, held) if held > many => 4,
            (true, held) if held > very_many => 3,
            (false, _) => 2,
            (true, held) if held > many => 1,
            (true, _) => 0,
        };
        // Of several that are the same it is the last of these.
        let newest_first = self.holders.iter().rev();
        let first = newest_first.max_by_key(|(_, holder)| (urgency(holder), held[&holder.device]));
        first.filter(|(_, holder)| urgency(holder) > 0).map(|(number, _)| *number)
    }
}

impl Slot {
    /// Whoever has it came to use it.
    pub(super) fn settle(&self) {
        if let Some(holder) = self.slots.taken().holders.get_mut(&self.number) {
            holder.is_settled = true;
        }
    }

    /// Done when somebody else has it.
    pub(super) async fn lost(&mut self) {
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.taken().holders.remove(&self.number);
    }
}
