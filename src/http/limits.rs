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
    /// What those get who connect.
    pub terms: Terms,
}

impl Default for Limits {
    fn default() -> Self {
        let terms = Terms {
            connections: 256,
            // Each keeps its own connections to the bus; more of them than serve would wait for the one writer.
            workers: 2,
            request_within: Duration::from_secs(15),
            keep_alive: Duration::from_secs(30),
            disconnect_within: Duration::from_secs(5),
            drain_within: Duration::from_secs(25),
        };
        Self { body_bytes: 1 << 20, head_bytes: 64 << 10, terms }
    }
}

impl From<&Http> for Limits {
    fn from(settings: &Http) -> Self {
        let default = Self::default();
        Self { body_bytes: settings.body_bytes, terms: default.terms.with_times_of(settings), ..default }
    }
}
