//! Hands out work that is due, each piece to one worker at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::{QueuedDelivery, Store, StoreError, Work};
use crate::ambient::Clock;

type InFlight = Arc<Mutex<HashSet<i64>>>;

/// The workers' end of the queue of one kind of work.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    work: Work,
    clock: Clock,
    bell: Arc<Notify>,
    in_flight: InFlight,
}

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

impl Feed {
    /// A feed of `work`; `bell` is rung when there is more. One process needs one feed of a kind.
    pub fn new(store: Store, work: Work, (clock, bell): (Clock, Arc<Notify>)) -> Self {
        Self { store, work, clock, bell, in_flight: InFlight::default() }
    }

    /// Waits until there is work that is due and takes at most `most` pieces of it, oldest first.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next(&self, most: usize) -> Result<Vec<Taken>, StoreError> {
        self.next_but(most, Vec::new).await
    }

    /// As [`Feed::next`], but passes over work for the hosts `but`; the bell is to be rung when they change.
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub async fn next_but(
        &self,
        most: usize,
        but: impl Fn() -> Vec<String>,
    ) -> Result<Vec<Taken>, StoreError> {
        loop {
            let rung = self.bell.notified();
            let taken = self.take(most, but()).await?;
            if !taken.is_empty() {
                return Ok(taken);
            }
            match self.wait_for_due().await? {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait, rung).await;
                }
                None => rung.await,
            }
        }
    }

    async fn take(&self, most: usize, but: Vec<String>) -> Result<Vec<Taken>, StoreError> {
        let (work, now) = (self.work, self.clock.now());
        let in_flight = Arc::clone(&self.in_flight);
        let look = move |view: &super::View<'_>| {
            let busy = in_flight.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let due = view.due((work, &but), now, most + busy.len())?;
            let free = due.into_iter().filter(|seq| !busy.contains(seq)).take(most);
            free.filter_map(|seq| view.queued(seq).transpose()).collect::<Result<Vec<_>, _>>()
        };
        let found: Vec<QueuedDelivery> = self.store.read(look).await?;
        Ok(found.into_iter().map(|delivery| self.hand_out(delivery)).collect())
    }

    fn hand_out(&self, delivery: QueuedDelivery) -> Taken {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(delivery.seq);
        Taken { delivery, in_flight: Arc::clone(&self.in_flight), bell: Arc::clone(&self.bell), ended: false }
    }

    async fn wait_for_due(&self) -> Result<Option<std::time::Duration>, StoreError> {
        let (work, now) = (self.work, self.clock.now());
        let next = self.store.read::<_, StoreError, _>(move |view| view.next_due(work, now)).await?;
        Ok(next.map(|due| due.since(now)))
    }
}
