//! Which destinations are called now: those whose host has room for another call, and that are not left alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::WebhookSettings;
use super::answer::Condition;
use super::known::Known;
use super::permit::{Admitted, Permit};
use crate::ambient::{Ambient, Clock};
use crate::message::DeviceUuid;
use crate::store::{LineKey, Overdue, PassedOver, WebhookKey};

/// The destinations that calls go to or lately failed at. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Destinations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<Known>,
    clock: Clock,
    bell: Arc<Notify>,
}

impl Destinations {
    /// `bell` is rung when a host may not be full any more, or somebody not at rest, because of a call that ended.
    pub(super) fn new(settings: &WebhookSettings, ambient: Ambient, bell: Arc<Notify>) -> Self {
        let clock = ambient.clock.clone();
        Self(Arc::new(Shared { known: Mutex::new(Known::new(settings, ambient)), clock, bell }))
    }

    /// The hosts that are full, the lines that have their share of one, and the webhooks and lines that failed and rest: they get
    /// no call now. And who had their turn with a call that they have in hand.
    pub(super) fn passed_over(&self) -> PassedOver {
        self.known().passed_over(self.0.clock.now())
    }

    /// Takes these for lines whose last call was taken: nothing else is known of them.
    pub(super) fn take_for_well(&self, lines: &[LineKey]) {
        self.known().take_for_well(lines);
    }

    /// The permit for one call, unless its host is full, its line has its share of that, or it or its webhook rests.
    pub(super) fn admit(&self, to: LineKey) -> Option<Permit> {
        let call = self.known().admit(to, self.0.clock.now())?;
        Some(Permit::new(self.clone(), call))
    }

    /// Takes a call back that ends like this.
    pub(super) fn release(&self, call: Admitted, condition: Condition) {
        if self.known().end(call, condition, self.0.clock.now()) {
            self.0.bell.notify_one();
        }
    }

    /// Before when something came that has waited too long for what fails there: for longer than `span`, and through so many
    /// trials that failed.
    pub(super) fn outwaited(&self, to: &LineKey, span: Duration, trials: u32) -> Option<Overdue> {
        let (known, now) = (self.known(), self.0.clock.now());
        let destination = known.destination(&to.webhook)?;
        let at_webhook = destination.away.outwaited(span, trials, now);
        let in_line = || destination.lines.get(&to.user_device)?.refused.outwaited(span, trials, now);
        at_webhook
            .map(|due_before| Overdue::AtWebhook(to.webhook.clone(), due_before))
            .or_else(|| in_line().map(|due_before| Overdue::InLine(to.clone(), due_before)))
    }

    /// Whether some webhook of this device is remembered that may be forgotten, besides one that the device has.
    pub(super) fn may_forget(&self, device: &DeviceUuid, besides: Option<&WebhookKey>) -> bool {
        self.known().may_forget(device, besides)
    }

    /// Forgets the webhooks of a device but those that it `has`: what fails at none of these tells nothing any more.
    pub(super) fn keep(&self, device: &DeviceUuid, has: &HashSet<WebhookKey>) {
        self.known().keep(device, has);
        // Where fewer fail each rests for less.
        self.0.bell.notify_one();
    }

    /// Forgets those that fail and were not tried for long.
    pub(super) fn forget_untried(&self) {
        self.known().forget_untried(self.0.clock.now());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
