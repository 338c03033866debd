//! Who fails again and again is left alone, and tried from time to time: how often, since when, and who has waited too long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::ambient::{Clock, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting, Verdict};

/// The most rests for which somebody is left alone, however often they were tried and however many others of their host fail.
const LONGEST: u32 = 60;
/// Whose last call failed stands behind others for so many rests after it.
const BEHIND: u32 = 2 * LONGEST;
/// Who was not tried for so many rests has nothing that waits.
const UNTRIED: u32 = 4 * LONGEST;
/// Trials remembered at a time that failed in a row.
const REMEMBERED: usize = 100;

/// The failures in a row of somebody.
#[derive(Debug)]
pub(super) struct Failures {
    breaker: Arc<Breaker>,
    settings: BreakerSettings,
    /// When calls ended that failed after which none has succeeded.
    failing: Option<Failing>,
    /// When the last trials began that failed since then, one a rest.
    trials: VecDeque<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    first: Timestamp,
    last: Timestamp,
}

/// What fails at the host of somebody.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AtHost {
    /// How many are left alone.
    pub(super) failing: usize,
    /// How long it is until one of them may be tried, whoever it is.
    pub(super) next_trial_in: Duration,
}

impl Failures {
    /// Of somebody who has none.
    pub(super) fn none(settings: BreakerSettings, clock: &Clock) -> Self {
        let breaker = Breaker::new(settings, clock.clone());
        Self { breaker, settings, failing: None, trials: VecDeque::new() }
    }

    /// Leave for one call.
    pub(super) fn admit(&self) -> Option<Admission> {
        self.breaker.admit().ok()
    }

    /// Whether they are left alone: for one rest, and where several fail at their host until none of these was tried for a rest,
    /// or for twice as many rests after each trial, but for no more than these are. So a host that is down gets few calls, it soon
    /// shows that it is well again, and who failed for a moment waits for a moment.
    pub(super) fn resting(&self, at_host: AtHost) -> Option<Resting> {
        if let Some(resting) = self.breaker.resting() {
            return Some(resting);
        }
        let doubled = 2_usize.saturating_pow(u32::try_from(self.trials.len()).unwrap_or(u32::MAX));
        let rests = u32::try_from(doubled.min(at_host.failing)).unwrap_or(LONGEST);
        let Resting { after } = self.breaker.resting_for(rests.clamp(1, LONGEST))?;
        let after = after.min(at_host.next_trial_in);
        (!after.is_zero()).then_some(Resting { after })
    }

    /// Whether others whose last call did not fail come before.
    pub(super) fn stands_behind(&self, now: Timestamp) -> bool {
        let patience = self.settings.rest.saturating_mul(BEHIND);
        self.failing.is_some_and(|failing| now.since(failing.last) < patience)
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
                self.failing = None;
                self.trials.clear();
            }
            Verdict::Failed | Verdict::Late => {
                // The clock may have been set back.
                let first = self.failing.map_or(ended, |failing| failing.first.min(ended));
                self.failing = Some(Failing { first, last: ended });
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
        let failing_for = now.since(self.failing?.first);
        (failing_for > span).then(|| now.minus(span).min(*first))
    }

    fn note_trial(&mut self, began: Timestamp) {
        let is_of_this_rest = |last: &Timestamp| *last <= began && began.since(*last) < self.settings.rest;
        if self.trials.back().is_some_and(is_of_this_rest) {
            return;
        }
        if self.trials.len() == REMEMBERED {
            self.trials.pop_front();
        }
        self.trials.push_back(began);
    }
}
