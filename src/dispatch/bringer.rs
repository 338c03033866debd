//! Whoever brought a message, for as long as they wait to be told how it ended.
//!
//! A device that comes itself brings its login along, which may be good for that call alone. Where nothing else is known
//! that its reply could be sent with, it is needed to the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Whoever brought a message; by default nobody waits. Cheap to clone; every clone is of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bringer {
    waits: Arc<AtomicBool>,
    is_needed: Arc<watch::Sender<bool>>,
}

impl Bringer {
    /// Somebody who waits.
    pub(super) fn waiting() -> Self {
        Self { waits: Arc::new(AtomicBool::new(true)), is_needed: Arc::default() }
    }

    /// The same, who has to wait until they are spared.
    pub(super) fn needed(self) -> Self {
        self.is_needed.send_replace(true);
        self
    }

    /// Says that the reply can be sent without them.
    pub(super) fn spare(&self) {
        self.is_needed.send_replace(false);
    }

    /// Waits until they are not needed.
    pub(super) async fn spared(&self) {
        // Cannot fail: the other end is here.
        let _ = self.is_needed.subscribe().wait_for(|is_needed| !is_needed).await;
    }

    /// Ends the wait, and answers whether nobody had: either they leave, or they are told that nothing is kept, so that one
    /// of them always knows whose the message is.
    pub(super) fn end_wait(&self) -> bool {
        self.waits.swap(false, Ordering::Relaxed)
    }
}
