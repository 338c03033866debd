//! On what terms a server serves whoever connects.

use std::time::Duration;

use crate::config::Http;

/// What a server gives those who connect.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Connections of one worker, each of two file descriptors; more wait to be accepted. Once three quarters of those that
    /// the busy leave are taken, whoever has waited longest for a whole request is ended for whoever comes.
    pub connections: usize,
    /// Threads that serve.
    pub workers: usize,
    /// Time for a request's head to arrive, and again for its body.
    pub request_within: Duration,
    /// Time that an idle connection is kept.
    pub keep_alive: Duration,
    /// Time for a caller to read what is left when its connection is closed.
    pub disconnect_within: Duration,
    /// Time to finish what runs when the server stops; whole seconds.
    pub drain_within: Duration,
}

impl Terms {
    /// The same with the times that the settings name.
    #[must_use]
    pub fn with_times_of(self, settings: &Http) -> Self {
        Self {
            request_within: Duration::from_secs(settings.request_timeout_seconds),
            drain_within: Duration::from_secs(settings.drain_seconds),
            ..self
        }
    }
}
