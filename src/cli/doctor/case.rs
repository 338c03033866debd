//! What the doctor knows before it judges: the service device, its subscriptions, the settings.

use serde_json::Value;

use crate::config::{BusKind, Config, Intake};
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

/// Everything that is judged, once the bus told it.
pub(super) struct Case<'a> {
    pub(super) service: &'a DeviceUuid,
    /// The service device, as it sees itself.
    pub(super) document: &'a Value,
    pub(super) subscriptions: &'a [StoredSubscription],
    pub(super) config: &'a Config,
    /// Where the gateway listens, without a slash at the end.
    pub(super) gateway: &'a str,
}

/// What a Meshblu tells of itself.
pub(super) struct Elsewhere {
    /// Whether it names a key by which it signs in this program's form.
    pub(super) signs: bool,
    /// Whether it names a key by which it signs in the old form.
    pub(super) signs_as_of_old: bool,
    /// Why it does not show that key, where it failed to.
    pub(super) key_fault: Option<String>,
    /// How many seconds its clock is ahead of this machine's; nothing where it does not tell the time.
    pub(super) ahead: Option<i64>,
}

impl Case<'_> {
    pub(super) fn is_embedded(&self) -> bool {
        self.config.bus.kind == BusKind::Embedded
    }

    /// Whether the bus is to post messages to the gateway.
    pub(super) fn is_posted_to(&self) -> bool {
        !self.is_embedded() && self.config.bus.intake == Intake::Webhook
    }

    /// Where others reach the gateway as far as the settings say, without a slash at the end.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.config.listen.public_url.as_deref().map(|url| url.trim_end_matches('/'))
    }
}
