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
    Closed { failures: u32 },
    Open { since: Timestamp },
    Trying,
}

/// The destination is left alone for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// When to ask again.
    pub after: Duration,
}

/// Leave for one call. Dropping it says that the call failed.
#[derive(Debug)]
#[must_use = "dropping it says that the call failed"]
pub struct Admission {
    breaker: Arc<Breaker>,
    epoch: u64,
    /// How many calls had succeeded when it was given.
    successes: u64,
    verdict: Verdict,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Succeeded,
    Failed,
    NotMade,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings, clock: Clock) -> Arc<Self> {
        let state = Mutex::new(State { position: Position::Closed { failures: 0 }, successes: 0, epoch: 0 });
        Arc::new(Self { settings, clock, state })
    }

    /// Leave for one call.
    ///
    /// # Errors
    /// [`Resting`] while the breaker is open, and while a trial runs.
    pub fn admit(self: &Arc<Self>) -> Result<Admission, Resting> {
        let mut state = self.state();
        match state.position {
            Position::Closed { .. } => {}
            Position::Trying => return Err(Resting { after: self.settings.rest }),
            Position::Open { since } => {
                let left = self.left(since, 1);
                if !left.is_zero() {
                    return Err(Resting { after: left });
                }
                state.turn(Position::Trying);
            }
        }
        let (epoch, successes) = (state.epoch, state.successes);
        Ok(Admission { breaker: Arc::clone(self), epoch, successes, verdict: Verdict::Failed })
    }

    /// Whether nobody would get leave now, and when to ask again. Asking changes nothing.
    pub fn resting(&self) -> Option<Resting> {
        self.resting_for(1)
    }

    /// As [`Breaker::resting`], where a rest is so many times as long.
    pub fn resting_for(&self, rests: u32) -> Option<Resting> {
        let after = match self.state().position {
            Position::Closed { .. } => Duration::ZERO,
            Position::Open { since } => self.left(since, rests),
            Position::Trying => self.settings.rest,
        };
        (!after.is_zero()).then_some(Resting { after })
    }

    /// Whether only trials get leave, whether a rest is over or not.
    pub fn is_open(&self) -> bool {
        !matches!(self.state().position, Position::Closed { .. })
    }

    /// Whether it is as good as new: no call has failed since the last that succeeded.
    pub fn untroubled(&self) -> bool {
        matches!(self.state().position, Position::Closed { failures: 0 })
    }

    /// What is left of the rest; nothing if the clock was set back behind its beginning.
    fn left(&self, since: Timestamp, rests: u32) -> Duration {
        let (now, rest) = (self.clock.now(), self.settings.rest.saturating_mul(rests));
        if now < since { Duration::ZERO } else { rest.saturating_sub(now.since(since)) }
    }

    fn settle(&self, epoch: u64, verdict: Verdict) {
        let mut state = self.state();
        if matches!(verdict, Verdict::Succeeded) {
            state.successes += 1;
        }
        if state.epoch != epoch {
            return;
        }
        let now = self.clock.now();
        match (&mut state.position, verdict) {
            (Position::Closed { failures }, Verdict::Succeeded) => *failures = 0,
            (Position::Closed { failures }, Verdict::Failed) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    state.turn(Position::Open { since: now });
                }
            }
            (Position::Closed { .. }, Verdict::NotMade) => {}
            (_, Verdict::Succeeded) => state.turn(Position::Closed { failures: 0 }),
            (_, Verdict::Failed) => state.turn(Position::Open { since: now }),
            // The next may try at once.
            (_, Verdict::NotMade) => state.turn(Position::Open { since: now.minus(self.settings.rest) }),
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
    /// Says that the call succeeded.
    pub fn succeeded(mut self) {
        self.verdict = Verdict::Succeeded;
    }

    /// Says that there was no call after all.
    pub fn withdrawn(mut self) {
        self.verdict = Verdict::NotMade;
    }
}

impl Admission {
    /// Whether another call has succeeded since it was given.
    pub fn others_succeeded(&self) -> bool {
        self.breaker.state().successes > self.successes
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.breaker.settle(self.epoch, self.verdict);
    }
}
