//! The place in the queue of a delivery in somebody's hands; a new one gets it when something is written of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{NewDelivery, StoreError, Transaction};
use crate::ambient::Timestamp;

/// What is in somebody's hands, by its place in the queue.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Hands>);

#[derive(Debug, Default)]
struct Hands {
    all: Mutex<HashSet<i64>>,
    /// Whether the store took no end lately: then nothing is answered that it has not accepted.
    is_wary: AtomicBool,
}

impl InFlight {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often the same delivery may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comes {
    /// Nobody could tell that it is the same.
    Once,
    /// It has a constant name: what is not acknowledged comes again.
    Again,
}

/// The place of a delivery in the queue. Cheap to clone; every clone is the same place.
#[derive(Clone, Debug)]
pub struct Place(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    state: Mutex<State>,
    /// What is to be written at it, where nothing is yet.
    new: Option<New>,
    in_flight: InFlight,
}

#[derive(Debug)]
struct New {
    delivery: NewDelivery,
    accepted_at: Timestamp,
    comes: Comes,
}

#[derive(Debug)]
struct State {
    at: At,
    /// The reply that left while nothing was on disk.
    reply: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Nothing is written.
    Nowhere,
    /// Written, and not known to be on disk.
    Written(i64),
    OnDisk(i64),
    /// It ended before anything was written of it.
    Over,
    /// Whoever had it in hand let go of it.
    Left,
}

impl Place {
    /// A place that is taken.
    pub(super) fn taken(seq: i64, in_flight: InFlight) -> Self {
        let state = Mutex::new(State { at: At::OnDisk(seq), reply: None });
        Self(Arc::new(Parts { state, new: None, in_flight }))
    }

    /// A place that is taken when something is first written of this delivery.
    pub(super) fn of_new(
        (delivery, comes): (NewDelivery, Comes),
        accepted_at: Timestamp,
        in_flight: InFlight,
    ) -> Self {
        let state = Mutex::new(State { at: At::Nowhere, reply: None });
        Self(Arc::new(Parts { state, new: Some(New { delivery, accepted_at, comes }), in_flight }))
    }

    /// Its number. A delivery that is not on disk is accepted by this transaction, with the reply that left.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is, where the delivery is new; [`StoreError::Undone`] when nobody has the
    /// delivery in hand any more; else what the database reports.
    pub fn within(&self, transaction: &Transaction<'_>) -> Result<i64, StoreError> {
        let mut state = self.state();
        let new = match (state.at, &self.0.new) {
            (At::OnDisk(seq), _) => return Ok(seq),
            (At::Nowhere | At::Written(_), Some(new)) => new,
            _ => return Err(StoreError::Undone),
        };
        let seq = match state.at {
            // By another write that is to be committed with this one, or was undone.
            At::Written(seq) if transaction.is_queued_at(seq, &new.delivery.id)? => seq,
            _ => new.accept(transaction, state.reply.as_deref())?,
        };
        self.vacate(state.at);
        // Before anybody can see it: what is in hand is not handed out.
        self.0.in_flight.all().insert(seq);
        state.at = At::Written(seq);
        let place = self.clone();
        transaction.after_commit(move || place.stays_at(seq));
        Ok(seq)
    }

    /// Accepts the delivery by this transaction, unless something was written of it before: it may have ended.
    ///
    /// # Errors
    /// As [`Place::within`].
    pub fn accept_within(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let at = self.state().at;
        match at {
            At::Nowhere => self.within(transaction).map(drop),
            At::Written(_) | At::OnDisk(_) | At::Over | At::Left => Ok(()),
        }
    }

    /// Takes the delivery out of the queue; answers whether it had not ended before. Of one that nothing is written of,
    /// the outcome that commits with this is all that ever is.
    ///
    /// # Errors
    /// As [`Place::within`].
    pub fn end_within(&self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        let mut state = self.state();
        match state.at {
            At::Nowhere => transaction.check_room()?,
            // By a write that was undone.
            At::Over => (),
            At::Written(_) | At::OnDisk(_) | At::Left => {
                drop(state);
                return transaction.finish(self.within(transaction)?);
            }
        }
        state.at = At::Over;
        Ok(true)
    }

    /// Whether `reply` may leave although nothing of the delivery is on disk: if it comes but once, a crash leaves
    /// nothing that could be done twice. Whatever is written of the delivery later has the reply with it.
    pub fn may_reply_off_disk(&self, reply: &Arc<str>) -> bool {
        let mut state = self.state();
        let comes_once = self.0.new.as_ref().is_some_and(|new| new.comes == Comes::Once);
        let may = comes_once && matches!(state.at, At::Nowhere) && !self.is_wary().load(Ordering::Relaxed);
        if may {
            state.reply = Some(Arc::clone(reply));
        }
        may
    }

    /// Whether the delivery is known to be on disk.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.state().at, At::OnDisk(_))
    }

    /// Lets go of the delivery; `ended` where its end is on disk.
    pub(super) fn leave(&self, ended: bool) {
        let mut state = self.state();
        if matches!(state.at, At::Nowhere) && !ended {
            self.is_wary().store(true, Ordering::Relaxed);
        }
        self.vacate(state.at);
        state.at = At::Left;
    }

    fn stays_at(&self, seq: i64) {
        let mut state = self.state();
        if matches!(state.at, At::Written(written) if written == seq) {
            state.at = At::OnDisk(seq);
            self.is_wary().store(false, Ordering::Relaxed);
        }
    }

    fn vacate(&self, at: At) {
        if let At::Written(seq) | At::OnDisk(seq) = at {
            self.0.in_flight.all().remove(&seq);
        }
    }

    fn is_wary(&self) -> &AtomicBool {
        &self.0.in_flight.0.is_wary
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl New {
    fn accept(&self, transaction: &Transaction<'_>, reply: Option<&str>) -> Result<i64, StoreError> {
        let seq = transaction.accept(&self.delivery, self.accepted_at)?;
        if let Some(reply) = reply {
            transaction.start_reply(seq, reply)?;
        }
        Ok(seq)
    }
}
