//! The place in the queue of a delivery in somebody's hands; a new one gets it when something is written of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{NewDelivery, StoreError, Transaction};
use crate::ambient::Timestamp;

/// What is in somebody's hands, by its place in the queue.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<i64>>>);

impl InFlight {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a delivery in the queue. Cheap to clone; every clone is the same place.
#[derive(Clone, Debug)]
pub struct Place(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    at: Mutex<At>,
    /// What is to be written at it, where nothing is yet.
    new: Option<(NewDelivery, Timestamp)>,
    in_flight: InFlight,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Nothing is written.
    Nowhere,
    /// Written, and not known to be on disk.
    Written(i64),
    OnDisk(i64),
    /// Whoever had it in hand let go of it.
    Left,
}

impl Place {
    /// A place that is taken.
    pub(super) fn taken(seq: i64, in_flight: InFlight) -> Self {
        Self(Arc::new(Parts { at: Mutex::new(At::OnDisk(seq)), new: None, in_flight }))
    }

    /// A place that is taken when something is first written of this delivery.
    pub(super) fn of_new(new: NewDelivery, accepted_at: Timestamp, in_flight: InFlight) -> Self {
        let new = Some((new, accepted_at));
        Self(Arc::new(Parts { at: Mutex::new(At::Nowhere), new, in_flight }))
    }

    /// Its number. A delivery that is not on disk is accepted by this transaction.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is, where the delivery is new; [`StoreError::Undone`] when nobody has the
    /// delivery in hand any more; else what the database reports.
    pub fn within(&self, transaction: &Transaction<'_>) -> Result<i64, StoreError> {
        let mut at = self.at();
        let (new, accepted_at) = match (*at, &self.0.new) {
            (At::OnDisk(seq), _) => return Ok(seq),
            (At::Nowhere | At::Written(_), Some(new)) => new,
            _ => return Err(StoreError::Undone),
        };
        let seq = match *at {
            // By another write that is to be committed with this one, or was undone.
            At::Written(seq) if transaction.is_queued_at(seq, &new.id)? => seq,
            _ => transaction.accept(new, *accepted_at)?,
        };
        self.vacate(*at);
        // Before anybody can see it: what is in hand is not handed out.
        self.0.in_flight.all().insert(seq);
        *at = At::Written(seq);
        let place = self.clone();
        transaction.after_commit(move || place.stays_at(seq));
        Ok(seq)
    }

    /// Accepts the delivery by this transaction, unless something was written of it before: it may have ended.
    ///
    /// # Errors
    /// As [`Place::within`].
    pub fn accept_within(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let at = *self.at();
        match at {
            At::Nowhere => self.within(transaction).map(drop),
            At::Written(_) | At::OnDisk(_) | At::Left => Ok(()),
        }
    }

    /// Whether the delivery is known to be on disk.
    pub fn is_on_disk(&self) -> bool {
        matches!(*self.at(), At::OnDisk(_))
    }

    /// Lets go of the delivery.
    pub(super) fn leave(&self) {
        let mut at = self.at();
        self.vacate(*at);
        *at = At::Left;
    }

    fn stays_at(&self, seq: i64) {
        let mut at = self.at();
        if matches!(*at, At::Written(written) if written == seq) {
            *at = At::OnDisk(seq);
        }
    }

    fn vacate(&self, at: At) {
        if let At::Written(seq) | At::OnDisk(seq) = at {
            self.0.in_flight.all().remove(&seq);
        }
    }

    fn at(&self) -> MutexGuard<'_, At> {
        self.0.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
