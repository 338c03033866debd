//! Counts those who are there, for as long as they are.

use std::sync::Arc;

/// How many are there.
#[derive(Debug, Default)]
pub(super) struct Tally(Arc<()>);

/// Counts until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(#[expect(dead_code, reason = "it counts by being there")] Arc<()>);

impl Tally {
    /// One more.
    pub(super) fn one(&self) -> Counted {
        Counted(Arc::clone(&self.0))
    }

    pub(super) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}
