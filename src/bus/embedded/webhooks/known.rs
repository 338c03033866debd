//! What is known of each destination: how many calls its host has in hand, and who fails there and is left alone for now.
//!
//! A webhook is one address of one device. Where nobody is to be reached at it, it is left alone as a whole; where somebody is who
//! does not take what is brought, that tells of the line alone, as what a sender has for a webhook is called: so nobody's failures
//! keep the deliveries of others from a destination that takes them, and whose last call failed stands behind who failed at none.
//! Once something is taken again of one that was left alone, all others of its host are tried at once. Where more fail at a host than
//! can be told apart, those whose last call was taken come first, and few others are tried at a time: of these
//! no device has more than half of what others leave, and what is new there waits for no more than three calls for each that was new
//! before it at devices that have not their share.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::WebhookSettings;
use super::answer::Condition;
use super::at_host::{AtHost, Idle};
use super::destination::{CallEnd, Destination};
use super::failures::Rules;
use super::host::Ending;
use super::hosts::{Full, Hosts};
use super::permit::{Admitted, NewCall};
use super::trials::Standing;
use super::well::Well;
use crate::ambient::{Ambient, Timestamp};
use crate::message::DeviceUuid;
use crate::store::{LineKey, PassedOver, WebhookKey};

#[derive(Debug)]
pub(super) struct Known {
    hosts: Hosts,
    at_hosts: HashMap<Arc<str>, AtHost>,
    well: Well,
    /// Of the webhooks, and lines of these, that have a call in hand or fail as many are remembered at a time as these say. Beyond
    /// that one is forgotten that has no call in hand.
    settings: WebhookSettings,
    rules: Rules,
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
            at_hosts: HashMap::new(),
            well: Well::default(),
            settings: *settings,
            swept_at: ambient.clock.now(),
            rules: Rules { breaker: settings.breaker, ambient },
            calls: 0,
            passed_over: false,
        }
    }

    pub(super) fn destination(&self, key: &WebhookKey) -> Option<&Destination> {
        self.at_hosts.get(&key.host)?.webhooks.get(key)
    }

    /// Who gets no call now, and who had their turn with a call that they have in hand.
    pub(super) fn passed_over(&mut self, now: Timestamp) -> PassedOver {
        let Full { hosts, but_for_well, full_from, sated, again_in } = self.hosts.full(now);
        let mut passed_over = PassedOver::of(hosts, sated, again_in);
        for (host, at_host) in &self.at_hosts {
            // Nothing of it is looked at.
            if passed_over.has_host(host) {
                continue;
            }
            let mut rationed = at_host.pass_over(&mut passed_over, full_from.get(host), now);
            let is_for_well = but_for_well.contains(host);
            if is_for_well {
                rationed.try_nobody();
            }
            if is_for_well || at_host.trials.are_rationed() {
                self.well.at(host).for_each(|line| rationed.is_well(line));
                passed_over.ration(host, rationed);
            }
        }
        self.passed_over = passed_over.is_something();
        passed_over
    }

    /// A call, unless its host is full, its line has its share of that, or it or its webhook rests; where many fail at the host
    /// also unless its last call was taken, or there is room for another trial.
    pub(super) fn admit(&mut self, to: LineKey, now: Timestamp) -> Option<Admitted> {
        let (key, at_host) = (&to.webhook, self.at_hosts.get(&to.webhook.host));
        let destination = at_host.and_then(|at_host| at_host.webhooks.get(key));
        let line = destination.and_then(|destination| destination.lines.get(&to.user_device));
        let standing = self.standing(&to);
        let share = self.hosts.share(key, standing, line.map_or(0, |line| line.calls));
        let waits = |at_host: &AtHost| {
            let trials = &at_host.trials;
            let is_no_trial = standing == Standing::Well || !trials.are_rationed();
            at_host.rests_for(&to, now) || !(is_no_trial || trials.has_room_for(&to.webhook.device))
        };
        if at_host.is_some_and(waits) || !self.hosts.has_room(key, share, now) {
            return None;
        }
        if line.is_none() && self.remembered() >= self.settings.remembered {
            self.forget_one(now);
        }
        self.calls += 1;
        let call = NewCall { to, began: now, number: self.calls, standing };
        self.hosts.begin(&call, share);
        let at_host = self.at_hosts.entry(Arc::clone(&call.to.webhook.host));
        Some(at_host.or_insert_with(|| AtHost::new(&self.settings)).begin(call, &self.rules))
    }

    fn standing(&self, line: &LineKey) -> Standing {
        match self.at_hosts.get(&line.webhook.host) {
            _ if self.well.has(line) => Standing::Well,
            Some(at_host) => at_host.standing(line),
            None => Standing::Unknown,
        }
    }

    fn remembered(&self) -> usize {
        self.at_hosts.values().map(|at_host| at_host.trials.counts.remembered).sum()
    }

    /// Takes these for lines whose last call was taken: nothing else is known of them.
    pub(super) fn take_for_well(&mut self, lines: &[LineKey]) {
        for line in lines {
            self.calls += 1;
            self.well.note(line, self.calls);
        }
    }

    /// Takes a call back that ends like this; answers whether work may have waited for that.
    pub(super) fn end(&mut self, call: Admitted, condition: Condition, now: Timestamp) -> bool {
        let line = call.to.clone();
        let host = &line.webhook.host;
        let (began, was_trial) = (call.began, call.standing != Standing::Well);
        let ended = (condition != Condition::NotCalled).then_some(now);
        match condition {
            Condition::Well => self.well.note(&line, call.number),
            Condition::Late | Condition::Refuses | Condition::Away => self.well.forget(&line),
            Condition::NotCalled => {}
        }
        if let Some(at_host) = self.at_hosts.get_mut(host) {
            let chance = self.rules.ambient.random.fraction();
            at_host.end(call, CallEnd { condition, at: now, chance }, &self.rules);
            let is_last_of_line = !at_host.has_a_call(&line);
            self.hosts.end(&line.webhook, Ending { is_last_of_line, was_trial, began, ended });
            if !at_host.is_needed(now) {
                self.at_hosts.remove(host);
            }
        }
        std::mem::take(&mut self.passed_over)
    }

    /// Whether a webhook of the device is remembered that has no call in hand, besides this.
    pub(super) fn may_forget(&self, device: &DeviceUuid, besides: Option<&WebhookKey>) -> bool {
        let is_other = |key: &WebhookKey| key.device == *device && besides != Some(key);
        let mut webhooks = self.at_hosts.values().flat_map(|at_host| &at_host.webhooks);
        webhooks.any(|(key, destination)| is_other(key) && destination.is_idle())
    }

    /// Forgets the webhooks of a device without a call in hand but those that it `has`.
    pub(super) fn keep(&mut self, device: &DeviceUuid, has: &HashSet<WebhookKey>) {
        let is_gone = |key: &WebhookKey| key.device == *device && !has.contains(key);
        self.retain(|key, destination| !(is_gone(key) && destination.is_idle()));
    }

    /// Forgets those that fail and were not tried for long. It is looked for them once a rest.
    pub(super) fn forget_untried(&mut self, now: Timestamp) {
        if self.swept_at <= now && now.since(self.swept_at) < self.settings.breaker.rest {
            return;
        }
        self.swept_at = now;
        self.retain(|_, destination| {
            destination.lines.retain(|_, line| line.calls > 0 || !line.refused.is_untried(now));
            destination.is_known() && !(destination.is_idle() && destination.away.is_untried(now))
        });
        self.at_hosts.retain(|_, at_host| at_host.is_needed(now));
    }

    fn retain(&mut self, is_kept: impl Fn(&WebhookKey, &mut Destination) -> bool) {
        self.at_hosts.values_mut().for_each(|at_host| at_host.retain(&is_kept));
    }

    /// Forgets, of the device that has most of them and of those without a call in hand, the one that would be called the soonest
    /// anyway: who fails at one device takes nothing from others.
    fn forget_one(&mut self, now: Timestamp) {
        let mut of_device: HashMap<&DeviceUuid, usize> = HashMap::new();
        for (key, destination) in self.at_hosts.values().flat_map(|at_host| &at_host.webhooks) {
            *of_device.entry(&key.device).or_default() += 1 + destination.lines.len();
        }
        let idle = self.at_hosts.values().flat_map(|at_host| at_host.soonest_idle(now));
        let of_most = idle.min_by_key(|idle| (Reverse(of_device[&idle.key.device]), idle.rests_for));
        let Some(Idle { key, user_device, .. }) = of_most else { return };
        let (key, user_device) = (key.clone(), user_device.cloned());
        if let Some(at_host) = self.at_hosts.get_mut(&key.host) {
            at_host.forget(&key, user_device.as_ref());
        }
    }
}
