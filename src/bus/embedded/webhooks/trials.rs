//! What is tried at one host. Of those who are left alone there one is tried a rest, whoever it is; and where many fail only a few
//! are tried at a time of whom nothing good is known, however many there are, so that whose last call was taken finds room.

use std::collections::HashMap;
use std::ops::{AddAssign, SubAssign};
use std::time::Duration;

use super::WebhookSettings;
use super::answer::Condition;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::sharing::is_within_share;
use crate::store::{NextTrials, WebhookKey};

/// So many webhooks and lines fail where many do.
const MANY: usize = 32;
/// Of all calls this part may be trials of one host where many fail, while most of these fail.
const FEW: usize = 16;
/// Of those who had a call before and were forgotten so many are tried a rest where that fails.
const FORGOTTEN: u32 = 32;

/// What is tried at one host, and how much fails there.
#[derive(Debug)]
pub(super) struct Trials {
    rest: Duration,
    /// Calls at the same time, of all hosts.
    concurrency: usize,
    pub(super) counts: Counts,
    /// When one of those who are left alone was tried last.
    last: Option<Timestamp>,
    /// How many calls each device has in hand of those of whom nothing good is known, and how many may be where many fail.
    in_hand: HashMap<DeviceUuid, usize>,
    at_a_time: usize,
    /// How many there were.
    turn: usize,
    /// From when on another is tried of whom nothing is known though it had a call before.
    forgotten_from: Timestamp,
    /// The webhook that was tried last of which nothing was known.
    last_unknown: Option<WebhookKey>,
}

/// What is known of whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its last call was taken.
    Well,
    /// It has failed since.
    Failing,
    /// Nothing: it is new, or was forgotten.
    Unknown,
}

/// A call that ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'a> {
    /// What was known of whose call it was when it began.
    pub(super) standing: Standing,
    /// Whose webhook was called.
    pub(super) device: &'a DeviceUuid,
}

/// How many webhooks and lines there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Of which something is known.
    pub(super) remembered: usize,
    /// That failed since something was taken.
    pub(super) failing: usize,
    /// That are left alone.
    pub(super) left_alone: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.remembered += more.remembered;
        self.failing += more.failing;
        self.left_alone += more.left_alone;
    }
}

impl SubAssign for Counts {
    fn sub_assign(&mut self, fewer: Self) {
        self.remembered -= fewer.remembered;
        self.failing -= fewer.failing;
        self.left_alone -= fewer.left_alone;
    }
}

impl Trials {
    /// At a host at which nothing has failed.
    pub(super) fn none(settings: &WebhookSettings) -> Self {
        let concurrency = settings.concurrency.max(1);
        Self {
            rest: settings.breaker.rest,
            concurrency,
            counts: Counts::default(),
            last: None,
            in_hand: HashMap::new(),
            at_a_time: few(concurrency),
            turn: 0,
            forgotten_from: Timestamp::from_millis(i64::MIN),
            last_unknown: None,
        }
    }

    /// Whether few are tried at a time: many fail there, and so did most of what was tried lately.
    pub(super) fn are_rationed(&self) -> bool {
        let many = self.concurrency.div_ceil(2).max(few(self.concurrency) + 1);
        self.counts.failing >= MANY && self.at_a_time < many
    }

    /// How many more may be tried now where many fail.
    fn room(&self) -> usize {
        self.at_a_time.saturating_sub(self.in_hand.values().sum())
    }

    /// Whether there is one more for this device, which has its share.
    pub(super) fn has_room_for(&self, device: &DeviceUuid) -> bool {
        let (room, held) = (self.room(), self.in_hand.get(device).copied().unwrap_or_default());
        room > 0 && is_within_share(room, held, 1)
    }

    /// Who is tried next where many fail.
    pub(super) fn next(&self, now: Timestamp) -> NextTrials {
        NextTrials {
            room: self.room(),
            with_their_share: self
                .in_hand
                .keys()
                .filter(|device| !self.has_room_for(device))
                .cloned()
                .collect(),
            turn: self.turn,
            last_unknown: self.last_unknown.clone(),
            forgotten: if self.at_a_time > few(self.concurrency) { self.room() } else { 1 },
            forgotten_in: self.next_forgotten_in(now),
        }
    }

    fn next_forgotten_in(&self, now: Timestamp) -> Duration {
        let left = self.forgotten_from.since(now);
        // It was set before the clock was set back.
        if left > self.rest { Duration::ZERO } else { left }
    }

    /// How long it is until one of those who are left alone may be tried, whoever it is; at once where the clock was set back behind
    /// the last trial.
    pub(super) fn next_in(&self, now: Timestamp) -> Duration {
        match self.last {
            Some(last) if last <= now => last.plus(self.rest).since(now),
            _ => Duration::ZERO,
        }
    }

    /// One of those who are left alone is tried.
    pub(super) fn note(&mut self, now: Timestamp) {
        self.last = Some(now);
    }

    /// A call of somebody like this begins.
    pub(super) fn begin(&mut self, standing: Standing, webhook: &WebhookKey) {
        if standing != Standing::Well {
            *self.in_hand.entry(webhook.device.clone()).or_default() += 1;
            self.turn = self.turn.wrapping_add(1);
        }
        if standing == Standing::Unknown {
            self.last_unknown = Some(webhook.clone());
        }
    }

    /// It ends like this: the more are taken the more are tried at a time.
    pub(super) fn end(&mut self, trial: Trial<'_>, condition: Condition, now: Timestamp) {
        let Trial { standing, device } = trial;
        if standing == Standing::Well {
            return;
        }
        if let Some(in_hand) = self.in_hand.get_mut(device) {
            *in_hand -= 1;
            if *in_hand == 0 {
                self.in_hand.remove(device);
            }
        }
        match condition {
            Condition::NotCalled => {}
            Condition::Well => {
                self.at_a_time = (self.at_a_time + 1).min(self.concurrency);
                self.forgotten_from = now;
            }
            Condition::Late | Condition::Refuses | Condition::Away => {
                self.at_a_time = self.at_a_time.saturating_sub(1).max(few(self.concurrency));
                if standing == Standing::Unknown && self.next_forgotten_in(now).is_zero() {
                    self.forgotten_from = now.plus(self.rest / FORGOTTEN);
                }
            }
        }
    }
}

fn few(concurrency: usize) -> usize {
    (concurrency / FEW).max(1)
}
