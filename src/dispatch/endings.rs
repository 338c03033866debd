//! Who waits for the end of deliveries that somebody else has in hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::Verdict;
use crate::message::DeliveryId;

type Waiting = HashMap<DeliveryId, Vec<oneshot::Sender<Verdict>>>;

/// Those who wait. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Waiting>>);

impl Endings {
    /// Hears how `id` ends, if it ends from now on.
    pub(super) fn listen(&self, id: &DeliveryId) -> oneshot::Receiver<Verdict> {
        let (teller, listener) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, tellers| {
            tellers.retain(|teller| !teller.is_closed());
            !tellers.is_empty()
        });
        waiting.entry(id.clone()).or_default().push(teller);
        listener
    }

    /// Tells all who wait that `id` ended.
    pub(super) fn tell(&self, id: &DeliveryId, verdict: &Verdict) {
        let tellers = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        // Whoever does not listen any more has hung up.
        tellers.into_iter().flatten().for_each(|teller| drop(teller.send(verdict.clone())));
    }
}
