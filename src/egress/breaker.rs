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
    succeeded: bool,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings, clock: Clock) -> Arc<Self> {
        let state = Mutex::new(State { position: Position::Closed { failures: 0 }, epoch: 0 });
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
                let left = self.left(since);
                if !left.is_zero() {
                    return Err(Resting { after: left });
                }
                state.turn(Position::Trying);
            }
        }
        Ok(Admission { breaker: Arc::clone(self), epoch: state.epoch, succeeded: false })
    }

    /// What is left of the rest; nothing if the clock was set back behind its beginning.
    fn left(&self, since: Timestamp) -> Duration {
        let now = self.clock.now();
        if now < since { Duration::ZERO } else { self.settings.rest.saturating_sub(now.since(since)) }
    }

    fn settle(&self, epoch: u64, succeeded: bool) {
        let mut state = self.state();
        if state.epoch != epoch {
            return;
        }
        let open = Position::Open { since: self.clock.now() };
        match (&mut state.position, succeeded) {
            (Position::Closed { failures }, true) => *failures = 0,
            (Position::Closed { failures }, false) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    state.turn(open);
                }
            }
            (_, true) => state.turn(Position::Closed { failures: 0 }),
            (_, false) => state.turn(open),
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
        self.succeeded = true;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.breaker.settle(self.epoch, self.succeeded);
    }
}
