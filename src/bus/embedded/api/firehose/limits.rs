//! How much strangers may ask of the firehose.

use std::time::Duration;

/// How much strangers may ask of the firehose, and how often they have to show that they are there.
#[derive(Clone, Copy, Debug)]
pub struct FirehoseLimits {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions of one device.
    pub device_sessions: usize,
    /// Bytes of one packet, or of one post with packets, from a client.
    pub packet_bytes: usize,
    /// Refused handshakes of one address in a minute that are told what they are; more are told to wait.
    pub refusals: u32,
    /// Time from the handshake to the first poll.
    pub poll_within: Duration,
    /// How often a client is to ping.
    pub ping_interval: Duration,
    /// How much later a ping may come before the session is over.
    pub ping_timeout: Duration,
    /// Time to change from polling to a websocket.
    pub upgrade_within: Duration,
}

impl Default for FirehoseLimits {
    fn default() -> Self {
        Self {
            sessions: 256,
            device_sessions: 16,
            packet_bytes: 64 << 10,
            refusals: 60,
            poll_within: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(60),
            upgrade_within: Duration::from_secs(10),
        }
    }
}
