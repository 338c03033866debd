//! What is known of each destination: how many calls its host has in hand, and which webhooks are left alone for now.
//!
//! A webhook is one address of one device. What fails is left alone webhook by webhook, so that nobody's failures keep
//! the deliveries of others from a host that takes them; the more webhooks of a host fail, the longer each is left
//! alone, so that a host that is down gets about one call a rest from all of them together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::super::target::Destination;
use crate::ambient::Clock;
use crate::egress::{Admission, Breaker, BreakerSettings, Resting};
use crate::store::{PassedOver, WebhookKey};

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
    /// How many calls run at the same time.
    concurrency: usize,
    settings: BreakerSettings,
    clock: Clock,
    bell: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Known {
    /// By host and port: those with calls in hand, and those where webhooks fail.
    hosts: HashMap<String, Host>,
    webhooks: HashMap<WebhookKey, Webhook>,
    /// Whether work may wait for a call to end.
    passed_over: bool,
}

#[derive(Debug, Default)]
struct Host {
    calls: usize,
    /// How many webhooks fail at it.
    failing: u32,
}

#[derive(Debug)]
struct Webhook {
    host: String,
    calls: usize,
    breaker: Arc<Breaker>,
    /// Whether its host counts it among those that fail.
    fails: bool,
}

/// Leave for one call; the destination has it in hand until this is dropped. Dropping it says that no answer came in time.
#[derive(Debug)]
pub(super) struct Leave {
    admission: Option<Admission>,
    breaker: Arc<Breaker>,
    destinations: Destinations,
    to: Destination,
}

impl Destinations {
    /// A host is full that has as many calls in hand as are free; `bell` is rung when one may not be full any more, or
    /// not at rest, because of a call that ended.
    pub(super) fn new(
        concurrency: usize,
        bell: Arc<Notify>,
        settings: BreakerSettings,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Shared { known: Mutex::default(), concurrency, settings, clock, bell }))
    }

    /// The hosts that are full, and the webhooks that failed and rest: they get no call now.
    pub(super) fn passed_over(&self) -> PassedOver {
        let mut known = self.known();
        let Known { hosts, webhooks, .. } = &*known;
        let free = self.0.concurrency.saturating_sub(hosts.values().map(|host| host.calls).sum());
        let full = hosts.iter().filter(|(_, host)| host.calls >= free);
        let mut passed_over =
            PassedOver { hosts: full.map(|(name, _)| name.clone()).collect(), ..PassedOver::default() };
        for (key, webhook) in webhooks {
            let Some(Resting { after }) = webhook.resting(hosts) else { continue };
            passed_over.webhooks.push(key.clone());
            passed_over.again_in = passed_over.again_in.into_iter().chain([after]).min();
        }
        known.passed_over = !passed_over.hosts.is_empty() || !passed_over.webhooks.is_empty();
        passed_over
    }

    /// Leave for one call. Of a webhook that rests only one call gets it after each rest.
    pub(super) fn admit(&self, to: Destination) -> Result<Leave, Resting> {
        let mut known = self.known();
        if known.webhooks.len() >= REMEMBERED && !known.webhooks.contains_key(&to.webhook) {
            known.forget_one();
        }
        let Known { hosts, webhooks, .. } = &mut *known;
        let webhook = webhooks.entry(to.webhook.clone()).or_insert_with(|| Webhook {
            host: to.host.clone(),
            calls: 0,
            breaker: Breaker::new(self.0.settings, self.0.clock.clone()),
            fails: false,
        });
        if let Some(resting) = webhook.resting(hosts) {
            return Err(resting);
        }
        let admission = webhook.breaker.admit()?;
        webhook.calls += 1;
        hosts.entry(to.host.clone()).or_default().calls += 1;
        let breaker = Arc::clone(&webhook.breaker);
        Ok(Leave { admission: Some(admission), breaker, destinations: self.clone(), to })
    }

    fn release(&self, to: &Destination) {
        let mut known = self.known();
        if known.end_call(to) {
            self.0.bell.notify_one();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Takes one call of `to` back, whose breaker knows what came of it; answers whether work may wait for that.
    fn end_call(&mut self, to: &Destination) -> bool {
        if let Some(host) = self.hosts.get_mut(&to.host) {
            host.calls -= 1;
        }
        if let Some(webhook) = self.webhooks.get_mut(&to.webhook) {
            webhook.calls -= 1;
            let fails = webhook.breaker.is_open();
            if std::mem::replace(&mut webhook.fails, fails) != fails {
                let host = self.hosts.entry(webhook.host.clone()).or_default();
                host.failing = if fails { host.failing + 1 } else { host.failing - 1 };
            }
            if webhook.calls == 0 && webhook.breaker.untroubled() {
                self.forget(&to.webhook);
            }
        }
        self.forget_idle(&to.host);
        std::mem::take(&mut self.passed_over)
    }

    /// Forgets one that would be called again anyway, if there is one.
    fn forget_one(&mut self) {
        let idle = |(_, webhook): &(&WebhookKey, &Webhook)| webhook.calls == 0;
        let rested = self.webhooks.iter().filter(idle).find(|(_, it)| it.breaker.resting().is_none());
        let forgotten = rested.or_else(|| self.webhooks.iter().find(idle)).map(|(key, _)| key.clone());
        if let Some(key) = forgotten {
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &WebhookKey) {
        let Some(webhook) = self.webhooks.remove(key) else { return };
        if let Some(host) = self.hosts.get_mut(&webhook.host).filter(|_| webhook.fails) {
            host.failing -= 1;
        }
        self.forget_idle(&webhook.host);
    }

    fn forget_idle(&mut self, host: &str) {
        if self.hosts.get(host).is_some_and(|host| host.calls == 0 && host.failing == 0) {
            self.hosts.remove(host);
        }
    }
}

impl Webhook {
    /// Whether it is left alone while so many webhooks fail at its host.
    fn resting(&self, hosts: &HashMap<String, Host>) -> Option<Resting> {
        let failing = hosts.get(&self.host).map_or(0, |host| host.failing);
        self.breaker.resting_for(failing.clamp(1, LONGEST))
    }
}

impl Leave {
    /// What is called.
    pub(super) fn webhook(&self) -> &WebhookKey {
        &self.to.webhook
    }

    /// Says that the destination answered.
    pub(super) fn answered(self) {
        self.settle(Admission::succeeded);
    }

    /// Says that the destination is down or overloaded; tells for how long it has answered this webhook nothing.
    pub(super) fn failed(self) -> Duration {
        self.settle(Admission::failed)
    }

    /// Says that no answer came in time; tells the same. If another call was answered meanwhile the destination is there,
    /// and slow with this one alone.
    pub(super) fn late(self) -> Duration {
        self.settle(Admission::late)
    }

    /// Says that there was no call after all.
    pub(super) fn withdrawn(self) {
        self.settle(Admission::withdrawn);
    }

    fn settle(mut self, verdict: fn(Admission)) -> Duration {
        self.admission.take().into_iter().for_each(verdict);
        self.breaker.failing_for()
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        // First, for what is passed over from now on.
        drop(self.admission.take());
        self.destinations.release(&self.to);
    }
}
