//! The kinds of event that a device can subscribe to (`spec/meshblu.md` 4.6).

use crate::message::MESSAGE_RECEIVED;

/// What a subscription brings, and what hops and webhooks are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubscriptionType {
    /// `broadcast.received`
    BroadcastReceived,
    /// `broadcast.sent`
    BroadcastSent,
    /// `configure.received`
    ConfigureReceived,
    /// `configure.sent`
    ConfigureSent,
    /// `message.received`
    MessageReceived,
    /// `message.sent`
    MessageSent,
    /// `unregister.received`
    UnregisterReceived,
    /// `unregister.sent`
    UnregisterSent,
    /// `broadcast`: kept and listed, delivers nothing
    LegacyBroadcast,
    /// `config`: kept and listed, delivers nothing
    LegacyConfig,
    /// `received`: kept and listed, delivers nothing
    LegacyReceived,
    /// `sent`: kept and listed, delivers nothing
    LegacySent,
}

impl SubscriptionType {
    /// Every type there is.
    pub const ALL: [Self; 12] = [
        Self::BroadcastReceived,
        Self::BroadcastSent,
        Self::ConfigureReceived,
        Self::ConfigureSent,
        Self::MessageReceived,
        Self::MessageSent,
        Self::UnregisterReceived,
        Self::UnregisterSent,
        Self::LegacyBroadcast,
        Self::LegacyConfig,
        Self::LegacyReceived,
        Self::LegacySent,
    ];

    /// The type of this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BroadcastReceived => "broadcast.received",
            Self::BroadcastSent => "broadcast.sent",
            Self::ConfigureReceived => "configure.received",
            Self::ConfigureSent => "configure.sent",
            Self::MessageReceived => MESSAGE_RECEIVED,
            Self::MessageSent => "message.sent",
            Self::UnregisterReceived => "unregister.received",
            Self::UnregisterSent => "unregister.sent",
            Self::LegacyBroadcast => "broadcast",
            Self::LegacyConfig => "config",
            Self::LegacyReceived => "received",
            Self::LegacySent => "sent",
        }
    }
}
