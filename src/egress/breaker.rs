//! A circuit breaker: whoever fails several times in a row is left alone for a while, then tried once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ambient::{Clock, Timestamp};

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
    /// Whether it was given while the breaker was open.
    is_trial: bool,
    /// How many calls had succeeded then.
    successes: u64,
    verdict: Verdict,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeded.
    Succeeded,
    /// The destination is not there or overloaded, or broke off: it failed, unless another call succeeded meanwhile.
    Failed,
    /// No answer came for as long as it was waited for: it may as well be slow with some calls. So where this opens the breaker, as
    /// many are tried at once as were late.
    Late,
    /// There was no call after all.
    NotMade,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings, clock: Clock) -> Arc<Self> {
        let position = Position::Closed { failures: 0 };
        let state = State { position, successes: 0, epoch: 0 };
        Arc::new(Self { settings, clock, state: Mutex::new(state) })
    }

    /// Leave for one call. One that is open gives it to one trial a rest, so that a slow trial keeps nobody out for longer,
    /// and to those that need not wait for it.
    ///
    /// # Errors
    /// [`Resting`] until the rest is over.
    pub fn admit(self: &Arc<Self>) -> Result<Admission, Resting> {
        let mut state = self.state();
        match self.rest(&state, self.settings.rest) {
            Some(resting) => Err(resting),
            None => Ok(self.let_through(&mut state)),
        }
    }

    /// Leave for one call at any time: for whoever decides by [`Breaker::resting_for`] how long it rests.
    pub fn admit_at_once(self: &Arc<Self>) -> Admission {
        self.let_through(&mut self.state())
    }

    /// Whether nobody is to get leave now where a rest takes so long, and when to ask again. Asking changes nothing.
    pub fn resting_for(&self, rest: Duration) -> Option<Resting> {
        self.rest(&self.state(), rest)
    }

    /// Whether only trials get leave, whether a rest is over or not.
    pub fn is_open(&self) -> bool {
        matches!(self.state().position, Position::Open { .. })
    }

    /// Whether it is as good as new: no call has failed since the last that succeeded.
    pub fn untroubled(&self) -> bool {
        matches!(self.state().position, Position::Closed { failures: 0 })
    }

    /// Opens it although it has not failed often enough.
    pub fn open(&self) {
        let mut state = self.state();
        if let Position::Closed { .. } = state.position {
            state.turn(Position::Open { since: self.clock.now(), at_once: 0 });
        }
    }

    /// Where it is open the next call need not wait for the rest.
    pub fn end_rest(&self) {
        if let Position::Open { at_once, .. } = &mut self.state().position {
            *at_once = (*at_once).max(1);
        }
    }

    fn let_through(self: &Arc<Self>, state: &mut State) -> Admission {
        let is_trial = if let Position::Open { at_once, .. } = state.position {
            state.position = Position::Open { since: self.clock.now(), at_once: at_once.saturating_sub(1) };
            true
        } else {
            false
        };
        let (epoch, successes) = (state.epoch, state.successes);
        Admission { breaker: Arc::clone(self), epoch, is_trial, successes, verdict: Verdict::Late }
    }

    fn rest(&self, state: &State, rest: Duration) -> Option<Resting> {
        let Position::Open { since, at_once: 0 } = state.position else { return None };
        let after = self.left(since, rest);
        (!after.is_zero()).then_some(Resting { after })
    }

    /// What is left of a span; nothing if the clock was set back behind its beginning.
    fn left(&self, since: Timestamp, span: Duration) -> Duration {
        let now = self.clock.now();
        if now < since { Duration::ZERO } else { span.saturating_sub(now.since(since)) }
    }

    fn settle(&self, admission: &Admission) {
        let (mut state, now) = (self.state(), self.clock.now());
        // Whoever answered another call meanwhile is there, and had trouble with this one alone.
        let excused = state.successes > admission.successes;
        let verdict = match admission.verdict {
            Verdict::Failed | Verdict::Late if excused => Verdict::NotMade,
            verdict => verdict,
        };
        state.successes += u64::from(matches!(verdict, Verdict::Succeeded));
        if state.epoch != admission.epoch {
            return;
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
}

impl Admission {
    /// Whether the breaker was open, and is tried by this call.
    pub fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Says what came of the call.
    pub fn ends(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.breaker.settle(self);
    }
}
