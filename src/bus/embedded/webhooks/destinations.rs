//! What is known of each destination: how many calls its host has in hand, and which webhooks are left alone for now.
//!
//! A webhook is one address of one device. What fails is left alone webhook by webhook, so that nobody's failures keep
//! the deliveries of others from a host that takes them. Of those that fail at a host one is tried a rest, so that a host
//! that is down gets about one call a rest from all of them together; once one is well again the next is tried at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::hosts::{Full, Hosts, Line};
use crate::ambient::{Clock, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting};
use crate::message::DeviceUuid;
use crate::store::{LineKey, PassedOver, WebhookKey};

/// Webhooks remembered at a time. Beyond that one is forgotten that has no call in hand, and so gets a fresh start.
const REMEMBERED: usize = 1024;
/// The most rests for which a webhook is not tried because others of its host are, however many of them fail too.
const LONGEST: u32 = 60;
/// One that fails is forgotten where it was not tried for so many rests: mostly nothing waits for it then. Where there was
/// only no room for its trial, it gets a fresh start.
const UNTRIED: u32 = 2 * LONGEST;

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
    webhooks: HashMap<WebhookKey, Webhook>,
    /// The calls that each line has in hand; those alone that have some.
    lines: HashMap<LineKey, InHand>,
    /// How many calls there were.
    calls: u64,
    /// Whether work may wait for a call to end.
    passed_over: bool,
}

/// The calls that a line has in hand.
#[derive(Debug, Default)]
struct InHand {
    calls: usize,
    /// Which of all calls there were the last of them is.
    last: u64,
}

#[derive(Debug)]
struct Webhook {
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
    to: LineKey,
    began: Timestamp,
    /// Whether there was a call.
    made: bool,
}

impl Destinations {
    /// `bell` is rung when a host may not be full any more, or a webhook not at rest, because of a call that ended.
    pub(super) fn new(
        concurrency: usize,
        bell: Arc<Notify>,
        settings: BreakerSettings,
        clock: Clock,
    ) -> Self {
        let hosts = Hosts::new(concurrency);
        let (webhooks, lines) = Default::default();
        let known = Known { hosts, webhooks, lines, calls: 0, passed_over: false };
        Self(Arc::new(Shared { known: Mutex::new(known), settings, clock, bell }))
    }

    /// The hosts that are full, the lines that have their share of one, and the webhooks that failed and rest: they get no call
    /// now. And who had their turn with a call that they have in hand.
    pub(super) fn passed_over(&self) -> PassedOver {
        let (mut known, now) = (self.known(), self.0.clock.now());
        let Full { hosts, but_for_others, but, again_in } = known.hosts.full(now);
        let mut passed_over = PassedOver::of_hosts(hosts, but, again_in);
        let have_their_share = known.lines.keys().filter(|line| but_for_others.contains(&line.webhook.host));
        have_their_share.for_each(|line| passed_over.has_its_share(line));
        known.lines.iter().for_each(|(line, in_hand)| passed_over.has_had_a_turn(line, in_hand.last));
        for (key, webhook) in &known.webhooks {
            if let Some(Resting { after }) = webhook.resting_at(&key.host, &known.hosts, now) {
                passed_over.rests(key, after);
            }
        }
        known.passed_over = passed_over.is_something();
        passed_over
    }

    /// Leave for one call, unless its host is full, its line has its share of that, or its webhook rests. Of one that rests only
    /// one call gets it after each rest.
    pub(super) fn admit(&self, to: LineKey) -> Option<Leave> {
        let (mut known, now) = (self.known(), self.0.clock.now());
        let (key, line) = (&to.webhook, known.line(&to));
        if !known.hosts.has_room(&key.host, line, now) {
            return None;
        }
        if known.webhooks.len() >= REMEMBERED && !known.webhooks.contains_key(key) {
            known.forget_one();
        }
        let Known { hosts, webhooks, lines, calls, .. } = &mut *known;
        let webhook = webhooks.entry(key.clone()).or_insert_with(|| Webhook {
            calls: 0,
            breaker: Breaker::new(self.0.settings, self.0.clock.clone()),
            fails: false,
        });
        if webhook.resting_at(&key.host, hosts, now).is_some() {
            return None;
        }
        let admission = Some(webhook.breaker.admit().ok()?);
        if webhook.breaker.is_open() {
            hosts.is_tried(&key.host, now, now.plus(self.0.settings.rest));
        }
        webhook.calls += 1;
        *calls += 1;
        let in_hand = lines.entry(to.clone()).or_default();
        (in_hand.calls, in_hand.last) = (in_hand.calls + 1, *calls);
        hosts.begin(&key.host, line, now);
        let breaker = Arc::clone(&webhook.breaker);
        Some(Leave { admission, breaker, destinations: self.clone(), to, began: now, made: true })
    }

    /// Whether some webhook of this device is remembered that may be forgotten, besides one that the device has.
    pub(super) fn remember(&self, device: &DeviceUuid, besides: Option<&WebhookKey>) -> bool {
        let is_other = |key: &WebhookKey| key.device == *device && besides != Some(key);
        self.known().webhooks.iter().any(|(key, webhook)| webhook.calls == 0 && is_other(key))
    }

    /// Forgets the webhooks of a device but those that it `has`: what fails at none of these tells nothing any more.
    pub(super) fn keep(&self, device: &DeviceUuid, has: &HashSet<WebhookKey>) {
        self.known().forget(|key, _| key.device == *device && !has.contains(key));
    }

    /// Forgets those that fail and were not tried for long.
    pub(super) fn forget_untried(&self) {
        self.known().forget(|_, webhook| webhook.breaker.untried_for(UNTRIED));
    }

    fn release(&self, leave: &Leave) {
        let (mut known, now) = (self.known(), self.0.clock.now());
        known.hosts.end(&leave.to.webhook.host, leave.began, leave.made.then_some(now));
        known.end_call(&leave.to);
        if std::mem::take(&mut known.passed_over) {
            self.0.bell.notify_one();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn line(&self, line: &LineKey) -> Line {
        if self.lines.contains_key(line) { Line::WithSome } else { Line::WithNone }
    }

    /// Takes one call of a line back, of whose webhook the breaker knows what came of it.
    fn end_call(&mut self, line: &LineKey) {
        let key = &line.webhook;
        if let Some(in_hand) = self.lines.get_mut(line) {
            in_hand.calls -= 1;
            if in_hand.calls == 0 {
                self.lines.remove(line);
                self.hosts.end_line(&key.host);
            }
        }
        let Some(webhook) = self.webhooks.get_mut(key) else { return };
        webhook.calls -= 1;
        let fails = webhook.breaker.is_open();
        if std::mem::replace(&mut webhook.fails, fails) != fails {
            self.hosts.count_failing(&key.host, fails);
            if !fails {
                self.hosts.is_well_again(&key.host);
            }
        }
        if webhook.calls == 0 && webhook.breaker.untroubled() {
            self.webhooks.remove(key);
        }
    }

    /// Forgets one that would be called again anyway, if there is one.
    fn forget_one(&mut self) {
        let idle = |(_, webhook): &(&WebhookKey, &Webhook)| webhook.calls == 0;
        let rested = self.webhooks.iter().filter(idle).find(|(_, it)| it.breaker.resting().is_none());
        let forgotten = rested.or_else(|| self.webhooks.iter().find(idle)).map(|(key, _)| key.clone());
        if let Some(forgotten) = forgotten {
            self.forget(|key, _| *key == forgotten);
        }
    }

    /// Forgets some of those that have no call in hand: whoever has one comes back for it.
    fn forget(&mut self, which: impl Fn(&WebhookKey, &Webhook) -> bool) {
        let idle = |key: &WebhookKey, webhook: &mut Webhook| webhook.calls == 0 && which(key, webhook);
        for (key, webhook) in self.webhooks.extract_if(idle) {
            if webhook.fails {
                self.hosts.count_failing(&key.host, false);
            }
        }
    }
}

impl Webhook {
    /// Whether it is left alone: until it has rested, and then while another of its host was tried, for as long as each of those
    /// that fail there takes to have its trial.
    fn resting_at(&self, host: &str, hosts: &Hosts, now: Timestamp) -> Option<Resting> {
        if let Some(resting) = self.breaker.resting() {
            return Some(resting);
        }
        let Resting { after } = self.breaker.resting_for(hosts.failing(host).clamp(1, LONGEST))?;
        let next_trial = hosts.next_trial_in(host, now);
        (!next_trial.is_zero()).then(|| Resting { after: after.min(next_trial) })
    }
}

impl Leave {
    /// What is called, and whose the call is.
    pub(super) fn line(&self) -> &LineKey {
        &self.to
    }

    /// Where what comes of the call is known.
    pub(super) fn destinations(&self) -> Destinations {
        self.destinations.clone()
    }

    /// What knows how this webhook took its calls.
    pub(super) fn breaker(&self) -> Arc<Breaker> {
        Arc::clone(&self.breaker)
    }

    /// Says that the destination answered.
    pub(super) fn answered(self) {
        self.settle(Admission::succeeded);
    }

    /// Says that the destination is down or overloaded.
    pub(super) fn failed(self) {
        self.settle(Admission::failed);
    }

    /// Says that no answer came in time. If another call was answered meanwhile the destination is there, and slow with this
    /// one alone.
    pub(super) fn late(self) {
        self.settle(Admission::late);
    }

    /// Says that there was no call after all.
    pub(super) fn withdrawn(mut self) {
        self.made = false;
        self.settle(Admission::withdrawn);
    }

    fn settle(mut self, verdict: fn(Admission)) {
        self.admission.take().into_iter().for_each(verdict);
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        // First, for what is passed over from now on.
        drop(self.admission.take());
        self.destinations.release(self);
    }
}
