//! Hands out work that is due, each piece to one worker at a time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{NewDelivery, QueuedDelivery, Store, StoreError, Transaction, View, Work};
use crate::ambient::{Clock, Timestamp};

type InFlight = Arc<Mutex<HashSet<i64>>>;

/// The workers' end of the queue of one kind of work.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    work: Work,
    clock: Clock,
    bell: Arc<Notify>,
    in_flight: InFlight,
    /// One look at the queue at a time: what it found is marked as handed out before the next.
    turn: tokio::sync::Mutex<()>,
    last_look: AtomicI64,
}

/// A clock set back by no more than this may keep work waiting for so long.
const SET_BACK: Duration = Duration::from_secs(1);
/// Before the first look: whatever the clock says is later.
const NEVER: i64 = i64::MIN;

/// Work in a worker's hands. When it is dropped without an outcome, it is handed out again once it is due.
#[derive(Debug)]
pub struct Taken {
    /// The work.
    pub delivery: QueuedDelivery,
    in_flight: InFlight,
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
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.delivery.seq);
        if !self.ended {
            self.bell.notify_one();
        }
    }
}

/// What became of a job that was brought.
#[derive(Debug)]
pub enum Acceptance {
    /// It is on disk, and in the hands of whoever brought it.
    Taken(Taken),
    /// A job of this id was accepted before: it waits, runs or is over; or somebody else was handed this one first.
    Known,
}

/// The hosts that get no work for now.
#[derive(Debug, Default)]
pub struct PassedOver {
    /// Host and port of each.
    pub hosts: Vec<String>,
    /// When to look again although the bell was not rung; the bell is rung for every other change.
    pub again_in: Option<Duration>,
}

/// What one look at the queue finds: work, or when there will be some.
enum Due<T> {
    Now(Vec<T>),
    In(Duration),
    Unknown,
}

impl Feed {
    /// A feed of `work`; `bell` is rung when there is more. One process needs one feed of a kind.
    pub fn new(store: Store, work: Work, (clock, bell): (Clock, Arc<Notify>)) -> Self {
        let last_look = AtomicI64::new(NEVER);
        Self { store, work, clock, bell, in_flight: InFlight::default(), turn: Default::default(), last_look }
    }

    /// Waits until there is work that is due and takes at most `most` pieces of it, oldest first.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next(&self, most: usize) -> Result<Vec<Taken>, StoreError> {
        self.next_but(most, PassedOver::default).await
    }

    /// As [`Feed::next`], but passes over work for the hosts `but`.
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub async fn next_but(
        &self,
        most: usize,
        but: impl Fn() -> PassedOver,
    ) -> Result<Vec<Taken>, StoreError> {
        loop {
            let rung = self.bell.notified();
            // One moment for both: what becomes due between two would be seen by neither.
            let now = self.now().await?;
            let PassedOver { hosts, again_in } = but();
            let due_in = match self.take((most, hosts), now).await? {
                Due::Now(taken) => return Ok(taken),
                Due::In(wait) => Some(wait),
                Due::Unknown => None,
            };
            match due_in.into_iter().chain(again_in).min() {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait, rung).await;
                }
                None => rung.await,
            }
        }
    }

    /// Accepts a job and takes it at once, when it is on disk. Not to be given up half-way: what was taken would wait for
    /// the next start.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the store reports; nothing is accepted then.
    pub async fn accept(&self, new: NewDelivery) -> Result<Acceptance, StoreError> {
        let (in_flight, now) = (Arc::clone(&self.in_flight), self.clock.now());
        let is_ours = Arc::new(AtomicBool::new(false));
        let claim = Arc::clone(&is_ours);
        let accept = move |transaction: &Transaction<'_>| {
            if transaction.knows_job(&new.id)? {
                return Ok(None);
            }
            let seq = transaction.accept(&new, now)?;
            transaction.after_commit(move || {
                let is_free = in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(seq);
                claim.store(is_free, Ordering::Relaxed);
            });
            Ok(Some(QueuedDelivery::first(seq, new, now)))
        };
        let accepted = self.store.write::<_, StoreError, _>(accept).await?;
        let taken = accepted.filter(|_| is_ours.load(Ordering::Relaxed));
        Ok(taken.map_or(Acceptance::Known, |delivery| Acceptance::Taken(self.handed_out(delivery))))
    }

    async fn take(
        &self,
        (most, but): (usize, Vec<String>),
        now: Timestamp,
    ) -> Result<Due<Taken>, StoreError> {
        let _turn = self.turn.lock().await;
        let work = self.work;
        let in_flight = Arc::clone(&self.in_flight);
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let busy = in_flight.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let due = view.due((work, &but), now, most + busy.len())?;
            let free = due.into_iter().filter(|seq| !busy.contains(seq)).take(most);
            let found = free.filter_map(|seq| view.queued(seq).transpose()).collect::<Result<Vec<_>, _>>()?;
            match found.is_empty() {
                false => Ok(Due::Now(found)),
                true => Ok(view.next_due(work, now)?.map_or(Due::Unknown, |due| Due::In(due.since(now)))),
            }
        };
        Ok(match self.store.read::<_, StoreError, _>(look).await? {
            Due::Now(found) => {
                Due::Now(found.into_iter().filter_map(|delivery| self.hand_out(delivery)).collect())
            }
            Due::In(wait) => Due::In(wait),
            Due::Unknown => Due::Unknown,
        })
    }

    /// The time; a clock that was set back, also while no feed ran, must not keep work waiting for the time it lost.
    async fn now(&self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        let last = self.last_look.load(Ordering::Relaxed);
        let is_first = last == NEVER;
        if is_first || Timestamp::from_millis(last).since(now) > SET_BACK {
            let accepted_after = if is_first { now } else { Timestamp::from_millis(NEVER) };
            let work = self.work;
            let hasten = move |transaction: &Transaction<'_>| transaction.hasten(work, (accepted_after, now));
            self.store.write::<_, StoreError, _>(hasten).await?;
        }
        self.last_look.store(now.as_millis(), Ordering::Relaxed);
        Ok(now)
    }

    /// `None` for what was accepted and taken while the queue was looked at.
    fn hand_out(&self, delivery: QueuedDelivery) -> Option<Taken> {
        let is_free = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(delivery.seq);
        is_free.then(|| self.handed_out(delivery))
    }

    fn handed_out(&self, delivery: QueuedDelivery) -> Taken {
        Taken { delivery, in_flight: Arc::clone(&self.in_flight), bell: Arc::clone(&self.bell), ended: false }
    }
}
