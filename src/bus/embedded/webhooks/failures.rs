//! Who fails again and again is left alone, and tried from time to time: how often, since when, and who has waited too long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::trials::{Counts, Trials};
use crate::ambient::{Ambient, Timestamp};
use crate::egress::{Admission, Breaker, BreakerSettings, Resting, Verdict};

/// The most rests for which somebody is left alone, however often they were tried and however many others of their host fail.
const LONGEST: u32 = 60;
/// Whose last call failed stands behind others for so many rests after it.
const BEHIND: u32 = 2 * LONGEST;
/// Who was not tried for so many rests has nothing that waits.
const UNTRIED: u32 = 4 * LONGEST;
/// Trials remembered at a time that failed in a row.
const REMEMBERED: usize = 100;
/// No rest is shorter than this part of it.
const SHORTEST: f64 = 0.5;

/// When somebody who fails is left alone, by this clock, and with this randomness for how long.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) breaker: BreakerSettings,
    pub(super) ambient: Ambient,
}

/// The failures in a row of somebody.
#[derive(Debug)]
pub(super) struct Failures {
    breaker: Arc<Breaker>,
    /// The whole of one.
    rest: Duration,
    /// When calls ended that failed after which none has succeeded.
    failing: Option<Failing>,
    /// When the last trials began that failed since then, one a rest.
    trials: VecDeque<Timestamp>,
    /// How much they rest of each rest: another part after each failure, so that those who fail together are not tried together.
    part_of_rest: f64,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) verdict: Verdict,
    pub(super) began: Timestamp,
    pub(super) at: Timestamp,
    /// The part, by chance, of what a rest may be beyond the shortest.
    pub(super) chance: f64,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    first: Timestamp,
    last: Timestamp,
}

impl Failures {
    /// Of somebody who has none.
    pub(super) fn none(rules: &Rules) -> Self {
        Self {
            breaker: Breaker::new(rules.breaker, rules.ambient.clock.clone()),
            rest: rules.breaker.rest,
            failing: None,
            trials: VecDeque::new(),
            part_of_rest: 1.0,
        }
    }

    /// Leave for one call: the caller has seen that they are not resting.
    pub(super) fn admit(&self) -> Admission {
        self.breaker.admit_at_once()
    }

    /// Whether they are left alone: for one rest, and where several fail at their host until none of these was tried for a rest,
    /// or for twice as many rests after each trial, but for no more than these are. So a host that is down gets few calls, it soon
    /// shows that it is well again, and who failed for a moment waits for a moment.
    pub(super) fn resting(&self, at_host: &Trials, now: Timestamp) -> Option<Resting> {
        if let Some(resting) = self.breaker.resting_for(self.rests(1)) {
            return Some(resting);
        }
        let doubled = 2_usize.saturating_pow(u32::try_from(self.trials.len()).unwrap_or(u32::MAX));
        let rests = u32::try_from(doubled.min(at_host.counts.left_alone)).unwrap_or(LONGEST);
        let Resting { after } = self.breaker.resting_for(self.rests(rests.clamp(1, LONGEST)))?;
        let after = after.min(at_host.next_in(now));
        (!after.is_zero()).then_some(Resting { after })
    }

    /// How they count among those at their host.
    pub(super) fn counts(&self) -> Counts {
        let (failing, left_alone) = (usize::from(!self.is_none()), usize::from(self.is_left_alone()));
        Counts { remembered: 1, failing, left_alone }
    }

    /// Whether others whose last call did not fail come before.
    pub(super) fn stands_behind(&self, now: Timestamp) -> bool {
        let patience = self.rest.saturating_mul(BEHIND);
        self.failing.is_some_and(|failing| now.since(failing.last) < patience)
    }

    /// Whether nothing has failed since something last succeeded.
    pub(super) fn is_none(&self) -> bool {
        self.breaker.untroubled()
    }

    /// Whether nothing has failed for long, nor was anything taken.
    pub(super) fn is_untried(&self, now: Timestamp) -> bool {
        let patience = self.rest.saturating_mul(UNTRIED);
        // The clock may have been set back.
        self.failing.is_some_and(|failing| now < failing.last || now.since(failing.last) >= patience)
    }

    /// Leaves them alone although they have not failed often enough.
    pub(super) fn leave_alone(&self) {
        self.breaker.open();
    }

    /// The next call is made at once.
    pub(super) fn end_rest(&self) {
        self.breaker.end_rest();
    }

    /// Takes what came of a call; answers whether they were left alone and are well again.
    pub(super) fn take(&mut self, call: Admission, ended: Ended) -> bool {
        let (were_left_alone, is_trial) = (self.is_left_alone(), call.is_trial());
        let Ended { verdict, began, at, chance } = ended;
        call.ends(verdict);
        match verdict {
            Verdict::Succeeded => {
                self.failing = None;
                self.trials.clear();
            }
            Verdict::Failed | Verdict::Late => {
                // The clock may have been set back.
                let first = self.failing.map_or(at, |failing| failing.first.min(at));
                self.failing = Some(Failing { first, last: at });
                self.part_of_rest = SHORTEST + chance * (1.0 - SHORTEST);
                if is_trial && self.is_left_alone() {
                    self.note_trial(began);
                }
            }
            Verdict::NotMade => {}
        }
        were_left_alone && !self.is_left_alone()
    }

    /// Before when something came that has waited for longer than `span` while calls failed and none succeeded, and through so
    /// many trials, of which one a rest counts, and a hundred at most; nothing where none can have.
    pub(super) fn outwaited(&self, span: Duration, trials: u32, now: Timestamp) -> Option<Timestamp> {
        let trials = (trials as usize).clamp(1, REMEMBERED);
        let first = self.trials.iter().nth_back(trials - 1)?;
        let failing_for = now.since(self.failing?.first);
        (failing_for > span).then(|| now.minus(span).min(*first))
    }

    /// So many rests, of which they rest a part.
    fn rests(&self, rests: u32) -> Duration {
        self.rest.saturating_mul(rests).mul_f64(self.part_of_rest)
    }

    /// Whether they are called for a trial alone.
    pub(super) fn is_left_alone(&self) -> bool {
        self.breaker.is_open()
    }

    fn note_trial(&mut self, began: Timestamp) {
        let shortest = self.rest.mul_f64(SHORTEST);
        let is_of_this_rest = |last: &Timestamp| *last <= began && began.since(*last) < shortest;
        if self.trials.back().is_some_and(is_of_this_rest) {
            return;
        }
        if self.trials.len() == REMEMBERED {
            self.trials.pop_front();
        }
        self.trials.push_back(began);
    }
}
