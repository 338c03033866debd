//! A circuit breaker: whoever fails several times in a row is left alone for a while, then tried once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::{Clock, Timestamp};

/// Trials remembered at a time that failed in a row.
const REMEMBERED: usize = 100;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one call is let through as a trial.
    pub rest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, rest: Duration::from_secs(5) }
    }
}

/// Decides whether one destination may be called now.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    position: Position,
    /// How many calls have succeeded so far.
    successes: u64,
    /// The first failure after which no call has succeeded.
    failing_since: Option<Timestamp>,
    /// When the last of those trials began that failed since then, one a rest.
    trials: VecDeque<Timestamp>,
    /// Grows with every change of position: what was admitted before has no say any more.
    epoch: u64,
}

#[derive(Clone, Copy, Debug)]
enum Position {
    Closed {
        failures: u32,
    },
    /// Since it opened, or since its last trial began or failed; so many more trials need not wait for the rest.
    Open {
        since: Timestamp,
        at_once: u32,
    },
}

/// The destination is left alone for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// When to ask again.
    pub after: Duration,
}

/// Leave for one call. Dropping it says that no answer came in time.
#[derive(Debug)]
#[must_use = "dropping it says that no answer came in time"]
pub struct Admission {
    breaker: Arc<Breaker>,
    epoch: u64,
    /// When it was given.
    began: Timestamp,
    /// How many calls had succeeded then.
    successes: u64,
    verdict: Verdict,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Succeeded,
    Failed,
    Late,
    NotMade,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings, clock: Clock) -> Arc<Self> {
        let position = Position::Closed { failures: 0 };
        let state = State { position, successes: 0, failing_since: None, trials: VecDeque::new(), epoch: 0 };
        Arc::new(Self { settings, clock, state: Mutex::new(state) })
    }

    /// Leave for one call. One that is open gives it to one trial a rest, so that a slow trial keeps nobody out for longer,
    /// and to those that need not wait for it.
    ///
    /// # Errors
    /// [`Resting`] until the rest is over.
    pub fn admit(self: &Arc<Self>) -> Result<Admission, Resting> {
        let (mut state, began) = (self.state(), self.clock.now());
        if let Position::Open { since, at_once } = state.position {
            let after = self.left(since, 1);
            if at_once == 0 && !after.is_zero() {
                return Err(Resting { after });
            }
            state.position = Position::Open { since: began, at_once: at_once.saturating_sub(1) };
        }
        let (epoch, successes) = (state.epoch, state.successes);
        Ok(Admission { breaker: Arc::clone(self), epoch, began, successes, verdict: Verdict::Late })
    }

    /// Whether nobody would get leave now, and when to ask again. Asking changes nothing.
    pub fn resting(&self) -> Option<Resting> {
        self.resting_for(1)
    }

    /// As [`Breaker::resting`], where a rest is so many times as long.
    pub fn resting_for(&self, rests: u32) -> Option<Resting> {
        let Position::Open { since, at_once: 0 } = self.state().position else { return None };
        let after = self.left(since, rests);
        (!after.is_zero()).then_some(Resting { after })
    }

    /// Whether it is open, and for so many rests nobody has asked for leave of those who would have got it.
    pub fn untried_for(&self, rests: u32) -> bool {
        match self.state().position {
            Position::Open { since, .. } => self.left(since, rests).is_zero(),
            Position::Closed { .. } => false,
        }
    }

    /// Whether only trials get leave, whether a rest is over or not.
    pub fn is_open(&self) -> bool {
        matches!(self.state().position, Position::Open { .. })
    }

    /// Whether it is as good as new: no call has failed since the last that succeeded.
    pub fn untroubled(&self) -> bool {
        matches!(self.state().position, Position::Closed { failures: 0 })
    }

    /// For how long calls have failed and none has succeeded.
    pub fn failing_for(&self) -> Duration {
        self.state().failing_since.map_or(Duration::ZERO, |since| self.clock.now().since(since))
    }

    /// Before when something came that has waited for longer than `span` while calls failed and none succeeded, and through so
    /// many trials, of which one a rest counts, and a hundred at most; nothing where none can have.
    pub fn outwaited(&self, span: Duration, trials: u32) -> Option<Timestamp> {
        let (failing_for, state) = (self.failing_for(), self.state());
        let trials = (trials as usize).clamp(1, REMEMBERED);
        let first = state.trials.iter().nth_back(trials - 1)?;
        (failing_for > span).then(|| self.clock.now().minus(span).min(*first))
    }

    /// What is left of the rest; nothing if the clock was set back behind its beginning.
    fn left(&self, since: Timestamp, rests: u32) -> Duration {
        let (now, rest) = (self.clock.now(), self.settings.rest.saturating_mul(rests));
        if now < since { Duration::ZERO } else { rest.saturating_sub(now.since(since)) }
    }

    fn settle(&self, admission: &Admission) {
        let (mut state, now) = (self.state(), self.clock.now());
        // Whoever answered another call meanwhile is there, and had trouble with this one alone.
        let excused = state.successes > admission.successes;
        let verdict = match admission.verdict {
            Verdict::Failed | Verdict::Late if excused => Verdict::NotMade,
            verdict => verdict,
        };
        state.count(verdict, now);
        if state.epoch != admission.epoch {
            return;
        }
        if matches!((state.position, verdict), (Position::Open { .. }, Verdict::Failed | Verdict::Late)) {
            state.note_trial(admission.began, self.settings.rest);
        }
        let enough = self.settings.failures;
        match (&mut state.position, verdict) {
            (Position::Closed { failures }, Verdict::Succeeded) => *failures = 0,
            (Position::Open { .. }, Verdict::Succeeded) => state.turn(Position::Closed { failures: 0 }),
            (Position::Closed { failures }, Verdict::Failed | Verdict::Late) => {
                *failures += 1;
                if *failures >= enough {
                    // It may be slow with those alone: as many more find out, whatever comes first.
                    let at_once = if matches!(verdict, Verdict::Late) { enough } else { 0 };
                    state.turn(Position::Open { since: now, at_once });
                }
            }
            (position @ Position::Open { .. }, Verdict::Failed) => {
                *position = Position::Open { since: now, at_once: 0 };
            }
            // Nothing is known against the next call, which takes its place.
            (Position::Open { at_once, .. }, Verdict::NotMade) => *at_once = (*at_once).max(1),
            // The next trial did not wait for this one.
            (Position::Open { .. }, Verdict::Late) | (Position::Closed { .. }, Verdict::NotMade) => {}
        }
    }

    /// Every change is one assignment, so that what a panic left behind is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn turn(&mut self, position: Position) {
        self.position = position;
        self.epoch += 1;
    }

    /// Notes a trial that failed, unless one within a rest before it did.
    fn note_trial(&mut self, began: Timestamp, rest: Duration) {
        if self.trials.back().is_some_and(|last| began.since(*last) < rest) {
            return;
        }
        if self.trials.len() == REMEMBERED {
            self.trials.pop_front();
        }
        self.trials.push_back(began);
    }

    /// Counts a call, whenever it was admitted.
    fn count(&mut self, verdict: Verdict, now: Timestamp) {
        match verdict {
            Verdict::Succeeded => {
                (self.successes, self.failing_since) = (self.successes + 1, None);
                self.trials.clear();
            }
            Verdict::Failed | Verdict::Late => drop(self.failing_since.get_or_insert(now)),
            Verdict::NotMade => {}
        }
    }
}

impl Admission {
    /// Says that the call succeeded.
    pub fn succeeded(mut self) {
        self.verdict = Verdict::Succeeded;
    }

    /// Says that the destination is not there or overloaded, or broke off: it failed, unless another call succeeded
    /// meanwhile.
    pub fn failed(mut self) {
        self.verdict = Verdict::Failed;
    }

    /// Says that no answer came for as long as it was waited for: it may as well be slow with some calls. So where this opens
    /// the breaker, as many are tried at once as were late.
    pub fn late(mut self) {
        self.verdict = Verdict::Late;
    }

    /// Says that there was no call after all.
    pub fn withdrawn(mut self) {
        self.verdict = Verdict::NotMade;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.breaker.settle(self);
    }
}
