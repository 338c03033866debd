//! Who is connected, and who goes where many are.
//!
//! A server takes only so many, and whoever comes then would wait until one of them ends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those who are there. Cheap to clone.
#[derive(Clone)]
pub(super) struct Crowd {
    /// How many the server takes.
    places: usize,
    there: Arc<Mutex<There>>,
}

#[derive(Default)]
struct There {
    busy: usize,
    next: u64,
    /// Who has waited longest comes first. What is dropped tells whoever waits that it has to go.
    waiting: BTreeMap<u64, oneshot::Sender<Infallible>>,
}

/// One who waits for a request, for as long as this is held.
pub(super) struct Waiting {
    crowd: Crowd,
    number: u64,
    stays: oneshot::Receiver<Infallible>,
}

/// One whose request is being answered, or whose answer is being read, for as long as this is held.
pub(super) struct Busy(Crowd);

impl Crowd {
    /// Of a server that takes so many.
    pub(super) fn new(places: usize) -> Self {
        Self { places, there: Arc::default() }
    }

    /// One more waits. Where there are too many, whoever has waited longest goes for it.
    pub(super) fn wait(&self) -> Waiting {
        let (keeps, stays) = oneshot::channel();
        let mut there = self.there();
        if there.waiting.len() >= self.may_wait(there.busy) {
            there.waiting.pop_first();
        }
        let number = there.next;
        there.next += 1;
        there.waiting.insert(number, keeps);
        Waiting { crowd: self.clone(), number, stays }
    }

    /// One more is busy, and nobody has to go for it: it has waited before.
    pub(super) fn work(&self) -> Busy {
        self.there().busy += 1;
        Busy(self.clone())
    }

    /// Of the places that the busy leave, a quarter stays free for those who come while others are on their way out. Who
    /// waits goes for whoever comes, never for the busy: to end those would make no room that lasts.
    fn may_wait(&self, busy: usize) -> usize {
        let left = self.places.saturating_sub(busy);
        left - left.div_ceil(4)
    }

    fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Done when others need the place.
    pub(super) async fn has_to_go(&mut self) {
        let _ = (&mut self.stays).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.crowd.there().waiting.remove(&self.number);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.there().busy -= 1;
    }
}
