//! How many calls each host has in hand, so that a slow one does not hold them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The calls that run, by host.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    running: Arc<Mutex<HashMap<String, usize>>>,
    share: usize,
    bell: Arc<Notify>,
}

/// One call of a host; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    hands: Hands,
    host: String,
}

impl Hands {
    /// A host that has `share` calls in hand is full; `bell` is rung when it is not any more.
    pub(super) fn new(share: usize, bell: Arc<Notify>) -> Self {
        Self { running: Arc::default(), share, bell }
    }

    pub(super) fn share(&self) -> usize {
        self.share
    }

    pub(super) fn full(&self) -> Vec<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter(|(_, calls)| **calls >= self.share).map(|(host, _)| host.clone()).collect()
    }

    pub(super) fn hold(&self, host: String) -> Held {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running.entry(host.clone()).or_insert(0) += 1;
        Held { hands: self.clone(), host }
    }

    fn release(&self, host: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(calls) = running.get_mut(host) else { return };
        *calls -= 1;
        if *calls + 1 == self.share {
            self.bell.notify_one();
        }
        if *calls == 0 {
            running.remove(host);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hands.release(&self.host);
    }
}
