//! What the operator decides about calls, and where every call starts.

use std::sync::Arc;
use std::time::Duration;

use super::error::EgressError;
use super::hosts::HostList;
use super::names::{Lookup, Reach};
use super::transport::Transport;

/// What the operator decides about calls.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Whether webhooks may lead to this machine.
    pub allow_loopback: bool,
    /// Hosts, each `host` or `host:port`, that webhooks may lead to wherever they are.
    pub allowed_hosts: Vec<String>,
    /// The longest a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest a call to an API may take, its answer included.
    pub api_timeout: Duration,
    /// The longest a webhook may take to answer.
    pub webhook_timeout: Duration,
    /// The longest answer of an API, in bytes.
    pub response_bytes: usize,
    /// What calls name as their sender.
    pub user_agent: String,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            allow_loopback: false,
            allowed_hosts: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            api_timeout: Duration::from_secs(20),
            webhook_timeout: Duration::from_secs(15),
            response_bytes: 10 * 1024 * 1024,
            user_agent: concat!("endo/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Where every call that leaves starts. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Egress(pub(super) Arc<Outbound>);

#[derive(Debug)]
pub(super) struct Outbound {
    /// Connections to hosts that the operator listed.
    pub(super) listed: Transport,
    /// Connections to those who give out tokens.
    pub(super) providers: Transport,
    /// Connections to wherever webhooks lead. They are never shared with the former: each was vetted when made.
    pub(super) vetted: Transport,
    pub(super) webhook_hosts: HostList,
    pub(super) settings: EgressSettings,
}

impl Egress {
    /// Calls under these settings; names are found by `lookup`.
    ///
    /// # Errors
    /// [`EgressError::HostEntry`] when one of the allowed hosts is not written as one.
    pub fn new(settings: EgressSettings, lookup: Lookup) -> Result<Self, EgressError> {
        let webhook_hosts = HostList::parse(&settings.allowed_hosts)?;
        let public = Reach::Public { loopback: settings.allow_loopback };
        let listed = Transport::new(lookup.clone(), Reach::Listed, settings.clone());
        let providers = Transport::new(lookup.clone(), Reach::Listed, settings.clone()).always_anew();
        let vetted = Transport::new(lookup, public, settings.clone());
        Ok(Self(Arc::new(Outbound { listed, providers, vetted, webhook_hosts, settings })))
    }
}
