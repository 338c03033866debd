//! Who gets no call of a webhook for now, and who had one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::keys::DeviceAtHost;
use super::rationed::NextTrials;
use crate::message::DeviceUuid;
use crate::store::{LineKey, Rationed, WebhookKey};

/// What gets no call for now, and who had one.
#[derive(Debug, Default)]
pub struct PassedOver {
    hosts: HostSet,
    /// The hosts at which not everybody is called.
    rationed: HashMap<Arc<str>, Rationed>,
    devices: HashSet<DeviceAtHost>,
    devices_at_hosts: Vec<DevicesAtHosts>,
    webhooks: HashSet<Arc<str>>,
    lines: HashSet<Arc<str>>,
    /// Which turn each host, device at a host, webhook and line had last, of those that stand behind others for it.
    last_turns: HashMap<Arc<str>, LastTurn>,
    /// When to look again although the bell was not rung; the bell is rung for every other change.
    pub(super) again_in: Option<Duration>,
}

/// Some hosts, host and port of each.
#[derive(Debug)]
pub enum HostSet {
    /// These.
    Only(HashSet<Arc<str>>),
    /// All others.
    AllBut(HashSet<Arc<str>>),
}

impl Default for HostSet {
    fn default() -> Self {
        Self::Only(HashSet::new())
    }
}

impl HostSet {
    /// Whether it is none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(hosts) if hosts.is_empty())
    }

    /// Whether this host is one of them.
    pub fn has(&self, host: &str) -> bool {
        match self {
            Self::Only(hosts) => hosts.contains(host),
            Self::AllBut(hosts) => !hosts.contains(host),
        }
    }
}

/// All webhooks that these devices have at these hosts.
#[derive(Debug)]
pub struct DevicesAtHosts {
    /// Whose they are.
    pub devices: HashSet<DeviceUuid>,
    /// Where they are.
    pub hosts: HostSet,
}

/// What somebody has of turns: the less it is, the sooner they get another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LastTurn {
    /// Calls in hand.
    calls: usize,
    /// Which of all calls there were the last was.
    last: u64,
}

impl PassedOver {
    /// These hosts, and these devices at some others, for `again_in` at least where no bell is rung.
    pub fn of(hosts: HostSet, devices_at_hosts: Vec<DevicesAtHosts>, again_in: Option<Duration>) -> Self {
        Self { hosts, devices_at_hosts, again_in, ..Self::default() }
    }

    /// Of this host all but these.
    pub fn ration(&mut self, host: &Arc<str>, rationed: Rationed) {
        let NextTrials { room, forgotten_in, .. } = rationed.trials;
        if room > 0 && !forgotten_in.is_zero() {
            self.again_in = self.again_in.into_iter().chain([forgotten_in]).min();
        }
        self.rationed.insert(Arc::clone(host), rationed);
    }

    /// All webhooks that the device of this one has at its host, too.
    pub fn pass_over_device_of(&mut self, webhook: &WebhookKey) {
        self.devices.insert(webhook.device_at_host());
    }

    /// This webhook too, for so long.
    pub fn pass_over_webhook_for(&mut self, webhook: &WebhookKey, left: Duration) {
        self.webhooks.insert(webhook.text.clone());
        self.again_in = self.again_in.into_iter().chain([left]).min();
    }

    /// This line too, for so long.
    pub fn pass_over_line_for(&mut self, line: &LineKey, left: Duration) {
        self.lines.insert(line.text.clone());
        self.again_in = self.again_in.into_iter().chain([left]).min();
    }

    /// This line too.
    pub fn pass_over_line(&mut self, line: &LineKey) {
        self.lines.insert(line.text.clone());
    }

    /// This line had its turns with these `calls`, which it has in hand, the last of them this one of all, the later the higher;
    /// and so had its webhook, the device of that at its host, and the host: they stand behind all who have fewer in hand.
    pub fn put_behind(&mut self, line: &LineKey, calls: usize, last: u64) {
        let device = line.webhook.device_at_host().name().into();
        for who in [&line.text, &line.webhook.text, &device, &line.webhook.host] {
            let turn = self.last_turns.entry(Arc::clone(who)).or_default();
            *turn = LastTurn { calls: turn.calls + calls, last: last.max(turn.last) };
        }
    }

    /// This line alone stands behind others of its webhook, since this call of it.
    pub fn put_line_behind(&mut self, line: &LineKey, call: u64) {
        self.last_turns.insert(line.text.clone(), LastTurn { calls: 0, last: call });
    }

    /// Whether anything is passed over.
    pub fn is_something(&self) -> bool {
        let is_any_device = !self.devices.is_empty() || !self.devices_at_hosts.is_empty();
        let is_any_host = !self.hosts.is_empty() || !self.rationed.is_empty();
        is_any_device || is_any_host || !self.webhooks.is_empty() || !self.lines.is_empty()
    }

    pub(super) fn rationed(&self, host: &str) -> Option<&Rationed> {
        self.rationed.get(host)
    }

    /// Whether this host is passed over.
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.has(host)
    }

    pub(super) fn has_device(&self, at_host: &DeviceAtHost) -> bool {
        let DeviceAtHost { host, device } = at_host;
        let is_among = |many: &DevicesAtHosts| many.hosts.has(host) && many.devices.contains(device);
        self.devices.contains(at_host) || self.devices_at_hosts.iter().any(is_among)
    }

    pub(super) fn has_webhook(&self, webhook: &str) -> bool {
        self.webhooks.contains(webhook)
    }

    pub(super) fn has_line(&self, line: &str) -> bool {
        self.lines.contains(line)
    }

    pub(super) fn last_turn_of(&self, who: &str) -> Option<LastTurn> {
        self.last_turns.get(who).copied()
    }
}
