//! What is known of the webhooks at one host.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Duration;

use super::WebhookSettings;
use super::destination::{CallEnd, Destination, Line};
use super::failures::{Failures, Rules};
use super::hosts::Share;
use super::permit::{Admitted, NewCall};
use super::trials::{Counts, Standing, Trial, Trials};
use crate::ambient::Timestamp;
use crate::egress::Resting;
use crate::message::DeviceUuid;
use crate::store::{FailingLine, LineKey, PassedOver, Rationed, WebhookKey};

#[derive(Debug)]
pub(super) struct AtHost {
    pub(super) webhooks: HashMap<WebhookKey, Destination>,
    pub(super) trials: Trials,
}

/// A line that has no call in hand; only its webhook where that has no line.
#[derive(Debug)]
pub(super) struct Idle<'a> {
    pub(super) key: &'a WebhookKey,
    pub(super) user_device: Option<&'a DeviceUuid>,
    pub(super) rests_for: Duration,
}

impl AtHost {
    /// A host at which nothing has failed.
    pub(super) fn new(settings: &WebhookSettings) -> Self {
        Self { webhooks: HashMap::new(), trials: Trials::none(settings) }
    }

    /// Whether a call for this line would be none now because somebody rests.
    pub(super) fn rests_for(&self, line: &LineKey, now: Timestamp) -> bool {
        let destination = self.webhooks.get(&line.webhook);
        destination.is_some_and(|destination| destination.rests_for(&line.user_device, &self.trials, now))
    }

    /// Adds those who get no call now, and who had their turn with a call that they have in hand; of these nobody gets another
    /// whose share is one of those that the host is full for, or more. Answers who else fails there, or has a call in hand.
    pub(super) fn pass_over(
        &self,
        passed_over: &mut PassedOver,
        full_from: Option<&HashMap<DeviceUuid, Share>>,
        now: Timestamp,
    ) -> Rationed {
        let mut rationed = Rationed::of(self.trials.next(now));
        for (key, destination) in &self.webhooks {
            match destination.away.resting(&self.trials, now) {
                Some(Resting { after }) => passed_over.pass_over_webhook_for(key, after),
                None if !destination.away.is_none() => rationed.is_away(key),
                None => {}
            }
            for Line { key, refused, calls, last, was_well } in destination.lines.values() {
                match refused.resting(&self.trials, now) {
                    Some(Resting { after }) => passed_over.pass_over_line_for(key, after),
                    None if *calls == 0 => {
                        rationed.fails(FailingLine {
                            is_left_alone: refused.is_left_alone(),
                            was_taken: *was_well,
                            last_call: *last,
                            line: key.clone(),
                        });
                        if refused.stands_behind(now) {
                            passed_over.put_line_behind(key, *last);
                        }
                    }
                    None => {}
                }
                if *calls > 0 {
                    rationed.has_a_call(key);
                    passed_over.put_behind(key, *calls, *last);
                    match full_from.and_then(|full_from| full_from.get(&key.webhook.device)) {
                        Some(Share::OfItsLine) => passed_over.pass_over_line(key),
                        Some(_) => passed_over.pass_over_device_of(&key.webhook),
                        None => {}
                    }
                }
            }
        }
        rationed
    }

    /// Whether this line has a call in hand.
    pub(super) fn has_a_call(&self, line: &LineKey) -> bool {
        let destination = self.webhooks.get(&line.webhook);
        let line = destination.and_then(|destination| destination.lines.get(&line.user_device));
        line.is_some_and(|line| line.calls > 0)
    }

    /// Whether the line was taken last, fails, or is neither.
    pub(super) fn standing(&self, line: &LineKey) -> Standing {
        let Some(destination) = self.webhooks.get(&line.webhook) else { return Standing::Unknown };
        let of_line = destination.lines.get(&line.user_device).map(|line| &line.refused);
        match [&destination.away].into_iter().chain(of_line).all(Failures::is_none) {
            true => Standing::Unknown,
            false => Standing::Failing,
        }
    }

    /// Begins the call of this number.
    pub(super) fn begin(&mut self, call: NewCall, rules: &Rules) -> Admitted {
        let NewCall { to, began, number, standing } = call;
        let Self { webhooks, trials } = self;
        trials.begin(standing, &to.webhook);
        let is_first_trial = standing == Standing::Unknown && trials.are_rationed();
        let destination = webhooks.entry(to.webhook.clone()).or_insert_with(|| {
            trials.counts.remembered += 1;
            Destination::new(rules)
        });
        let webhook = destination.away.admit();
        if !destination.lines.contains_key(&to.user_device) {
            trials.counts.remembered += 1;
        }
        let of_line = destination.line(&to, rules);
        (of_line.calls, of_line.last) = (of_line.calls + 1, number);
        of_line.was_well |= standing == Standing::Well;
        let line = of_line.refused.admit();
        if webhook.is_trial() || line.is_trial() {
            trials.note(began);
        }
        Admitted { to, began, webhook, line, number, standing, is_first_trial }
    }

    /// Takes a call back that ends like this. Once something is taken again of one that was left alone, nobody rests any longer.
    pub(super) fn end(&mut self, call: Admitted, end: CallEnd, rules: &Rules) {
        let Self { webhooks, trials } = self;
        let (key, user_device) = (call.to.webhook.clone(), call.to.user_device.clone());
        trials.end(Trial { standing: call.standing, device: &key.device }, end.condition, end.at);
        let Some(destination) = webhooks.get_mut(&key) else { return };
        let (before, were_rationed) = (destination.counts_with(&user_device), trials.are_rationed());
        let is_well_again = destination.end(call, end, rules);
        let mut after = destination.counts_with(&user_device);
        log_change(&key.device, before.left_alone, after.left_alone);
        if !destination.is_known() {
            webhooks.remove(&key);
            after = Counts::default();
        }
        trials.counts -= before;
        trials.counts += after;
        log_change_of_host(&key.device, were_rationed, trials.are_rationed());
        if is_well_again {
            webhooks.values().for_each(Destination::end_rests);
        }
    }

    /// Whether somebody has calls or failures there, or was tried within a rest.
    pub(super) fn is_needed(&self, now: Timestamp) -> bool {
        !self.webhooks.is_empty() || !self.trials.next_in(now).is_zero()
    }

    /// Which line of each webhook could be forgotten: the one that would be called the soonest.
    pub(super) fn soonest_idle(&self, now: Timestamp) -> impl Iterator<Item = Idle<'_>> {
        self.webhooks.iter().filter_map(move |(key, destination)| {
            let (rests_for, user_device) = destination.soonest_idle(&self.trials, now)?;
            Some(Idle { key, user_device, rests_for })
        })
    }

    /// Forgets this line, and the webhook where it has no other.
    pub(super) fn forget(&mut self, key: &WebhookKey, user_device: Option<&DeviceUuid>) {
        self.retain(|webhook, destination| {
            let is_it = webhook == key;
            if is_it {
                user_device.and_then(|user_device| destination.lines.remove(user_device));
            }
            !is_it || !destination.lines.is_empty()
        });
    }

    /// Forgets the webhooks that are not kept.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&WebhookKey, &mut Destination) -> bool) {
        self.webhooks.retain(|key, destination| is_kept(key, destination));
        self.trials.counts = Counts::default();
        self.webhooks.values().for_each(|destination| self.trials.counts += destination.counts());
    }
}

fn log_change(device: &DeviceUuid, left_alone_before: usize, left_alone: usize) {
    match left_alone.cmp(&left_alone_before) {
        Ordering::Greater => {
            tracing::debug!(device.uuid = %device.logged(), "a webhook that fails is left alone")
        }
        Ordering::Less => {
            tracing::debug!(device.uuid = %device.logged(), "a webhook is well that was left alone")
        }
        Ordering::Equal => {}
    }
}

fn log_change_of_host(device: &DeviceUuid, were_rationed: bool, are_rationed: bool) {
    match (were_rationed, are_rationed) {
        (false, true) => {
            tracing::debug!(device.uuid = %device.logged(), "at the host of a webhook many fail: few are tried at a time")
        }
        (true, false) => {
            tracing::debug!(device.uuid = %device.logged(), "at the host of a webhook few fail: all are called")
        }
        _ => {}
    }
}
