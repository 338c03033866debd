//! Those who read along: as many as may, and no device keeps others out by having many.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::message::DeviceUuid;

/// The readers there are. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    at_most: usize,
    of_a_device: usize,
    admitted: Arc<Mutex<Admitted>>,
}

/// One reader, who makes room when it is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    number: u64,
    readers: Readers,
    stays: oneshot::Receiver<Infallible>,
}

/// Why one more may not read along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The device has as many as one may.
    OfDevice,
    /// There are as many as may be, and nobody has so many more than the device that one of theirs were to go.
    AtAll,
}

#[derive(Debug, Default)]
struct Admitted {
    next: u64,
    /// The oldest first.
    readers: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    device: DeviceUuid,
    is_settled: bool,
    /// Dropped when the reader has to go.
    _keeps: oneshot::Sender<Infallible>,
}

impl Readers {
    pub(super) fn new(at_most: usize, of_a_device: usize) -> Self {
        Self { at_most, of_a_device, admitted: Arc::default() }
    }

    /// One more reader of `device`. Where there are as many as may be, somebody has to go.
    pub(super) fn admit(&self, device: DeviceUuid) -> Result<Reader, Full> {
        let mut admitted = self.admitted();
        let own = admitted.readers.values().filter(|reader| reader.device == device).count();
        if own >= self.of_a_device {
            return Err(Full::OfDevice);
        }
        if admitted.readers.len() >= self.at_most {
            let first_to_go = admitted.first_to_go(own, self.of_a_device).ok_or(Full::AtAll)?;
            admitted.readers.remove(&first_to_go);
        }
        let (keeps, stays) = oneshot::channel();
        let number = admitted.next;
        admitted.next += 1;
        admitted.readers.insert(number, Entry { device, is_settled: false, _keeps: keeps });
        Ok(Reader { number, readers: self.clone(), stays })
    }

    fn admitted(&self) -> MutexGuard<'_, Admitted> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// Who makes room for a device that has `own` readers, where none may have more than `of_a_device`. Whoever shook hands
    /// and did not come to read goes before those who did, and of each kind the device goes that has most, its oldest reader
    /// first. So nobody's only one goes while others hold many without use, or while half of what a device may have is not
    /// enough for one.
    fn first_to_go(&self, own: usize, of_a_device: usize) -> Option<u64> {
        let mut held: HashMap<&DeviceUuid, usize> = HashMap::new();
        self.readers.values().for_each(|reader| *held.entry(&reader.device).or_default() += 1);
        let (many, very_many) = (own + 1, (own + 1).max(of_a_device / 2));
        let urgency = |reader: &Entry| match (reader.is_settled, held[&reader.device]) {
            (false, held) if held > many => 4,
            (true, held) if held > very_many => 3,
            (false, _) => 2,
            (true, held) if held > many => 1,
            (true, _) => 0,
        };
        // Of several that are the same it is the last of these.
        let newest_first = self.readers.iter().rev();
        let first = newest_first.max_by_key(|(_, reader)| (urgency(reader), held[&reader.device]));
        first.filter(|(_, reader)| urgency(reader) > 0).map(|(number, _)| *number)
    }
}

impl Reader {
    /// It came to read.
    pub(super) fn settle(&self) {
        if let Some(entry) = self.readers.admitted().readers.get_mut(&self.number) {
            entry.is_settled = true;
        }
    }

    /// Done when others are to have its place.
    pub(super) async fn has_to_go(&mut self) {
        let _ = (&mut self.stays).await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.admitted().readers.remove(&self.number);
    }
}
