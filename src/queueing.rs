//! A queue for each name: so many have a turn at a time, and whoever comes later waits until one of them is done.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

/// How long a turn may last that others wait for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long anybody waits in all: browsers, and what stands before a gateway, often give up after a minute.
const LONGEST: Duration = Duration::from_secs(45);
/// How many wait at most who do not wait for as long as it takes.
const MOST: usize = 200;

/// The queues of this process that somebody has a turn in, or waits in.
#[derive(Debug)]
pub struct Queues<K> {
    at_a_time: usize,
    known: Mutex<HashMap<K, Weak<Queue>>>,
}

#[derive(Debug)]
struct Queue {
    turns: Arc<Semaphore>,
    /// How often a turn ended here.
    passed: watch::Sender<u64>,
}

/// A turn; over when dropped.
#[derive(Debug)]
pub struct Turn {
    queue: Arc<Queue>,
    _held: OwnedSemaphorePermit,
}

impl<K> Default for Queues<K> {
    /// Queues in which one has a turn at a time.
    fn default() -> Self {
        Self::of(1)
    }
}

impl<K> Queues<K> {
    /// Queues in which so many have a turn at a time.
    pub fn of(at_a_time: usize) -> Self {
        Self { at_a_time, known: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Queues<K> {
    /// A turn; none where there is none now.
    pub fn turn_now(&self, name: &K) -> Option<Turn> {
        let queue = self.queue(name);
        let held = Arc::clone(&queue.turns).try_acquire_owned().ok()?;
        Some(Turn { queue, _held: held })
    }

    /// A turn, as soon as there is one.
    pub async fn turn(&self, name: &K) -> Turn {
        let queue = self.queue(name);
        let held = Arc::clone(&queue.turns).acquire_owned().await;
        Turn { queue, _held: held.expect("no queue is ever closed") }
    }

    /// The same; `None` where one turn lasts for long, or too many are before it.
    pub async fn turn_soon(&self, name: &K) -> Option<Turn> {
        let queue = self.queue(name);
        // Everybody who has a turn or waits holds the queue, and so does whoever comes now.
        if Arc::strong_count(&queue) > self.at_a_time + MOST {
            return None;
        }
        let (mut passed, end) = (queue.passed.subscribe(), Instant::now() + LONGEST);
        let mut held = pin!(Arc::clone(&queue.turns).acquire_owned());
        loop {
            let patience = end.min(Instant::now() + PATIENCE);
            tokio::select! {
                biased;
                held = &mut held => return Some(Turn { queue, _held: held.ok()? }),
                // Whoever is first now has a turn of their own.
                _ = passed.changed() => {}
                () = sleep_until(patience) => return None,
            }
        }
    }

    fn queue(&self, name: &K) -> Arc<Queue> {
        // Every change is one call, so that what a panic left behind is whole.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = known.get(name).and_then(Weak::upgrade) {
            return queue;
        }
        known.retain(|_, queue| queue.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(self.at_a_time));
        let queue = Arc::new(Queue { turns, passed: watch::Sender::default() });
        known.insert(name.clone(), Arc::downgrade(&queue));
        queue
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.passed.send_modify(|passed| *passed += 1);
    }
}
