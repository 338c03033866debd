//! What is known of each destination: how many calls its host has in hand, and who fails there and is left alone for now.
//!
//! A webhook is one address of one device. Where nobody is to be reached at it, it is left alone as a whole; where somebody is who
//! does not take what is brought, that tells of the line alone, as what a sender has for a webhook is called: so nobody's failures
//! keep the deliveries of others from a destination that takes them, and whose last call failed stands behind who failed at none.
//! Once one that was left alone is well again, all others of its
//! host are tried at once.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::answer::Condition;
use super::destination::Destination;
use super::failures::{AtHost, Failures};
use super::hosts::{Full, Hosts, Share};
use super::permit::{Admitted, Permit};
use crate::ambient::{Clock, Timestamp};
use crate::egress::{BreakerSettings, Resting};
use crate::message::DeviceUuid;
use crate::store::{LineKey, Overdue, PassedOver, WebhookKey};

/// Lines, and webhooks without any, remembered at a time. Beyond that one is forgotten that has no call in hand, and so gets a
/// fresh start.
const REMEMBERED: usize = 1024;

/// The destinations that calls go to or lately failed at. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Destinations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<Known>,
    settings: BreakerSettings,
    clock: Clock,
    bell: Arc<Notify>,
}

#[derive(Debug)]
struct Known {
    hosts: Hosts,
    destinations: HashMap<WebhookKey, Destination>,
    /// When somebody who fails at a host was tried last.
    tried: HashMap<String, Timestamp>,
    rest: Duration,
    /// How many calls there were.
    calls: u64,
    /// Whether work may wait for a call to end.
    passed_over: bool,
}

impl Destinations {
    /// `bell` is rung when a host may not be full any more, or somebody not at rest, because of a call that ended.
    pub(super) fn new(
        concurrency: usize,
        bell: Arc<Notify>,
        settings: BreakerSettings,
        clock: Clock,
    ) -> Self {
        let hosts = Hosts::new(concurrency);
        let (destinations, tried) = Default::default();
        let known = Known { hosts, destinations, tried, rest: settings.rest, calls: 0, passed_over: false };
        Self(Arc::new(Shared { known: Mutex::new(known), settings, clock, bell }))
    }

    /// The hosts that are full, the lines that have their share of one, and the webhooks and lines that failed and rest: they get
    /// no call now. And who had their turn with a call that they have in hand.
    pub(super) fn passed_over(&self) -> PassedOver {
        let (mut known, now) = (self.known(), self.0.clock.now());
        let failing = known.failing(now);
        let Full { hosts, but_for_others, but, again_in } = known.hosts.full(now);
        let mut passed_over = PassedOver::of_hosts(hosts, but, again_in);
        for (key, destination) in &known.destinations {
            let at_host = failing.get(key.host.as_str()).copied().unwrap_or_default();
            if let Some(Resting { after }) = destination.away.resting(at_host) {
                passed_over.pass_over_webhook_for(key, after);
            }
            for (user_device, line) in &destination.lines {
                let to = LineKey { webhook: key.clone(), user_device: user_device.clone() };
                if let Some(Resting { after }) = line.refused.resting(at_host) {
                    passed_over.pass_over_line_for(&to, after);
                }
                if line.calls == 0 {
                    if line.refused.stands_behind(now) {
                        passed_over.put_line_behind(&to, line.last);
                    }
                    continue;
                }
                passed_over.put_behind(&to, line.last);
                if but_for_others.contains(&key.host) {
                    passed_over.pass_over_line(&to);
                }
            }
        }
        known.passed_over = passed_over.is_something();
        passed_over
    }

    /// The permit for one call, unless its host is full, its line has its share of that, or it or its webhook rests.
    pub(super) fn admit(&self, to: LineKey) -> Option<Permit> {
        let (mut known, now) = (self.known(), self.0.clock.now());
        let share = known.share(&to);
        if !known.hosts.has_room(&to.webhook.host, share, now) || known.rests(&to, now) {
            return None;
        }
        known.make_room_for(&to, now);
        let Known { hosts, destinations, tried, calls, .. } = &mut *known;
        let Shared { settings, clock, .. } = &*self.0;
        let destination =
            destinations.entry(to.webhook.clone()).or_insert_with(|| Destination::new(*settings, clock));
        let at_webhook = destination.away.admit()?;
        let line = destination.line(&to.user_device, clock);
        let in_line = line.refused.admit()?;
        *calls += 1;
        (line.calls, line.last) = (line.calls + 1, *calls);
        hosts.begin(&to.webhook.host, share, now);
        let call = Admitted { to, began: now, webhook: at_webhook, line: in_line };
        if call.is_trial() {
            tried.insert(call.to.webhook.host.clone(), now);
        }
        Some(Permit::new(self.clone(), call))
    }

    /// Before when something came that has waited too long for what fails there: for longer than `span`, and through so many
    /// trials that failed.
    pub(super) fn outwaited(&self, to: &LineKey, span: Duration, trials: u32) -> Option<Overdue> {
        let (known, now) = (self.known(), self.0.clock.now());
        let destination = known.destinations.get(&to.webhook)?;
        let at_webhook = destination.away.outwaited(span, trials, now);
        let in_line = || destination.lines.get(&to.user_device)?.refused.outwaited(span, trials, now);
        at_webhook
            .map(|due_before| Overdue::AtWebhook(to.webhook.clone(), due_before))
            .or_else(|| in_line().map(|due_before| Overdue::InLine(to.clone(), due_before)))
    }

    /// Whether some webhook of this device is remembered that may be forgotten, besides one that the device has.
    pub(super) fn remember(&self, device: &DeviceUuid, besides: Option<&WebhookKey>) -> bool {
        let is_other = |key: &WebhookKey| key.device == *device && besides != Some(key);
        self.known().destinations.iter().any(|(key, destination)| is_other(key) && destination.is_idle())
    }

    /// Forgets the webhooks of a device but those that it `has`: what fails at none of these tells nothing any more.
    pub(super) fn keep(&self, device: &DeviceUuid, has: &HashSet<WebhookKey>) {
        let is_gone = |key: &WebhookKey| key.device == *device && !has.contains(key);
        self.known().destinations.retain(|key, destination| !(is_gone(key) && destination.is_idle()));
        // Where fewer fail each rests for less.
        self.0.bell.notify_one();
    }

    /// Forgets those that fail and were not tried for long.
    pub(super) fn forget_untried(&self) {
        let mut known = self.known();
        known.destinations.retain(|_, destination| {
            destination.lines.retain(|_, line| line.calls > 0 || !line.refused.is_untried());
            destination.is_known() && !(destination.is_idle() && destination.away.is_untried())
        });
        let (now, rest) = (self.0.clock.now(), known.rest);
        known.tried.retain(|_, tried| *tried <= now && now.since(*tried) < rest);
    }

    /// Takes a call back that ends like this.
    pub(super) fn release(&self, call: Admitted, condition: Condition) {
        let (mut known, now) = (self.known(), self.0.clock.now());
        known.end(call, condition, now);
        if std::mem::take(&mut known.passed_over) {
            self.0.bell.notify_one();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What fails at each host.
    fn failing(&self, now: Timestamp) -> HashMap<&str, AtHost> {
        let mut failing: HashMap<&str, AtHost> = HashMap::new();
        for (key, destination) in &self.destinations {
            let at_host = failing.entry(&key.host).or_insert_with(|| self.untried_at(&key.host, now));
            at_host.failing += destination.failing();
        }
        failing
    }

    fn failing_at(&self, host: &str, now: Timestamp) -> AtHost {
        let of_host = self.destinations.iter().filter(|(key, _)| key.host == host);
        let failing = of_host.map(|(_, destination)| destination.failing()).sum();
        AtHost { failing, ..self.untried_at(host, now) }
    }

    /// When the next trial at this host may be; at once where the clock was set back behind the last.
    fn untried_at(&self, host: &str, now: Timestamp) -> AtHost {
        let left =
            |tried: &Timestamp| if now < *tried { Duration::ZERO } else { tried.plus(self.rest).since(now) };
        AtHost { failing: 0, next_trial_in: self.tried.get(host).map(left).unwrap_or_default() }
    }

    fn rests(&self, to: &LineKey, now: Timestamp) -> bool {
        let Some(destination) = self.destinations.get(&to.webhook) else { return false };
        let at_host = self.failing_at(&to.webhook.host, now);
        let rests = |failures: &Failures| failures.resting(at_host).is_some();
        rests(&destination.away)
            || destination.lines.get(&to.user_device).is_some_and(|line| rests(&line.refused))
    }

    fn share(&self, to: &LineKey) -> Share {
        let line =
            self.destinations.get(&to.webhook).and_then(|destination| destination.lines.get(&to.user_device));
        if line.is_some_and(|line| line.calls > 0) { Share::WithSome } else { Share::WithNone }
    }

    /// Takes a call back that ends like this.
    fn end(&mut self, call: Admitted, condition: Condition, now: Timestamp) {
        let (key, user_device) = (call.to.webhook.clone(), call.to.user_device.clone());
        let tells_of_host = (condition != Condition::NotCalled).then_some(now);
        self.hosts.end(&key.host, call.began, tells_of_host);
        let Some(destination) = self.destinations.get_mut(&key) else { return };
        let is_well_again = destination.end(call, condition, now);
        if destination.lines.get(&user_device).is_none_or(|line| line.calls == 0) {
            self.hosts.end_line(&key.host);
        }
        if !destination.is_known() {
            self.destinations.remove(&key);
        }
        if is_well_again {
            let of_host = self.destinations.iter().filter(|(other, _)| other.host == key.host);
            of_host.for_each(|(_, destination)| destination.end_rests());
        }
    }

    /// Forgets somebody where too many are remembered for another.
    fn make_room_for(&mut self, to: &LineKey, now: Timestamp) {
        let is_known = |destination: &Destination| destination.lines.contains_key(&to.user_device);
        if self.destinations.get(&to.webhook).is_some_and(is_known) {
            return;
        }
        let remembered: usize =
            self.destinations.values().map(|destination| destination.lines.len().max(1)).sum();
        if remembered >= REMEMBERED {
            self.forget_one(now);
        }
    }

    /// Forgets, of the device that has most of them and of those without a call in hand, the one that would be called the soonest
    /// anyway: who fails at one device takes nothing from others.
    fn forget_one(&mut self, now: Timestamp) {
        let failing = self.failing(now);
        let mut lines: HashMap<&DeviceUuid, usize> = HashMap::new();
        for (key, destination) in &self.destinations {
            *lines.entry(&key.device).or_default() += destination.lines.len().max(1);
        }
        let idle = self.destinations.iter().filter_map(|(key, destination)| {
            let at_host = failing.get(key.host.as_str()).copied().unwrap_or_default();
            Some((destination.soonest_idle(at_host)?, key))
        });
        let of_most = idle.min_by_key(|((rests_for, _), key)| (Reverse(lines[&key.device]), *rests_for));
        let Some(((_, user_device), key)) = of_most else { return };
        let (key, user_device) = (key.clone(), user_device.cloned());
        if let Entry::Occupied(mut destination) = self.destinations.entry(key) {
            user_device.and_then(|user_device| destination.get_mut().lines.remove(&user_device));
            if destination.get().lines.is_empty() {
                destination.remove();
            }
        }
    }
}
