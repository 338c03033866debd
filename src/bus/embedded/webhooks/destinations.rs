//! What is known of each destination: how many calls its host has in hand, and which webhooks are left alone for now.
//!
//! A webhook is one address of one device. What fails is left alone webhook by webhook, so that nobody's failures keep
//! the deliveries of others from a host that takes them; the more webhooks of a host fail, the longer each is left
//! alone, so that a host that is down gets about one call a rest from all of them together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::ambient::{Clock, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting};
use crate::message::DeviceUuid;
use crate::store::PassedOver;

/// Webhooks remembered at a time. Beyond that one is forgotten that has no call in hand, and so gets a fresh start.
const REMEMBERED: usize = 1024;
/// The most rests that a webhook is left alone, however many others of its host fail too.
const LONGEST: u32 = 60;

/// The destinations that calls go to or lately failed at. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Destinations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<Known>,
    share: usize,
    settings: BreakerSettings,
    clock: Clock,
    bell: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Known {
    /// By host and port: those with calls in hand.
    hosts: HashMap<String, Host>,
    /// By device and address.
    hooks: HashMap<String, Hook>,
}

#[derive(Debug, Default)]
struct Host {
    calls: usize,
    /// Whether work may wait for a call of this host to end.
    passed_over: bool,
}

#[derive(Debug)]
struct Hook {
    host: String,
    calls: usize,
    breaker: Arc<Breaker>,
    /// The first failure after which nothing was answered.
    failing_since: Option<Timestamp>,
}

/// Leave for one call; the destination has it in hand until this is dropped. Dropping it says that the call failed.
#[derive(Debug)]
pub(super) struct Leave {
    admission: Option<Admission>,
    destinations: Destinations,
    host: String,
    hook: String,
}

impl Destinations {
    /// A host that has `share` calls in hand is full; `bell` is rung when it is not any more, and when a rest is over
    /// because of a call that ended.
    pub(super) fn new(share: usize, bell: Arc<Notify>, (settings, clock): (BreakerSettings, Clock)) -> Self {
        Self(Arc::new(Shared { known: Mutex::default(), share, settings, clock, bell }))
    }

    pub(super) fn share(&self) -> usize {
        self.0.share
    }

    /// The hosts that are full, and the webhooks that failed and rest: they get no call now.
    pub(super) fn passed_over(&self) -> PassedOver {
        let Known { hosts, hooks } = &mut *self.known();
        let mut passed_over = PassedOver::default();
        for (name, host) in hosts.iter_mut() {
            host.passed_over = host.calls >= self.0.share;
            passed_over.hosts.extend(host.passed_over.then(|| name.clone()));
        }
        let failing = failing(hooks);
        for (name, hook) in hooks.iter() {
            let others = failing.get(&*hook.host).copied().unwrap_or_default();
            let Some(Resting { after }) = hook.resting(others) else { continue };
            passed_over.hooks.push(name.clone());
            passed_over.again_in = passed_over.again_in.into_iter().chain([after]).min();
            hosts.entry(hook.host.clone()).and_modify(|host| host.passed_over = true);
        }
        passed_over
    }

    /// Leave for one call of `device`'s webhook at `address`. After a rest only one gets it, until it is known what
    /// came of that.
    pub(super) fn admit(&self, host: String, device: &DeviceUuid, address: String) -> Result<Leave, Resting> {
        let name = format!("{device}{address}");
        let Known { hosts, hooks } = &mut *self.known();
        if hooks.len() >= REMEMBERED && !hooks.contains_key(&name) {
            forget_one(hooks);
        }
        let failing = failing(hooks).get(&*host).copied().unwrap_or_default();
        let hook = hooks.entry(name.clone()).or_insert_with(|| Hook {
            host: host.clone(),
            calls: 0,
            breaker: Breaker::new(self.0.settings, self.0.clock.clone()),
            failing_since: None,
        });
        if let Some(resting) = hook.resting(failing) {
            return Err(resting);
        }
        let admission = hook.breaker.admit()?;
        hook.calls += 1;
        hosts.entry(host.clone()).or_default().calls += 1;
        Ok(Leave { admission: Some(admission), destinations: self.clone(), host, hook: name })
    }

    /// Notes whether a webhook was answered; tells for how long it has not been.
    fn note(&self, hook: &str, answered: bool) -> Duration {
        let mut known = self.known();
        let Some(hook) = known.hooks.get_mut(hook) else { return Duration::ZERO };
        if answered {
            hook.failing_since = None;
            return Duration::ZERO;
        }
        let now = self.0.clock.now();
        now.since(*hook.failing_since.get_or_insert(now))
    }

    fn release(&self, Leave { host: at, hook: name, .. }: &Leave) {
        let Known { hosts, hooks } = &mut *self.known();
        if let Some(host) = hosts.get_mut(at) {
            host.calls -= 1;
            if std::mem::take(&mut host.passed_over) {
                self.0.bell.notify_one();
            }
            if host.calls == 0 {
                hosts.remove(at);
            }
        }
        if let Some(hook) = hooks.get_mut(name) {
            hook.calls -= 1;
            if hook.calls == 0 && hook.breaker.untroubled() {
                hooks.remove(name);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hook {
    /// Whether it is left alone while so many webhooks fail at its host.
    fn resting(&self, failing: u32) -> Option<Resting> {
        self.breaker.resting_for(failing.clamp(1, LONGEST))
    }
}

/// How many webhooks fail at each host.
fn failing(hooks: &HashMap<String, Hook>) -> HashMap<&str, u32> {
    let mut failing = HashMap::new();
    for hook in hooks.values().filter(|hook| hook.breaker.is_open()) {
        *failing.entry(&*hook.host).or_default() += 1;
    }
    failing
}

/// One that would be called again anyway, if there is one.
fn forget_one(hooks: &mut HashMap<String, Hook>) {
    let idle = |(_, hook): &(&String, &Hook)| hook.calls == 0;
    let rested = hooks.iter().filter(idle).find(|(_, hook)| hook.breaker.resting().is_none());
    let forgotten = rested.or_else(|| hooks.iter().find(idle)).map(|(name, _)| name.clone());
    if let Some(name) = forgotten {
        hooks.remove(&name);
    }
}

impl Leave {
    /// Says that the destination answered.
    pub(super) fn answered(mut self) {
        self.destinations.note(&self.hook, true);
        self.admission.take().into_iter().for_each(Admission::succeeded);
    }

    /// Says that the destination is down or overloaded; tells for how long it has answered this webhook nothing.
    pub(super) fn failed(self) -> Duration {
        self.destinations.note(&self.hook, false)
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
        self.destinations.release(self);
    }
}
