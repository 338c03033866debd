//! What tells webhooks, and lines of calls at them, from all others.

use crate::message::DeviceUuid;

/// Tells a webhook from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebhookKey {
    /// Its host and port; empty where nothing can be called.
    pub host: String,
    /// Whose it is.
    pub device: DeviceUuid,
    /// The member `hook` of what is called, which tells its address from the device's others; empty where there is none.
    pub hook: String,
}

impl WebhookKey {
    /// As the column `webhook` has it.
    pub(super) fn text(&self) -> String {
        format!("{} {} {}", self.host, self.device, self.hook)
    }
}

/// Tells a line of calls from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LineKey {
    /// Where it is.
    pub webhook: WebhookKey,
    /// Whose it is ([`QueuedDelivery::user_device`](crate::store::QueuedDelivery::user_device)).
    pub user_device: DeviceUuid,
}

impl LineKey {
    /// As the column `line_at_webhook` has it.
    pub(in crate::store) fn text(&self) -> String {
        format!("{} {}", self.webhook.text(), self.user_device)
    }
}
