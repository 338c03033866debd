//! How much may be compared for one search or one update, so that nobody else waits long for it.

use std::cell::Cell;
use std::time::Duration;

use thiserror::Error;

use crate::ambient::Stopwatch;
use crate::store::StoreError;

/// What one update may compare: less than a second's worth, as all who write wait meanwhile.
const OF_AN_UPDATE: u64 = 20_000_000;
/// After so many steps the stopwatch is looked at.
const STEPS_A_LOOK: u64 = 1 << 16;

/// What may still be compared, in steps: one is about a comparison of two numbers.
#[derive(Debug)]
pub struct Effort {
    left: Cell<u64>,
    end: Option<(Stopwatch, Duration)>,
}

/// It would take more than was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("that would take too long")]
pub struct Spent;

impl Effort {
    /// So many steps.
    pub fn of(steps: u64) -> Self {
        Self { left: Cell::new(steps), end: None }
    }

    /// What one update may take.
    pub fn of_an_update() -> Self {
        Self::of(OF_AN_UPDATE)
    }

    /// As many steps as can be taken until so much more has passed by `stopwatch`.
    pub fn within(longest: Duration, stopwatch: &Stopwatch) -> Self {
        let end = stopwatch.passed() + longest;
        Self { left: Cell::new(u64::MAX), end: Some((stopwatch.clone(), end)) }
    }

    /// Takes these steps.
    ///
    /// # Errors
    /// When there are not so many, or the time is over.
    pub(super) fn spend(&self, steps: u64) -> Result<(), Spent> {
        let before = self.left.get();
        let left = before.checked_sub(steps).ok_or(Spent)?;
        self.left.set(left);
        if before / STEPS_A_LOOK == left / STEPS_A_LOOK { Ok(()) } else { self.look() }
    }

    /// Looks at the stopwatch, if there is one.
    ///
    /// # Errors
    /// When the time is over.
    pub(super) fn look(&self) -> Result<(), Spent> {
        match &self.end {
            Some((stopwatch, end)) if stopwatch.passed() > *end => Err(Spent),
            _ => Ok(()),
        }
    }
}

impl From<Spent> for StoreError {
    fn from(_: Spent) -> Self {
        Self::TooSlow
    }
}
