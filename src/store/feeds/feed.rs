//! Hands out work that is due, each piece to one worker at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::handed::Awaited;
use super::place::{AskedFor, InFlight};
use crate::ambient::{Clock, LastLook, Look, Timestamp};
use crate::store::tables::deliveries::Ahead;
use crate::store::{NewDelivery, Place, QueuedDelivery, Store, StoreError, Transaction, Work};

/// The workers' end of the queue of one kind of work.
#[derive(Debug)]
pub struct Feed {
    pub(super) store: Store,
    pub(super) work: Work,
    clock: Clock,
    pub(super) bell: Arc<Notify>,
    pub(super) in_flight: InFlight,
    pub(super) awaited: Awaited,
    /// The name of the line of jobs that was looked at last. One look at the queue at a time: what it found is marked as handed
    /// out before the next.
    pub(super) last_line: tokio::sync::Mutex<String>,
    last_look: LastLook,
    /// Nothing is put off for longer.
    longest_wait: Duration,
}

/// What is handed out at once has about as much text, in bytes; what is more waits in the store meanwhile.
pub(super) const AT_ONCE: usize = 8 << 20;
/// Whenever it was accepted.
const EVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// Work in a worker's hands. When it is dropped without an outcome, it is handed out again once it is due.
#[derive(Debug)]
pub struct Taken {
    /// The work.
    pub delivery: QueuedDelivery,
    /// Its place in the queue.
    pub place: Place,
    bell: Arc<Notify>,
    ended: bool,
}

impl Taken {
    /// Lets go of work whose end is on disk.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.place.leave();
        if !self.ended {
            self.bell.notify_one();
        }
    }
}

impl Feed {
    /// A feed of `work`; `bell` is rung when there is more. One process needs one feed of a kind.
    pub fn new(store: Store, work: Work, clock: Clock, bell: Arc<Notify>) -> Self {
        let (in_flight, awaited, last_line, last_look) = Default::default();
        let longest_wait = Duration::MAX;
        Self { store, work, clock, bell, in_flight, awaited, last_line, last_look, longest_wait }
    }

    /// The same feed, of which nothing is put off for longer: what is due later at the first look is so by a clock that was put
    /// right while no feed ran.
    pub fn putting_off_at_most(self, longest_wait: Duration) -> Self {
        Self { longest_wait, ..self }
    }

    /// Takes a job in hand that is not on disk yet: it is from the first thing on that is written at its place, where its
    /// body is kept alone.
    pub fn hold(&self, new: NewDelivery, asked_for: AskedFor) -> Taken {
        let now = self.clock.now();
        let without_body = NewDelivery {
            id: new.id.clone(),
            work: new.work,
            device: new.device.clone(),
            event: new.event.clone(),
            route: new.route.clone(),
            target: new.target.clone(),
            body: String::new(),
        };
        let place = Place::of_new(new, asked_for, now, self.in_flight.clone());
        self.handed_out(QueuedDelivery::first(without_body, now), place)
    }

    /// The time; a clock that was set back, also while no feed ran, must not keep work waiting for the time it lost.
    pub(super) async fn now(&self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        let ahead = match self.last_look.compare(now) {
            Look::First => Some(Ahead { accepted_after: now, due_after: now.plus(self.longest_wait) }),
            Look::SetBack => Some(Ahead { accepted_after: EVER, due_after: now }),
            Look::On => None,
        };
        if let Some(ahead) = ahead {
            let work = self.work;
            let hasten = move |transaction: &Transaction<'_>| transaction.hasten(work, ahead, now);
            let hastened = self.store.write::<_, StoreError, _>(hasten).await?;
            if hastened > 0 {
                tracing::debug!(deliveries = hastened, "the clock was set back: what was put off is due now");
            }
        }
        self.last_look.note(now);
        Ok(now)
    }

    pub(super) fn handed_out(&self, delivery: QueuedDelivery, place: Place) -> Taken {
        Taken { delivery, place, bell: Arc::clone(&self.bell), ended: false }
    }
}
