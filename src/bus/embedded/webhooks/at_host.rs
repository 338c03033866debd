//! What fails at one host: how many are left alone there, and when one of them was tried last.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::tally::{Counted, Tally};
use crate::ambient::{Ambient, Timestamp};
use crate::egress::BreakerSettings;

/// Before the first trial.
const NEVER: i64 = i64::MIN;

/// Shared by all whose calls go to the host.
#[derive(Debug)]
pub(super) struct AtHost {
    pub(super) settings: BreakerSettings,
    pub(super) ambient: Ambient,
    failing: Tally,
    last_trial: AtomicI64,
}

impl AtHost {
    /// A host at which nothing has failed.
    pub(super) fn new(settings: BreakerSettings, ambient: Ambient) -> Self {
        Self { settings, ambient, failing: Tally::default(), last_trial: AtomicI64::new(NEVER) }
    }

    /// Somebody is left alone there until that is dropped.
    pub(super) fn one_more_failing(&self) -> Counted {
        self.failing.one()
    }

    /// How many are left alone.
    pub(super) fn failing(&self) -> usize {
        self.failing.count()
    }

    /// One of them is tried.
    pub(super) fn note_trial(&self, now: Timestamp) {
        self.last_trial.store(now.as_millis(), Ordering::Relaxed);
    }

    /// How long it is until one of them may be tried, whoever it is; at once where the clock was set back behind the last trial.
    pub(super) fn next_trial_in(&self, now: Timestamp) -> Duration {
        let last = Timestamp::from_millis(self.last_trial.load(Ordering::Relaxed));
        if now < last { Duration::ZERO } else { last.plus(self.settings.rest).since(now) }
    }
}
