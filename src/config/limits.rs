//! The sections that bound what the gateway spends: time, space, attempts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of every HTTP call that leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Egress {
    /// Whether webhooks may go to this machine itself.
    pub allow_loopback: bool,
    /// Hosts that webhooks may go to although their addresses are private: `host` for ports 80 and 443, else
    /// `host:port`.
    pub allowed_hosts: Vec<String>,
    /// How long a connection may take to come about, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub connect_timeout_seconds: u64,
    /// How long one call of an API may take as a whole, in seconds.
    #[schemars(range(min = 1, max = 3600))]
    pub api_timeout_seconds: u64,
    /// The largest answer that is read, in bytes.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub response_bytes: usize,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            allow_loopback: false,
            allowed_hosts: Vec::new(),
            connect_timeout_seconds: 5,
            api_timeout_seconds: 20,
            response_bytes: 8 << 20,
        }
    }
}

/// How the embedded bus calls the webhooks of devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// How long one call may take, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u64,
    /// How often a delivery is tried before it becomes a dead letter.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// How long the second attempt waits at most, in milliseconds, and every further one twice as long; how long it is each time, chance decides. Where the answer has a `Retry-After`, that comes before it, up to the longest wait.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub first_delay_ms: u64,
    /// The longest wait between two attempts, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    pub longest_delay_seconds: u64,
    /// How many webhooks are called at the same time. One host gets a quarter of what others leave of that. Where it has had a call in hand for a second, and then for as long as its slow calls took together, five minutes at most, it gets a quarter of all at most, and of that the webhooks of one device no more than half of what others leave; all that are so slow get half together, and of that, first calls of hosts included, the webhooks of one device have no more than half of what others leave. At a webhook the messages of each user device, or of whoever sends, have their turns, and those of one that has no call at the host in hand are not kept waiting by the calls that others have there, but by the number of these others; and so a device none of whose webhooks at the host is being called is kept waiting by the number of devices some of whose are, not by the number of their calls; some calls at each host are kept for webhooks whose last call was taken.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            timeout_seconds: 15,
            attempts: 12,
            first_delay_ms: 1000,
            longest_delay_seconds: 3600,
            concurrency: 64,
        }
    }
}

/// What the database keeps, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// How long finished work and dead letters are kept, in days.
    #[schemars(range(min = 1, max = 3650))]
    pub keep_days: u32,
    /// How many rows of finished work and of dead letters are kept at most, whatever their age.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub keep_rows: u64,
    /// How many pages of 4096 bytes the database may have; 0 for no limit but the disk's.
    #[schemars(range(max = 4_294_967_294u64))]
    pub max_pages: u32,
    /// How many MiB of the disk new work leaves free, so that what was accepted can end and devices can be cut off.
    #[schemars(range(max = 4_294_967_295u64))]
    pub keep_free_mib: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { keep_days: 7, keep_rows: 1_000_000, max_pages: 0, keep_free_mib: 32 }
    }
}

/// Limits of the gateway's own HTTP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// The largest request body, in bytes.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub body_bytes: usize,
    /// How long a caller may take to send a request, in seconds.
    #[schemars(range(min = 1, max = 3600))]
    pub request_timeout_seconds: u64,
    /// How long running work may take to finish once the gateway was told to stop, in seconds.
    #[schemars(range(max = 3600))]
    pub drain_seconds: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self { body_bytes: 1 << 20, request_timeout_seconds: 15, drain_seconds: 25 }
    }
}
