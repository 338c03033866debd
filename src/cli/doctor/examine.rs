//! Asking the bus for everything that is judged, and judging it.

use serde_json::Value;

use super::case::{Case, Elsewhere};
use super::files::files;
use super::finding::{Change, Check};
use super::owner::first_owner;
use super::owners::accounts_and_owners;
use super::queue::queue;
use super::records::keys;
use super::{checks, urls, webhooks};
use crate::ambient::Timestamp;
use crate::bus::Bus;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::cli::error::sentence;
use crate::cli::operation::{Addresses, OperationError};
use crate::cli::perform::failed;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::message::DeviceUuid;
use crate::signature::RsaPublicKey;
use crate::store::StoredSubscription;

pub(super) const KEY: &str = "private key";
pub(super) const IDENTITY: &str = "identity";
pub(super) const IDENTITY_WHY: &str =
    "as its own device the gateway gets every message and reads every record";

/// What the bus tells of the service device: its document and what it is subscribed to.
type Told = (Value, Vec<StoredSubscription>);

/// Every check, on a gateway that listens at `addresses`, or would.
///
/// # Errors
/// [`OperationError`] when the embedded bus fails.
pub(in crate::cli) async fn examine(
    gateway: &Gateway,
    addresses: &Addresses,
) -> Result<Vec<Check>, OperationError> {
    // A gateway does not open with one that is weak or broken.
    let key = Check::well(KEY, "can be used, and is not weak");
    let Gateway { bus, config, ambient, .. } = gateway;
    let scene = Scene { bus, config, gateway: &addresses.gateway, now: ambient.clock.now() };
    let owners = first_owner(gateway).await?.into_iter().chain(accounts_and_owners(gateway).await?);
    let files = files(config)?;
    let keys = keys(gateway).await;
    let queue = queue(gateway).await?;
    Ok([key, keys, files, queue].into_iter().chain(owners).chain(scene.examined().await?).collect())
}

/// Everything that is looked at but the key.
pub(super) struct Scene<'a> {
    pub(super) bus: &'a Bus,
    pub(super) config: &'a Config,
    /// Where the gateway listens, or would, without a slash at the end.
    pub(super) gateway: &'a str,
    pub(super) now: Timestamp,
}

impl Scene<'_> {
    /// Every check but that of the key.
    ///
    /// # Errors
    /// [`OperationError`] when the embedded bus fails.
    pub(super) async fn examined(&self) -> Result<Vec<Check>, OperationError> {
        let (told, bus) = match self.bus {
            Bus::Embedded(bus) => (here(bus).await.map_err(failed)?, None),
            Bus::Meshblu(bus) => there(bus, self.now)
                .await
                .map_or_else(|wrong| (Err(wrong), None), |(told, elsewhere)| (Ok(told), Some(elsewhere))),
        };
        let (document, subscriptions) = match told {
            Ok(told) => told,
            Err(wrong) => return Ok(vec![*wrong]),
        };
        let service = self.bus.service();
        let case = Case {
            service,
            document: &document,
            subscriptions: &subscriptions,
            config: self.config,
            gateway: self.gateway,
        };
        let known = Check::well(IDENTITY, format!("the bus knows {service}"));
        Ok([known].into_iter().chain(judged(&case, bus.as_ref())).collect())
    }
}

fn judged(case: &Case<'_>, bus: Option<&Elsewhere>) -> Vec<Check> {
    let mut all = vec![
        checks::discoverable(case),
        checks::options_schema(case),
        checks::options(case),
        Check::skipped("manager and app", "not needed any more: no manager URL and no app host is set here"),
        urls::public_url(case),
        urls::bus_page(case),
        checks::self_subscription(case),
    ];
    all.extend(webhooks::webhooks(case));
    if let Some(bus) = bus {
        all.extend([checks::signatures(case, bus), checks::clock(bus)]);
    }
    all
}

/// The same of the bus in this process, which fails by itself alone.
async fn here(bus: &EmbeddedBus) -> Result<Result<Told, Box<Check>>, BusError> {
    let told = bus
        .look(|bus, view| {
            let (service, caller) = (bus.service(), Caller::itself(bus.service().clone()));
            Ok((bus.reading(view, &caller).whoami()?, bus.reading(view, &caller).subscriptions(service)?))
        })
        .await;
    match told {
        Err(BusError::Forbidden) => Ok(Err(Box::new(gone(bus.service())))),
        told => told.map(Ok),
    }
}

fn gone(service: &DeviceUuid) -> Check {
    let wrong = format!("the service device {service} is gone from the bus");
    let change = Change::operator(
        "put the data directory back from a backup: what keeps credentials lets this device alone in, so that no new one \
         can take its place",
    );
    Check::wrong(IDENTITY, wrong, IDENTITY_WHY, change)
}

/// The first thing that is wrong with it, where there is no more to be learnt.
async fn there(bus: &Meshblu, now: Timestamp) -> Result<(Told, Elsewhere), Box<Check>> {
    let caller = Identity::of(bus.service());
    let refused = |error| Box::new(unidentified(bus, &error));
    let document = bus.whoami(caller).await.map_err(refused)?;
    if document["uuid"].as_str() != Some(bus.service().uuid.as_str()) {
        return Err(Box::new(stranger(bus)));
    }
    let subscriptions = bus.subscriptions(caller, &bus.service().uuid).await.map_err(refused)?;
    let keys = bus.webhook_keys().await.map_err(refused)?;
    let (old, key_fault) = match bus.public_key().await {
        Ok(old) => (old, None),
        Err(error) => (None, Some(sentence(&error))),
    };
    let date = bus.date().await.map_err(refused)?;
    let elsewhere = Elsewhere {
        signs: !keys.is_empty(),
        signs_as_of_old: old.is_some_and(|text| RsaPublicKey::from_pem(&text).is_ok()),
        key_fault,
        ahead: date.map(|date| (date.as_millis() - now.as_millis()) / 1000),
    };
    Ok(((document, subscriptions), elsewhere))
}

fn stranger(bus: &Meshblu) -> Check {
    let wrong = format!("what answers at {} is no Meshblu", shown(bus));
    Check::wrong(
        IDENTITY,
        wrong,
        IDENTITY_WHY,
        Change::operator("set bus.url to where the Meshblu's HTTP API is"),
    )
}

fn unidentified(bus: &Meshblu, error: &MeshbluError) -> Check {
    let uuid = &bus.service().uuid;
    let (wrong, change) = match error {
        MeshbluError::Refused { status, .. } if status.is_client_error() => (
            format!(
                "the Meshblu at {} does not accept bus.uuid {uuid} with bus.token: {}",
                shown(bus),
                sentence(error)
            ),
            "set bus.uuid and bus.token to those of the service device",
        ),
        MeshbluError::Unreadable => return stranger(bus),
        _ => (
            format!("the Meshblu at {} does not help: {}", shown(bus), sentence(error)),
            "see that it runs and is reached from here, and that bus.url is where it is",
        ),
    };
    Check::wrong(IDENTITY, wrong, IDENTITY_WHY, Change::operator(change))
}

/// Where the bus is; an address may hold a password.
fn shown(bus: &Meshblu) -> String {
    urls::place(bus.url()).unwrap_or_default()
}
