//! Who fails again and again is left alone, and tried from time to time: how often, since when, and who has waited too long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::ambient::{Clock, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting, Verdict};

/// The most rests for which somebody is left alone, however often they were tried and however many others of their host fail.
const LONGEST: u32 = 60;
/// Who was not tried for so many rests has nothing that waits.
const UNTRIED: u32 = 2 * LONGEST;
/// Trials remembered at a time that failed in a row.
const REMEMBERED: usize = 100;

/// Somebody who may fail.
#[derive(Debug)]
pub(super) struct Trouble {
    breaker: Arc<Breaker>,
    settings: BreakerSettings,
    /// The first call that failed after which none has succeeded.
    failing_since: Option<Timestamp>,
    /// When the last trials began that failed since then, one a rest.
    trials: VecDeque<Timestamp>,
}

impl Trouble {
    /// Somebody who has none.
    pub(super) fn none(settings: BreakerSettings, clock: &Clock) -> Self {
        let breaker = Breaker::new(settings, clock.clone());
        Self { breaker, settings, failing_since: None, trials: VecDeque::new() }
    }

    /// Leave for one call.
    pub(super) fn admit(&self) -> Option<Admission> {
        self.breaker.admit().ok()
    }

    /// Whether they are left alone: for one rest, and where several fail at their host for twice as many after each trial, but
    /// for no more than these are. So a host that is down gets few calls, and who failed for a moment waits for a moment.
    pub(super) fn resting(&self, failing_at_host: usize) -> Option<Resting> {
        let doubled = 2_usize.saturating_pow(u32::try_from(self.trials.len()).unwrap_or(u32::MAX));
        let rests = u32::try_from(doubled.min(failing_at_host)).unwrap_or(LONGEST);
        self.breaker.resting_for(rests.clamp(1, LONGEST))
    }

    /// How long it is until somebody who is left alone may be called, whoever else fails.
    pub(super) fn rests_for(&self) -> Duration {
        self.breaker.resting().map_or(Duration::ZERO, |resting| resting.after)
    }

    pub(super) fn is_left_alone(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether nothing has failed since something last succeeded.
    pub(super) fn is_none(&self) -> bool {
        self.breaker.untroubled()
    }

    /// Whether nothing was tried for long though it could have been.
    pub(super) fn is_untried(&self) -> bool {
        self.breaker.untried_for(UNTRIED)
    }

    /// Leaves them alone although they have not failed often enough.
    pub(super) fn leave_alone(&self) {
        self.breaker.open();
    }

    /// The next call is made at once.
    pub(super) fn end_rest(&self) {
        self.breaker.end_rest();
    }

    /// Takes what came of a call that began and ended then; answers whether they were left alone and are well again.
    pub(super) fn take(&mut self, call: Admission, verdict: Verdict, [began, ended]: [Timestamp; 2]) -> bool {
        let (was_left_alone, is_trial) = (self.is_left_alone(), call.is_trial());
        call.ends(verdict);
        match verdict {
            Verdict::Succeeded => {
                self.failing_since = None;
                self.trials.clear();
            }
            Verdict::Failed | Verdict::Late => {
                self.failing_since.get_or_insert(ended);
                if is_trial && self.is_left_alone() {
                    self.note_trial(began);
                }
            }
            Verdict::NotMade => {}
        }
        was_left_alone && !self.is_left_alone()
    }

    /// Before when something came that has waited for longer than `span` while calls failed and none succeeded, and through so
    /// many trials, of which one a rest counts, and a hundred at most; nothing where none can have.
    pub(super) fn outwaited(&self, span: Duration, trials: u32, now: Timestamp) -> Option<Timestamp> {
        let trials = (trials as usize).clamp(1, REMEMBERED);
        let first = self.trials.iter().nth_back(trials - 1)?;
        let failing_for = now.since(self.failing_since?);
        (failing_for > span).then(|| now.minus(span).min(*first))
    }

    fn note_trial(&mut self, began: Timestamp) {
        if self.trials.back().is_some_and(|last| began.since(*last) < self.settings.rest) {
            return;
        }
        if self.trials.len() == REMEMBERED {
            self.trials.pop_front();
        }
        self.trials.push_back(began);
    }
}
