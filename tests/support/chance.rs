//! Numbers that differ from run to run.

use std::hash::{BuildHasher, RandomState};

/// Where a story may go one way or another. The seed is printed, for whoever looks why it failed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        let seed = RandomState::new().hash_one(0);
        eprintln!("seed {seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
