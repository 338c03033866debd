//! How much a stranger may ask of the front door.

use std::time::Duration;

use crate::config::Http;
use crate::connection::Terms;

/// How much one stranger may ask of the front door.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one request's body.
    pub body_bytes: usize,
    /// Bytes of one request's line and header. Above 128 KiB, or 96 fields, the connection ends with a bare 431.
    pub head_bytes: usize,
    /// Time for a request's head to arrive, and again for its body.
    pub request_within: Duration,
    /// Time that an idle connection is kept.
    pub keep_alive: Duration,
    /// Time for a caller to read what is left when its connection is closed.
    pub disconnect_within: Duration,
    /// Connections of one worker, each of two file descriptors; more wait to be accepted. Once three quarters of those that
    /// the busy leave are taken, whoever has waited longest for a whole request is ended for whoever comes.
    pub connections: usize,
    /// Threads that serve.
    pub workers: usize,
    /// Time to finish what runs when the server stops; whole seconds.
    pub drain_within: Duration,
}

impl Limits {
    /// What it gives those who connect.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            connections: self.connections,
            workers: self.workers,
            request_within: self.request_within,
            keep_alive: self.keep_alive,
            disconnect_within: self.disconnect_within,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            head_bytes: 64 << 10,
            request_within: Duration::from_secs(15),
            keep_alive: Duration::from_secs(30),
            disconnect_within: Duration::from_secs(5),
            connections: 256,
            // Each keeps its own connections to the bus; more of them than serve would wait for the one writer.
            workers: 2,
            drain_within: Duration::from_secs(25),
        }
    }
}

impl From<&Http> for Limits {
    fn from(settings: &Http) -> Self {
        Self {
            body_bytes: settings.body_bytes,
            request_within: Duration::from_secs(settings.request_timeout_seconds),
            drain_within: Duration::from_secs(settings.drain_seconds),
            ..Self::default()
        }
    }
}
