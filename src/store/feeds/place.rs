//! The place in the queue of a delivery in somebody's hands; a new one gets it when something is written of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ambient::Timestamp;
use crate::message::DeliveryId;
use crate::store::{LeavingReply, NewDelivery, StoreError, Transaction};

/// What is in somebody's hands, by its place in the queue.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<i64>>>);

impl InFlight {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anybody can ask for a delivery by its name after it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedFor {
    /// Nobody knows its name: a reply that was taken is all that there is to be known.
    Never,
    /// Its bus, which brings what is not acknowledged again.
    Again,
    /// The person who sent it with this mark.
    BySender(DeliveryId),
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
    asked_for: AskedFor,
}

#[derive(Debug)]
struct State {
    at: At,
    /// The reply that left while nothing was on disk.
    reply: Option<LeavingReply>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Nothing is written.
    Nowhere,
    /// Written by a transaction that is open.
    Written(i64),
    OnDisk(i64),
    /// It ended, and nothing is written of it.
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
        delivery: NewDelivery,
        asked_for: AskedFor,
        accepted_at: Timestamp,
        in_flight: InFlight,
    ) -> Self {
        let state = Mutex::new(State { at: At::Nowhere, reply: None });
        Self(Arc::new(Parts { state, new: Some(New { delivery, accepted_at, asked_for }), in_flight }))
    }

    /// Its number. A delivery that is not on disk is accepted by this transaction, with the reply that left.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is, where the delivery is new; [`StoreError::Undone`] when nobody has the
    /// delivery in hand any more; else what the database reports.
    pub fn within(&self, transaction: &Transaction<'_>) -> Result<i64, StoreError> {
        let mut state = self.state();
        match state.at {
            At::OnDisk(seq) | At::Written(seq) => Ok(seq),
            _ => {
                let reply = state.reply.clone();
                self.accept(transaction, &mut state, reply.as_ref())
            }
        }
    }

    /// Writes down the reply that is about to leave, in one with the delivery where nothing is written of that; answers
    /// whether the work had not ended before.
    ///
    /// # Errors
    /// As [`Place::within`].
    pub fn start_reply(
        &self,
        transaction: &Transaction<'_>,
        reply: &LeavingReply,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        match state.at {
            At::OnDisk(seq) | At::Written(seq) => transaction.start_reply(seq, reply),
            _ => self.accept(transaction, &mut state, Some(reply)).map(|_| true),
        }
    }

    fn accept(
        &self,
        transaction: &Transaction<'_>,
        state: &mut State,
        reply: Option<&LeavingReply>,
    ) -> Result<i64, StoreError> {
        let (At::Nowhere, Some(new)) = (state.at, &self.0.new) else { return Err(StoreError::Undone) };
        let seq = new.accept(transaction, reply)?;
        // Before anybody can see it: what is in hand is not handed out.
        self.0.in_flight.all().insert(seq);
        state.at = At::Written(seq);
        let written = Written { place: self.clone(), seq };
        transaction.after_commit(move || written.stays());
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

    /// Takes `reply` as the one that leaves, and answers that it may, where nothing of the delivery is on disk: if nobody asks for it, a crash leaves
    /// nothing that could be done twice. Whatever is written of the delivery later has the reply with it.
    pub fn reply_off_disk(&self, reply: &LeavingReply) -> bool {
        let mut state = self.state();
        let may = self.is_nowhere(&state);
        if may {
            state.reply = Some(reply.clone());
        }
        may
    }

    /// Ends the delivery, and answers that it did, where nothing of it is on disk: from then on nothing can be written of it.
    pub fn end_off_disk(&self) -> bool {
        let mut state = self.state();
        let ends = self.is_nowhere(&state);
        if ends {
            state.at = At::Over;
        }
        ends
    }

    /// Whether the delivery is known to be on disk.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.state().at, At::OnDisk(_))
    }

    /// Lets go of the delivery.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        self.vacate(state.at);
        state.at = At::Left;
    }

    /// What was written at `seq` is on disk from now on, or was undone; nothing where it was let go of meanwhile.
    fn settles(&self, seq: i64, at: At) {
        let mut state = self.state();
        if matches!(state.at, At::Written(written) if written == seq) {
            state.at = at;
            if !matches!(at, At::OnDisk(_)) {
                self.0.in_flight.all().remove(&seq);
            }
        }
    }

    /// Whether nothing is written of the delivery, and nobody will ask for it.
    fn is_nowhere(&self, state: &State) -> bool {
        let is_asked_for = self.0.new.as_ref().is_none_or(|new| new.asked_for != AskedFor::Never);
        matches!(state.at, At::Nowhere) && !is_asked_for
    }

    fn vacate(&self, at: At) {
        if let At::Written(seq) | At::OnDisk(seq) = at {
            self.0.in_flight.all().remove(&seq);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a transaction that is open. Dropped before the commit, with what was to follow it, it is nowhere again:
/// its number is given to another.
struct Written {
    place: Place,
    seq: i64,
}

impl Written {
    fn stays(self) {
        self.place.settles(self.seq, At::OnDisk(self.seq));
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.place.settles(self.seq, At::Nowhere);
    }
}

impl New {
    fn accept(&self, transaction: &Transaction<'_>, reply: Option<&LeavingReply>) -> Result<i64, StoreError> {
        transaction.note_name(&self.delivery.id);
        let seq = transaction.accept_replied(&self.delivery, self.accepted_at, reply)?;
        if let AskedFor::BySender(mark) = &self.asked_for {
            transaction.note_return(mark, &self.delivery.id)?;
        }
        Ok(seq)
    }
}
