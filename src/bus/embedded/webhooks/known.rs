//! What is known of each destination: how many calls its host has in hand, and who fails there and is left alone for now.
//!
//! A webhook is one address of one device. Where nobody is to be reached at it, it is left alone as a whole; where somebody is who
//! does not take what is brought, that tells of the line alone, as what a sender has for a webhook is called: so nobody's failures
//! keep the deliveries of others from a destination that takes them, and whose last call failed stands behind who failed at none.
//! Once something is taken again of one that was left alone, all others of its host are tried at once.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::WebhookSettings;
use super::answer::Condition;
use super::at_host::AtHost;
use super::destination::Destination;
use super::hosts::{Full, Hosts, Share};
use super::permit::Admitted;
use super::tally::Tally;
use crate::ambient::{Ambient, Timestamp};
use crate::egress::{BreakerSettings, Resting};
use crate::message::DeviceUuid;
use crate::store::{LineKey, PassedOver, WebhookKey};

#[derive(Debug)]
pub(super) struct Known {
    hosts: Hosts,
    destinations: HashMap<WebhookKey, Destination>,
    at_hosts: HashMap<Arc<str>, Arc<AtHost>>,
    /// Webhooks, and lines of these.
    remembered: Tally,
    /// How many of them are remembered at a time. Beyond that one is forgotten that has no call in hand, and so gets a fresh start.
    most: usize,
    breaker: BreakerSettings,
    ambient: Ambient,
    /// How many calls there were.
    calls: u64,
    /// Whether work may wait for a call to end.
    passed_over: bool,
    /// When it was looked last for those that were not tried for long.
    swept_at: Timestamp,
}

impl Known {
    /// Nothing yet.
    pub(super) fn new(settings: &WebhookSettings, ambient: Ambient) -> Self {
        Self {
            hosts: Hosts::new(settings.concurrency.max(1)),
            destinations: HashMap::new(),
            at_hosts: HashMap::new(),
            remembered: Tally::default(),
            most: settings.remembered,
            breaker: settings.breaker,
            swept_at: ambient.clock.now(),
            ambient,
            calls: 0,
            passed_over: false,
        }
    }

    pub(super) fn destination(&self, key: &WebhookKey) -> Option<&Destination> {
        self.destinations.get(key)
    }

    /// Who gets no call now, and who had their turn with a call that they have in hand.
    pub(super) fn passed_over(&mut self, now: Timestamp) -> PassedOver {
        let Full { hosts, but_for_others, but, again_in } = self.hosts.full(now);
        let mut passed_over = PassedOver::of_hosts(hosts, but, again_in);
        for (key, destination) in &self.destinations {
            if let Some(Resting { after }) = destination.away.resting(now) {
                passed_over.pass_over_webhook_for(key, after);
            }
            for line in destination.lines.values() {
                if let Some(Resting { after }) = line.refused.resting(now) {
                    passed_over.pass_over_line_for(&line.key, after);
                } else if line.calls == 0 && line.refused.stands_behind(now) {
                    passed_over.put_line_behind(&line.key, line.last);
                }
                if line.calls > 0 {
                    passed_over.put_behind(&line.key, line.last);
                    if but_for_others.contains(&key.host) {
                        passed_over.pass_over_line(&line.key);
                    }
                }
            }
        }
        self.passed_over = passed_over.is_something();
        passed_over
    }

    /// A call, unless its host is full, its line has its share of that, or it or its webhook rests.
    pub(super) fn admit(&mut self, to: LineKey, now: Timestamp) -> Option<Admitted> {
        let (destination, user_device) = (self.destinations.get(&to.webhook), &to.user_device);
        let line = destination.and_then(|destination| destination.lines.get(user_device));
        let share = if line.is_some_and(|line| line.calls > 0) { Share::WithSome } else { Share::WithNone };
        let rests = destination.is_some_and(|destination| destination.rests_for(user_device, now));
        if rests || !self.hosts.has_room(&to.webhook.host, share, now) {
            return None;
        }
        if line.is_none() && self.remembered.count() >= self.most {
            self.forget_one(now);
        }
        self.hosts.begin(&to.webhook.host, share, now);
        Some(self.begin(to, now))
    }

    fn begin(&mut self, to: LineKey, now: Timestamp) -> Admitted {
        let Self { destinations, at_hosts, remembered, breaker, ambient, calls, .. } = self;
        let destination = destinations.entry(to.webhook.clone()).or_insert_with(|| {
            let at_host = at_hosts.entry(Arc::clone(&to.webhook.host));
            let at_host = at_host.or_insert_with(|| Arc::new(AtHost::new(*breaker, ambient.clone())));
            Destination::new(Arc::clone(at_host), remembered)
        });
        let at_webhook = destination.away.admit(now);
        let line = destination.line(&to, remembered);
        *calls += 1;
        (line.calls, line.last) = (line.calls + 1, *calls);
        Admitted { began: now, webhook: at_webhook, line: line.refused.admit(now), to }
    }

    /// Takes a call back that ends like this; answers whether work may have waited for that.
    pub(super) fn end(&mut self, call: Admitted, condition: Condition, now: Timestamp) -> bool {
        let (key, user_device) = (call.to.webhook.clone(), call.to.user_device.clone());
        let tells_of_host = (condition != Condition::NotCalled).then_some(now);
        self.hosts.end(&key.host, call.began, tells_of_host);
        if let Some(destination) = self.destinations.get_mut(&key) {
            let is_well_again = destination.end(call, condition, now);
            if destination.lines.get(&user_device).is_none_or(|line| line.calls == 0) {
                self.hosts.end_line(&key.host);
            }
            if !destination.is_known() {
                self.destinations.remove(&key);
                self.forget_host(&key.host, now);
            }
            if is_well_again {
                let of_host = self.destinations.iter().filter(|(other, _)| other.host == key.host);
                of_host.for_each(|(_, destination)| destination.end_rests());
            }
        }
        std::mem::take(&mut self.passed_over)
    }

    /// Whether a webhook of the device is remembered that has no call in hand, besides this.
    pub(super) fn may_forget(&self, device: &DeviceUuid, besides: Option<&WebhookKey>) -> bool {
        let is_other = |key: &WebhookKey| key.device == *device && besides != Some(key);
        self.destinations.iter().any(|(key, destination)| is_other(key) && destination.is_idle())
    }

    /// Forgets the webhooks of a device without a call in hand but those that it `has`.
    pub(super) fn keep(&mut self, device: &DeviceUuid, has: &HashSet<WebhookKey>) {
        let is_gone = |key: &WebhookKey| key.device == *device && !has.contains(key);
        self.destinations.retain(|key, destination| !(is_gone(key) && destination.is_idle()));
    }

    /// Forgets those that fail and were not tried for long. It is looked for them once a rest.
    pub(super) fn forget_untried(&mut self, now: Timestamp) {
        if self.swept_at <= now && now.since(self.swept_at) < self.breaker.rest {
            return;
        }
        self.swept_at = now;
        self.destinations.retain(|_, destination| {
            destination.lines.retain(|_, line| line.calls > 0 || !line.refused.is_untried());
            destination.is_known() && !(destination.is_idle() && destination.away.is_untried())
        });
        self.at_hosts.retain(|_, at_host| is_needed(at_host, now));
    }

    fn forget_host(&mut self, host: &str, now: Timestamp) {
        if self.at_hosts.get(host).is_some_and(|at_host| !is_needed(at_host, now)) {
            self.at_hosts.remove(host);
        }
    }

    /// Forgets, of the device that has most of them and of those without a call in hand, the one that would be called the soonest
    /// anyway: who fails at one device takes nothing from others.
    fn forget_one(&mut self, now: Timestamp) {
        let mut of_device: HashMap<&DeviceUuid, usize> = HashMap::new();
        for (key, destination) in &self.destinations {
            *of_device.entry(&key.device).or_default() += 1 + destination.lines.len();
        }
        let idle = self
            .destinations
            .iter()
            .filter_map(|(key, destination)| Some((destination.soonest_idle(now)?, key)));
        let of_most = idle.min_by_key(|((rests_for, _), key)| (Reverse(of_device[&key.device]), *rests_for));
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

/// Whether somebody has calls or failures at the host, or was tried there within a rest.
fn is_needed(at_host: &Arc<AtHost>, now: Timestamp) -> bool {
    Arc::strong_count(at_host) > 1 || !at_host.next_trial_in(now).is_zero()
}
