//! The gateway as a client of the bus's own OAuth provider.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Map;

use super::{Gateway, GatewayError, url_of};
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::bus::{Bus, BusProvider};
use crate::config::{BusKind, Config};
use crate::egress::{Url, is_this_machine};
use crate::telemetry::with_causes;

/// Whether people who reach the gateway from elsewhere are sent to an address of this machine to sign in with the embedded
/// bus.
pub fn leads_nowhere(config: &Config) -> bool {
    let is_here = |url: &str| Url::parse(url).is_ok_and(|url| is_this_machine(&url));
    let is_open = !config.listen.gateway.ip().is_loopback();
    let is_public = config.listen.public_url.as_deref().map_or(is_open, |url| !is_here(url));
    let is_embedded = config.bus.kind == BusKind::Embedded;
    is_embedded && is_public && config.bus.oauth_url.as_deref().is_none_or(is_here)
}

/// Where browsers reach the bus, where the settings say so.
///
/// # Errors
/// [`GatewayError::Url`].
pub(super) fn bus_page(config: &Config) -> Result<Option<Url>, GatewayError> {
    let set = config.bus.oauth_url.as_deref().map(|text| Url::parse(text.trim_end_matches('/')));
    set.transpose().map_err(|_| GatewayError::Url { setting: "bus.oauth_url" })
}

impl Gateway {
    /// How people sign in with the bus, whose API listens at `bus`; none where the operator has not said where the provider of
    /// a Meshblu is.
    ///
    /// # Errors
    /// [`GatewayError::Url`].
    pub(super) async fn bus_provider(
        &self,
        service_url: &str,
        bus: Option<SocketAddr>,
    ) -> Result<Option<BusProvider>, GatewayError> {
        match (&self.bus, bus_page(&self.config)?) {
            (Bus::Meshblu(bus), Some(url)) => {
                let limit = Duration::from_secs(self.config.bus.timeout_seconds);
                Ok(Some(BusProvider::Meshblu(bus.clone(), self.egress.peer(&url, limit))))
            }
            (Bus::Meshblu(_), None) => Ok(None),
            (Bus::Embedded(network), set) => {
                if leads_nowhere(&self.config) {
                    tracing::warn!(
                        "people elsewhere cannot sign in with the bus: they are sent to this machine; set bus.oauth_url to \
                         the https address by which they reach the bus, and listen.public_url to that of the gateway"
                    );
                }
                let here = bus.map(url_of);
                let Some(base) = set.map(String::from).or(here) else { return Ok(None) };
                // A full database lets nobody write this down, and everything else goes on.
                if let Err(error) = register(network, format!("{service_url}auth/octoblu/callback")).await {
                    tracing::warn!(
                        error = with_causes(&error),
                        "the bus was not told where people are sent back to who sign in with it"
                    );
                }
                let page = format!("{}/authorize", base.trim_end_matches('/'));
                let page = Url::parse(&page).map_err(|_| GatewayError::Url { setting: "bus.oauth_url" })?;
                Ok(Some(BusProvider::Embedded(network.clone(), page)))
            }
        }
    }
}

/// Says on the service device where people are sent back to, and what they are told it is called.
async fn register(bus: &EmbeddedBus, callback: String) -> Result<(), BusError> {
    let say = move |bus: &EmbeddedBus, transaction: &crate::store::Transaction<'_>| {
        let service = bus.service().clone();
        let Some(document) = transaction.device(&service)? else { return Ok(()) };
        let options = &document["options"];
        let mut changes = Map::new();
        if options["callbackUrl"] != *callback {
            changes.insert("options.callbackUrl".to_owned(), callback.into());
        }
        if options["name"].as_str().is_none_or(str::is_empty) {
            changes.insert("options.name".to_owned(), "endo".into());
        }
        match changes.is_empty() {
            true => Ok(()),
            false => bus.changing(transaction, &Caller::itself(service.clone())).set(&service, changes),
        }
    };
    bus.change(say).await
}
