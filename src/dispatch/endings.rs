//! Who waits for the end of deliveries that somebody else has in hand, or comes when nothing is kept of it any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::Verdict;
use super::refusals::Refusals;
use crate::message::DeliveryId;

/// Those who wait, and what those are told who come late. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Endings {
    waiting: Arc<Mutex<HashMap<DeliveryId, Waiting>>>,
    refusals: Arc<Mutex<Refusals>>,
}

#[derive(Debug)]
struct Waiting {
    /// Of whoever came first.
    claim: Arc<()>,
    tellers: Vec<oneshot::Sender<Verdict>>,
}

/// Whoever holds it was the first to ask for a delivery. When it is dropped, nobody waits in vain for what will not be
/// told.
#[derive(Debug)]
pub(super) struct Claim {
    endings: Endings,
    id: DeliveryId,
    mark: Arc<()>,
}

impl Endings {
    /// Hears how `id` ends, if it ends from now on; with a claim where nobody else waits for that.
    pub(super) fn listen(&self, id: &DeliveryId) -> (oneshot::Receiver<Verdict>, Option<Claim>) {
        let (teller, listener) = oneshot::channel();
        let mut waiting = self.waiting();
        if let Some(waiting) = waiting.get_mut(id) {
            waiting.tellers.push(teller);
            return (listener, None);
        }
        let mark = Arc::new(());
        waiting.insert(id.clone(), Waiting { claim: Arc::clone(&mark), tellers: vec![teller] });
        (listener, Some(Claim { endings: self.clone(), id: id.clone(), mark }))
    }

    /// Tells all who wait that `id` ended.
    pub(super) fn tell(&self, id: &DeliveryId, verdict: &Verdict) {
        let waiting = self.waiting().remove(id);
        // Whoever does not listen any more has hung up.
        waiting
            .into_iter()
            .flat_map(|waiting| waiting.tellers)
            .for_each(|teller| drop(teller.send(verdict.clone())));
    }

    /// Notes how `id` was refused, where the store keeps nothing of it.
    pub(super) fn note_refusal(&self, id: &DeliveryId, verdict: &Verdict) {
        self.refusals().remember(id, verdict);
    }

    /// How `id` was refused a while ago, as far as that is remembered.
    pub(super) fn refusal_of(&self, id: &DeliveryId) -> Option<Verdict> {
        self.refusals().recall(id)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<DeliveryId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut waiting = self.endings.waiting();
        if waiting.get(&self.id).is_some_and(|waiting| Arc::ptr_eq(&waiting.claim, &self.mark)) {
            waiting.remove(&self.id);
        }
    }
}
