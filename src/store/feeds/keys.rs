//! What tells webhooks, and lines of calls at them, from all others.

use std::sync::Arc;

use crate::message::DeviceUuid;

/// Tells a webhook from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebhookKey {
    /// Its host and port; empty where nothing can be called.
    pub host: Arc<str>,
    /// Whose it is.
    pub device: DeviceUuid,
    /// The member `hook` of what is called, which tells its address from the device's others; empty where there is none.
    pub hook: Arc<str>,
    /// As the column `webhook` has it.
    pub(super) text: Arc<str>,
}

impl WebhookKey {
    /// The webhook of `device` at this host that goes by `hook`.
    pub fn new(host: Arc<str>, device: DeviceUuid, hook: Arc<str>) -> Self {
        let text = format!("{host} {device} {hook}").into();
        Self { host, device, hook, text }
    }

    /// Tells the webhooks of its device at its host from all others: whose queue they stand in.
    pub(super) fn device_at_host(&self) -> String {
        device_at_host(&self.host, self.device.as_str())
    }
}

/// Who stands in the queue of this host for all webhooks of this device there.
pub(super) fn device_at_host(host: &str, device: &str) -> String {
    format!("{host}/{device}")
}

/// Where the webhook is that the column `webhook` names, and whose it is.
pub(super) fn host_and_device(webhook: &str) -> (&str, &str) {
    let (host, rest) = webhook.split_once(' ').unwrap_or_default();
    (host, rest.split_once(' ').unwrap_or_default().0)
}

/// Tells a line of calls from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LineKey {
    /// Where it is.
    pub webhook: WebhookKey,
    /// Whose it is ([`QueuedDelivery::user_device`](crate::store::QueuedDelivery::user_device)).
    pub user_device: DeviceUuid,
    /// As the column `line_at_webhook` has it.
    pub(in crate::store) text: Arc<str>,
}

impl LineKey {
    /// The line of this device at `webhook`.
    pub fn new(webhook: WebhookKey, user_device: DeviceUuid) -> Self {
        let text = format!("{} {user_device}", webhook.text).into();
        Self { webhook, user_device, text }
    }

    /// The line that the column `line_at_webhook` names; `None` for what names none.
    pub(in crate::store) fn named(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let mut next = || parts.next();
        let webhook = WebhookKey::new(next()?.into(), next()?.into(), next()?.into());
        Some(Self::new(webhook, next()?.into()))
    }
}
