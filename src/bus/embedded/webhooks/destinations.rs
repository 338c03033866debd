//! What is known of each destination: how many calls it has in hand, and whether it is left alone for now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::ambient::{Clock, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting};
use crate::store::PassedOver;

/// Destinations remembered at a time. Beyond that one is forgotten that has no call in hand, and so gets a fresh start.
const REMEMBERED: usize = 1024;

/// The destinations, host and port each, that calls go to or lately failed at. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Destinations(Arc<Known>);

#[derive(Debug)]
struct Known {
    destinations: Mutex<HashMap<String, Destination>>,
    share: usize,
    settings: BreakerSettings,
    clock: Clock,
    bell: Arc<Notify>,
}

#[derive(Debug)]
struct Destination {
    calls: usize,
    breaker: Arc<Breaker>,
    /// The first failure after which nothing was answered.
    failing_since: Option<Timestamp>,
    /// Whether work may wait for a call of this destination to end.
    passed_over: bool,
}

/// Leave for one call; the destination has it in hand until this is dropped. Dropping it says that the call failed.
#[derive(Debug)]
pub(super) struct Leave {
    admission: Option<Admission>,
    destinations: Destinations,
    host: String,
}

impl Destinations {
    /// A destination that has `share` calls in hand is full; `bell` is rung when it is not any more, and when a rest
    /// is over because of a call that ended.
    pub(super) fn new(share: usize, bell: Arc<Notify>, (settings, clock): (BreakerSettings, Clock)) -> Self {
        Self(Arc::new(Known { destinations: Mutex::default(), share, settings, clock, bell }))
    }

    pub(super) fn share(&self) -> usize {
        self.0.share
    }

    /// Those that get no call now: they are full, or they failed and rest.
    pub(super) fn passed_over(&self) -> PassedOver {
        let mut passed_over = PassedOver::default();
        for (host, destination) in self.known().iter_mut() {
            let resting = destination.breaker.resting();
            destination.passed_over = destination.calls >= self.0.share || resting.is_some();
            if destination.passed_over {
                passed_over.hosts.push(host.clone());
            }
            let again_in = resting.map(|Resting { after }| after);
            passed_over.again_in = passed_over.again_in.into_iter().chain(again_in).min();
        }
        passed_over
    }

    /// Leave for one call. After a rest only one gets it, until it is known what came of that.
    pub(super) fn admit(&self, host: String) -> Result<Leave, Resting> {
        let mut known = self.known();
        if known.len() >= REMEMBERED && !known.contains_key(&host) {
            forget_one(&mut known);
        }
        let destination = known.entry(host.clone()).or_insert_with(|| Destination {
            calls: 0,
            breaker: Breaker::new(self.0.settings, self.0.clock.clone()),
            failing_since: None,
            passed_over: false,
        });
        let admission = destination.breaker.admit()?;
        destination.calls += 1;
        Ok(Leave { admission: Some(admission), destinations: self.clone(), host })
    }

    /// Notes whether a destination answered; tells for how long it has not.
    fn note(&self, host: &str, answered: bool) -> Duration {
        let mut known = self.known();
        let Some(destination) = known.get_mut(host) else { return Duration::ZERO };
        if answered {
            destination.failing_since = None;
            return Duration::ZERO;
        }
        let now = self.0.clock.now();
        now.since(*destination.failing_since.get_or_insert(now))
    }

    fn release(&self, host: &str) {
        let mut known = self.known();
        let Some(destination) = known.get_mut(host) else { return };
        destination.calls -= 1;
        if std::mem::take(&mut destination.passed_over) {
            self.0.bell.notify_one();
        }
        if destination.calls == 0 && destination.breaker.untroubled() {
            known.remove(host);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Destination>> {
        self.0.destinations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that would be called again anyway, if there is one.
fn forget_one(known: &mut HashMap<String, Destination>) {
    let idle = |(_, destination): &(&String, &Destination)| destination.calls == 0;
    let rested = known.iter().filter(idle).find(|(_, destination)| destination.breaker.resting().is_none());
    let forgotten = rested.or_else(|| known.iter().find(idle)).map(|(host, _)| host.clone());
    if let Some(host) = forgotten {
        known.remove(&host);
    }
}

impl Leave {
    /// Says that the destination answered.
    pub(super) fn answered(mut self) {
        self.destinations.note(&self.host, true);
        self.admission.take().into_iter().for_each(Admission::succeeded);
    }

    /// Says that the destination is down or overloaded; tells for how long it has answered nobody.
    pub(super) fn failed(self) -> Duration {
        self.destinations.note(&self.host, false)
    }

    /// Says that there was no call after all.
    pub(super) fn withdrawn(mut self) {
        self.admission.take().into_iter().for_each(Admission::withdrawn);
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        // First, for what is passed over from now on.
        drop(self.admission.take());
        self.destinations.release(&self.host);
    }
}
