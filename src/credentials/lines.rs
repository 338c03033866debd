//! A line for each name: so many have a turn at a time, and whoever comes later waits until one of them is done.

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

/// The lines of this process that somebody has a turn in, or waits in.
#[derive(Debug)]
pub struct Lines<K> {
    at_a_time: usize,
    known: Mutex<HashMap<K, Weak<Line>>>,
}

#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    /// How often a turn ended here.
    passed: watch::Sender<u64>,
}

/// A turn; over when dropped.
#[derive(Debug)]
pub struct Turn {
    line: Arc<Line>,
    _held: OwnedSemaphorePermit,
}

impl<K> Default for Lines<K> {
    /// Lines in which one has a turn at a time.
    fn default() -> Self {
        Self::of(1)
    }
}

impl<K> Lines<K> {
    /// Lines in which so many have a turn at a time.
    pub fn of(at_a_time: usize) -> Self {
        Self { at_a_time, known: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Lines<K> {
    /// A turn; none where there is none now.
    pub(super) fn turn_now(&self, name: &K) -> Option<Turn> {
        let line = self.line(name);
        let held = Arc::clone(&line.turns).try_acquire_owned().ok()?;
        Some(Turn { line, _held: held })
    }

    /// A turn, as soon as there is one.
    pub async fn turn(&self, name: &K) -> Turn {
        let line = self.line(name);
        let held = Arc::clone(&line.turns).acquire_owned().await;
        Turn { line, _held: held.expect("no line is ever closed") }
    }

    /// The same; `None` where one turn lasts for long, or too many are before it.
    pub(super) async fn turn_soon(&self, name: &K) -> Option<Turn> {
        let line = self.line(name);
        // Everybody who has a turn or waits holds the line, and so does whoever comes now.
        if Arc::strong_count(&line) > self.at_a_time + MOST {
            return None;
        }
        let (mut passed, end) = (line.passed.subscribe(), Instant::now() + LONGEST);
        let mut held = pin!(Arc::clone(&line.turns).acquire_owned());
        loop {
            let patience = end.min(Instant::now() + PATIENCE);
            tokio::select! {
                biased;
                held = &mut held => return Some(Turn { line, _held: held.ok()? }),
                // Whoever is first now has a turn of their own.
                _ = passed.changed() => {}
                () = sleep_until(patience) => return None,
            }
        }
    }

    fn line(&self, name: &K) -> Arc<Line> {
        // Every change is one call, so that what a panic left behind is whole.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = known.get(name).and_then(Weak::upgrade) {
            return line;
        }
        known.retain(|_, line| line.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(self.at_a_time));
        let line = Arc::new(Line { turns, passed: watch::Sender::default() });
        known.insert(name.clone(), Arc::downgrade(&line));
        line
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.line.passed.send_modify(|passed| *passed += 1);
    }
}
