//! A webhook that calls go to or lately failed at: whether anybody is there, and whose calls are taken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Condition;
use super::at_host::AtHost;
use super::failures::Failures;
use super::permit::Admitted;
use super::tally::{Counted, Tally};
use crate::ambient::Timestamp;
use crate::egress::Verdict;
use crate::message::DeviceUuid;
use crate::store::LineKey;

#[derive(Debug)]
pub(super) struct Destination {
    pub(super) at_host: Arc<AtHost>,
    /// Calls in a row for which nobody was to be reached there.
    pub(super) away: Failures,
    /// Those that have a call in hand, or fail.
    pub(super) lines: HashMap<DeviceUuid, Line>,
    /// Calls in a row that were not taken, whoever's they were.
    refusals: u32,
    /// Whether somebody left alone got an answer, and nothing was taken since.
    is_recovering: bool,
    _counted: Counted,
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
    _counted: Counted,
}

impl Destination {
    pub(super) fn new(at_host: Arc<AtHost>, remembered: &Tally) -> Self {
        let (away, lines, _counted) = (Failures::none(&at_host), HashMap::new(), remembered.one());
        Self { at_host, away, lines, refusals: 0, is_recovering: false, _counted }
    }

    /// The line `key`.
    pub(super) fn line(&mut self, key: &LineKey, remembered: &Tally) -> &mut Line {
        let at_host = &self.at_host;
        self.lines.entry(key.user_device.clone()).or_insert_with(|| Line {
            key: key.clone(),
            refused: Failures::none(at_host),
            calls: 0,
            last: 0,
            _counted: remembered.one(),
        })
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
    pub(super) fn rests_for(&self, user_device: &DeviceUuid, now: Timestamp) -> bool {
        let of_line = self.lines.get(user_device).map(|line| &line.refused);
        [&self.away].into_iter().chain(of_line).any(|failures| failures.resting(now).is_some())
    }

    /// Which of the lines that have no call in hand would be called the soonest, and for how long it rests; none of them, and
    /// how long this rests, where it has no line.
    pub(super) fn soonest_idle(&self, now: Timestamp) -> Option<(Duration, Option<&DeviceUuid>)> {
        let rests_for = |failures: &Failures| failures.resting(now).map_or(Duration::ZERO, |it| it.after);
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
    pub(super) fn end(&mut self, call: Admitted, condition: Condition, now: Timestamp) -> bool {
        let Admitted { to, began, webhook, line: of_line } = call;
        let span = [began, now];
        let (at_webhook, in_line) = verdicts(condition);
        self.is_recovering |= self.away.take(webhook, at_webhook, span);
        self.count(condition);
        let nobody_is_taken = self.refusals >= self.at_host.settings.failures;
        if let Some(line) = self.lines.get_mut(&to.user_device) {
            line.calls -= 1;
            self.is_recovering |= line.refused.take(of_line, in_line, span);
            // It need not find out as often what others did.
            if nobody_is_taken && !line.refused.is_none() {
                line.refused.leave_alone();
            }
            if line.calls == 0 && line.refused.is_none() {
                self.lines.remove(&to.user_device);
            }
        }
        condition == Condition::Well && std::mem::take(&mut self.is_recovering)
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
