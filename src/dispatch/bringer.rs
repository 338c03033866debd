//! Whoever brought a message, for as long as they wait to be told how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever brought a message; by default nobody waits. Cheap to clone; every clone is of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bringer {
    waits: Arc<AtomicBool>,
}

impl Bringer {
    /// Somebody who waits.
    pub(super) fn waiting() -> Self {
        Self { waits: Arc::new(AtomicBool::new(true)) }
    }

    /// Ends the wait, and answers whether nobody had: either they leave, or they are told that nothing is kept, so that one
    /// of them always knows whose the message is.
    pub(super) fn end_wait(&self) -> bool {
        self.waits.swap(false, Ordering::Relaxed)
    }
}
