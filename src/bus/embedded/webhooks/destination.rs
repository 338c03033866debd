//! A webhook that calls go to or lately failed at: whether anybody is there, and whose calls are taken.

use std::collections::HashMap;
use std::time::Duration;

use super::answer::Condition;
use super::failures::{Ended, Failures, Rules};
use super::permit::Admitted;
use super::trials::{Counts, Trials};
use crate::ambient::Timestamp;
use crate::egress::Verdict;
use crate::message::DeviceUuid;
use crate::store::LineKey;

#[derive(Debug)]
pub(super) struct Destination {
    /// Calls in a row for which nobody was to be reached there.
    pub(super) away: Failures,
    /// Those that have a call in hand, or fail.
    pub(super) lines: HashMap<DeviceUuid, Line>,
    /// Calls in a row that were not taken, whoever's they were.
    refusals: u32,
    /// Whether somebody left alone got an answer, and nothing was taken since.
    is_recovering: bool,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) key: LineKey,
    /// Calls in a row that were not taken.
    pub(super) refused: Failures,
    /// How many calls it has in hand.
    pub(super) calls: usize,
    /// Which of all calls there were the last of them is.
    pub(super) last: u64,
    /// Whether its calls were taken before it failed.
    pub(super) was_well: bool,
}

/// How a call ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallEnd {
    pub(super) condition: Condition,
    pub(super) at: Timestamp,
    /// The part, by chance, of what a rest may be beyond the shortest.
    pub(super) chance: f64,
}

impl Destination {
    /// One at which nothing has failed.
    pub(super) fn new(rules: &Rules) -> Self {
        let (away, lines) = (Failures::none(rules), HashMap::new());
        Self { away, lines, refusals: 0, is_recovering: false }
    }

    /// The line `key`.
    pub(super) fn line(&mut self, key: &LineKey, rules: &Rules) -> &mut Line {
        self.lines.entry(key.user_device.clone()).or_insert_with(|| Line {
            key: key.clone(),
            refused: Failures::none(rules),
            calls: 0,
            last: 0,
            was_well: false,
        })
    }

    /// How it counts at its host, with all its lines.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = self.away.counts();
        self.lines.values().for_each(|line| counts += line.refused.counts());
        counts
    }

    /// How it counts with this line alone.
    pub(super) fn counts_with(&self, user_device: &DeviceUuid) -> Counts {
        let mut counts = self.away.counts();
        self.lines.get(user_device).into_iter().for_each(|line| counts += line.refused.counts());
        counts
    }

    /// Whether there is anything to remember.
    pub(super) fn is_known(&self) -> bool {
        !self.lines.is_empty() || !self.away.is_none()
    }

    /// Whether no call is in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.lines.values().all(|line| line.calls == 0)
    }

    /// Whether a call for this device would be none now because somebody rests.
    pub(super) fn rests_for(&self, user_device: &DeviceUuid, at_host: &Trials, now: Timestamp) -> bool {
        let of_line = self.lines.get(user_device).map(|line| &line.refused);
        [&self.away].into_iter().chain(of_line).any(|failures| failures.resting(at_host, now).is_some())
    }

    /// Which of the lines that have no call in hand would be called the soonest, and for how long it rests; none of them, and
    /// how long this rests, where it has no line.
    pub(super) fn soonest_idle(
        &self,
        at_host: &Trials,
        now: Timestamp,
    ) -> Option<(Duration, Option<&DeviceUuid>)> {
        let rests_for =
            |failures: &Failures| failures.resting(at_host, now).map_or(Duration::ZERO, |it| it.after);
        if self.lines.is_empty() {
            return Some((rests_for(&self.away), None));
        }
        let idle = self.lines.iter().filter(|(_, line)| line.calls == 0);
        idle.map(|(user_device, line)| (rests_for(&line.refused), Some(user_device))).min()
    }

    /// Nobody rests any longer.
    pub(super) fn end_rests(&self) {
        self.away.end_rest();
        self.lines.values().for_each(|line| line.refused.end_rest());
    }

    /// Takes a call back that ends like this; answers whether somebody was left alone and is well again. Nobody is who only
    /// answers that it takes nothing.
    pub(super) fn end(&mut self, call: Admitted, end: CallEnd, rules: &Rules) -> bool {
        let Admitted { to, began, webhook, line: of_line, is_first_trial, .. } = call;
        let (at_webhook, in_line) = verdicts(end.condition);
        let ended = |verdict| Ended { verdict, began, at: end.at, chance: end.chance };
        self.is_recovering |= self.away.take(webhook, ended(at_webhook));
        if is_first_trial && !self.away.is_none() {
            self.away.leave_alone();
        }
        self.count(end.condition);
        // It need not find out as often what others did.
        let is_left_alone = is_first_trial || self.refusals >= rules.breaker.failures;
        if let Some(line) = self.lines.get_mut(&to.user_device) {
            line.calls -= 1;
            self.is_recovering |= line.refused.take(of_line, ended(in_line));
            if is_left_alone && !line.refused.is_none() {
                line.refused.leave_alone();
            }
            if line.calls == 0 && line.refused.is_none() {
                self.lines.remove(&to.user_device);
            }
        }
        end.condition == Condition::Well && std::mem::take(&mut self.is_recovering)
    }

    fn count(&mut self, condition: Condition) {
        match condition {
            Condition::Well => self.refusals = 0,
            Condition::Late | Condition::Refuses => self.refusals = self.refusals.saturating_add(1),
            Condition::NotCalled | Condition::Away => {}
        }
    }
}

/// What the end of a call tells of whether anybody is at the webhook, and of whether what the line has is taken.
fn verdicts(condition: Condition) -> (Verdict, Verdict) {
    match condition {
        Condition::NotCalled => (Verdict::NotMade, Verdict::NotMade),
        Condition::Away => (Verdict::Failed, Verdict::NotMade),
        Condition::Well => (Verdict::Succeeded, Verdict::Succeeded),
        Condition::Late => (Verdict::Succeeded, Verdict::Late),
        Condition::Refuses => (Verdict::Succeeded, Verdict::Failed),
    }
}
