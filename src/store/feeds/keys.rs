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

    /// All webhooks that its device has at its host.
    pub(super) fn device_at_host(&self) -> DeviceAtHost {
        DeviceAtHost { host: Arc::clone(&self.host), device: self.device.clone() }
    }
}

/// All webhooks of one device at one host, for which it stands in the queue of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DeviceAtHost {
    pub(super) host: Arc<str>,
    pub(super) device: DeviceUuid,
}

impl DeviceAtHost {
    /// Those that stand under this name.
    pub(super) fn named(who: &str) -> Self {
        let (host, device) = who.split_once('/').unwrap_or_default();
        Self { host: host.into(), device: device.into() }
    }

    /// Those of which the column `webhook` names one.
    pub(super) fn with(webhook: &str) -> Self {
        let (host, rest) = webhook.split_once(' ').unwrap_or_default();
        let (device, _) = rest.split_once(' ').unwrap_or_default();
        Self { host: host.into(), device: device.into() }
    }

    /// The name under which they stand.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.host, self.device)
    }
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
