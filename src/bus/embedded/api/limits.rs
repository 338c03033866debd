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
            // The bus writes uuids in small letters; operators may copy them from where capitals stand (RFC 9562, 4).
            (named, _) => Self::By(named.iter().map(|uuid| uuid.to_ascii_lowercase().into()).collect()),
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
    /// Bytes of memory that the bodies of all requests may take together of which the end has not come, as far as they have,
    /// the small ones not counted.
    pub arriving_bodies_bytes: usize,
    /// Bytes of memory that the bodies of all requests may take together that are worked on, the small ones not counted.
    pub all_bodies_bytes: usize,
    /// Bytes of memory that the answers may take together that nobody has taken yet, the small ones not counted.
    pub all_answers_bytes: usize,
    /// Who may read along at the same time.
    pub streams: usize,
    /// How often one device may.
    pub device_streams: usize,
    /// What the firehose takes.
    pub firehose: FirehoseLimits,
    /// What those get who connect.
    pub terms: Terms,
}

impl Default for ApiLimits {
    fn default() -> Self {
        let terms = Terms {
            connections: 1024,
            workers: 1,
            request_within: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            disconnect_within: Duration::from_secs(5),
            drain_within: Duration::from_secs(25),
        };
        Self {
            registration: Registration::ByAnybody,
            operations_per_minute: 0,
            body_bytes: 10_000_000,
            arriving_bodies_bytes: 128 << 20,
            all_bodies_bytes: 128 << 20,
            all_answers_bytes: 128 << 20,
            streams: 256,
            device_streams: 16,
            firehose: FirehoseLimits::default(),
            terms,
        }
    }
}

impl From<&Config> for ApiLimits {
    fn from(config: &Config) -> Self {
        let default = Self::default();
        Self {
            registration: Registration::of(&config.bus),
            operations_per_minute: config.bus.operations_per_minute,
            body_bytes: config.bus.body_bytes,
            terms: default.terms.with_times_of(&config.http),
            ..default
        }
    }
}
