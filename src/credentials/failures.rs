//! What may fail only so often: after a few times within a while, it is not tried until that is over.

use std::hash::Hash;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::lately::Lately;

/// How many windows there are, less than half a megabyte.
const WINDOWS: usize = 1 << 14;

/// How often a thing may fail, and within which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) most: u32,
    pub(super) within: Duration,
}

/// Whose tries failed lately.
#[derive(Debug)]
pub(super) struct Failures<K> {
    most: u32,
    counted: Lately<K, u32>,
}

impl<K: Hash> Failures<K> {
    /// None yet, of which there may be so many.
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { most: allowance.most, counted: Lately::new(WINDOWS, allowance.within) }
    }

    /// Whether it may be tried.
    pub(super) fn may_try(&self, whose: &K, now: Timestamp) -> bool {
        self.counted.look(whose, now, |failures| *failures < self.most)
    }

    /// Notes that it failed.
    pub(super) fn note(&self, whose: &K, now: Timestamp) {
        self.counted.count(whose, now);
    }
}
