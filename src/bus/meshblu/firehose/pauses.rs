//! How long a link that went down is left alone.

use std::time::Duration;

use crate::ambient::Backoff;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// The pauses of one link.
#[derive(Debug, Default)]
pub struct Pauses {
    failures: u32,
}

impl Pauses {
    /// How long to wait at most, after a link that stood for so long; nothing where it never stood. Whoever only accepts
    /// is left alone for longer and longer, until a link stands for as long as the longest pause.
    pub fn after(&mut self, stood: Option<Duration>) -> Duration {
        let was_good = stood.is_some_and(|stood| stood >= BACKOFF.longest);
        let earlier = if was_good { 0 } else { self.failures };
        self.failures = earlier.saturating_add(1);
        BACKOFF.after(earlier)
    }
}
