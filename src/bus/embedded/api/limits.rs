//! How much a stranger may ask of the bus's API.

use std::time::Duration;

use super::firehose::FirehoseLimits;
use crate::config::{self, Config};
use crate::connection::Terms;
use crate::message::DeviceUuid;

/// Who may register devices.
#[derive(Clone, Debug)]
pub enum Registration {
    /// Anybody.
    ByAnybody,
    /// Whoever has the credentials of a device.
    ByDevices,
    /// These devices.
    By(Vec<DeviceUuid>),
}

impl Registration {
    fn of(config: &config::Bus) -> Self {
        match (&*config.registrars, config.anonymous_registration) {
            ([], true) => Self::ByAnybody,
            ([], false) => Self::ByDevices,
            (named, _) => Self::By(named.iter().map(|uuid| uuid.as_str().into()).collect()),
        }
    }
}

/// How much strangers may ask of the bus's API.
#[derive(Clone, Debug)]
pub struct ApiLimits {
    /// Who may register devices.
    pub registration: Registration,
    /// Operations that one device may call in a minute of the clock; 0 for no limit.
    pub operations_per_minute: u32,
    /// Bytes of one request's body.
    pub body_bytes: usize,
    /// Bytes that the bodies of all requests may have together, the small ones not counted.
    pub all_bodies_bytes: usize,
    /// Time for a request's head to arrive, and again for its body.
    pub request_within: Duration,
    /// Time that an idle connection is kept.
    pub keep_alive: Duration,
    /// Time for a caller to read what is left when its connection is closed.
    pub disconnect_within: Duration,
    /// Connections of one worker, each of two file descriptors; more wait to be accepted. Once three quarters of those that
    /// the busy leave are taken, whoever has waited longest for a whole request is ended for whoever comes.
    pub connections: usize,
    /// Who may read along at the same time.
    pub streams: usize,
    /// How often one device may.
    pub device_streams: usize,
    /// What the firehose takes.
    pub firehose: FirehoseLimits,
    /// Threads that serve.
    pub workers: usize,
    /// Time to finish what runs when the server stops; whole seconds.
    pub drain_within: Duration,
}

impl ApiLimits {
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

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            registration: Registration::ByAnybody,
            operations_per_minute: 0,
            body_bytes: 10_000_000,
            all_bodies_bytes: 128 << 20,
            request_within: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            disconnect_within: Duration::from_secs(5),
            connections: 1024,
            streams: 256,
            device_streams: 16,
            firehose: FirehoseLimits::default(),
            workers: 1,
            drain_within: Duration::from_secs(25),
        }
    }
}

impl From<&Config> for ApiLimits {
    fn from(config: &Config) -> Self {
        Self {
            registration: Registration::of(&config.bus),
            operations_per_minute: config.bus.operations_per_minute,
            body_bytes: config.bus.body_bytes,
            request_within: Duration::from_secs(config.http.request_timeout_seconds),
            drain_within: Duration::from_secs(config.http.drain_seconds),
            ..Self::default()
        }
    }
}
