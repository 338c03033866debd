//! The sections about the device network and the records of credentials on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// The device network that carries messages.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bus {
    /// Which device network is used: the one inside this program, or a Meshblu elsewhere.
    pub kind: BusKind,
    /// Whether a stranger may register a device on the embedded bus.
    pub anonymous_registration: bool,
    /// Which devices, by their uuids, may register others on the embedded bus; where some are named nobody else may, else whoever has the login of one may.
    #[schemars(extend("items" = {"type": "string", "format": "uuid"}))]
    pub registrars: Vec<String>,
    /// How many operations one device may call on the embedded bus in a minute of the clock; 0 for no limit. Meshblu's
    /// own limit was 1200.
    #[schemars(range(max = 1_000_000_000))]
    pub operations_per_minute: u32,
    /// The largest request body the embedded bus takes, in bytes.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub body_bytes: usize,
    /// Where the Meshblu is.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// Where the bus's OAuth provider is, as browsers reach it. On the embedded bus it is the bus's own page; without this
    /// setting, at `listen.bus`. On a Meshblu nobody can sign in with the bus without it.
    #[schemars(extend("format" = "uri"))]
    pub oauth_url: Option<String>,
    /// The gateway's own device on the Meshblu.
    pub uuid: Option<String>,
    /// The token of that device.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
    /// How long one call of the Meshblu may take, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u64,
    /// How messages come in from the Meshblu: as webhooks that it calls, or over a connection that the gateway keeps
    /// (`firehose`); what that brings while the gateway is away, or when it is killed, is lost.
    pub intake: Intake,
    /// Whether webhooks may be signed in the old form, which every Meshblu of old needs. It covers date and device
    /// alone: whoever can read a webhook on its way can send others for five minutes.
    pub accept_legacy_signatures: bool,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            kind: BusKind::Embedded,
            anonymous_registration: true,
            registrars: Vec::new(),
            operations_per_minute: 0,
            body_bytes: 10_000_000,
            url: "https://meshblu.octoblu.com".to_owned(),
            oauth_url: None,
            uuid: None,
            token: None,
            timeout_seconds: 10,
            intake: Intake::Webhook,
            accept_legacy_signatures: false,
        }
    }
}

/// Which device network is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BusKind {
    /// The one inside this program.
    Embedded,
    /// A Meshblu elsewhere.
    Meshblu,
}

/// How messages come in from a Meshblu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Intake {
    /// It posts them to the gateway.
    Webhook,
    /// The gateway reads them off a connection that it keeps.
    Firehose,
}

/// How stored credentials are sealed and remembered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// The format in which records are written: 1 as the original's, 2 as this program's. Both are read. Without this
    /// setting 2 on the embedded bus, and 1 on a Meshblu, so that the gateway of old can be put back.
    #[schemars(range(min = 1, max = 2))]
    pub write: Option<u8>,
    /// The private key of records: PEM, or base64 of PEM or DER. Without this setting `records.pem` in the data directory.
    #[serde(skip_serializing)]
    pub private_key: Option<Secret>,
    /// How long a verified record is remembered, in seconds; 0 for not at all.
    #[schemars(range(max = 86_400))]
    pub remember_seconds: u64,
    /// How many verified records are remembered at most.
    #[schemars(range(max = 1_000_000))]
    pub remember_entries: usize,
}

impl Default for Records {
    fn default() -> Self {
        Self { write: None, private_key: None, remember_seconds: 300, remember_entries: 4096 }
    }
}

/// How credentials are managed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// How old a sign-in at the API may be, in seconds, for its owner to cut devices off and to forget the secret. 0 asks
    /// for none, as the original: then whoever has the token of an owner's device can do both.
    #[schemars(range(max = 86_400))]
    pub reauthentication: u64,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { reauthentication: 300 }
    }
}
