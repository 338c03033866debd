//! Of which kind of bus the contents of a data directory are, and of which service on a Meshblu. What is sealed and what waits there is of its devices: on another it
//! would be refused, and ends would be told that nobody was told of.

use super::{FirstOwner, GatewayError};
use crate::config::{BusKind, Config};
use crate::message::DeviceUuid;
use crate::store::{Store, StoreError, Transaction, View, Work};

/// Remembers it.
const KIND: &str = "bus.kind";
/// Remembers as which service the gateway was on a Meshblu.
const SERVICE: &str = "meshblu.service";
/// What the database tells.
struct Contents {
    /// What was remembered.
    known: Option<BusKind>,
    /// As which service, where that was on a Meshblu.
    service: Option<Vec<u8>>,
    /// Whether anything is sealed, or a message waits.
    is_in_use: bool,
    /// The bus of the device that a message waits for, where one does: the gateway's own.
    waiting_on: Option<BusKind>,
    /// Whether this program's own bus was ever begun.
    has_devices: bool,
}

/// Makes sure that the directory is of the kind of bus that the settings name; one that holds nothing yet is from now on.
///
/// # Errors
/// [`GatewayError::OtherBus`] where it is of another kind; [`GatewayError::OtherService`] where it is another service's.
pub(super) async fn settle(config: &Config, store: &Store) -> Result<(), GatewayError> {
    let contents = store.read(Contents::look).await?;
    let wanted = config.bus.kind;
    let home = match contents.is_in_use {
        true => contents.home(config)?,
        false => Some(wanted),
    };
    match home {
        Some(home) if home != wanted => {
            Err(GatewayError::OtherBus { directory: config.data_dir.clone(), wanted: name(wanted) })
        }
        Some(BusKind::Meshblu) if contents.is_in_use && contents.is_another_s(config) => {
            Err(GatewayError::OtherService { directory: config.data_dir.clone() })
        }
        Some(_) if contents.known != home => {
            let remember =
                move |transaction: &Transaction<'_>| transaction.remember_fact(KIND, name(wanted).as_bytes());
            Ok(store.write::<_, StoreError, _>(remember).await?)
        }
        _ => Ok(()),
    }
}

/// Remembers that the directory is this service's, whom the Meshblu knows.
///
/// # Errors
/// What the database reports.
pub(super) async fn remember_service(store: &Store, service: &DeviceUuid) -> Result<(), StoreError> {
    let service = service.as_str().to_owned();
    let known = store.read::<_, StoreError, _>(|view| view.fact(SERVICE)).await?;
    if known.is_some_and(|known| known == service.as_bytes()) {
        return Ok(());
    }
    let remember =
        move |transaction: &Transaction<'_>| transaction.remember_fact(SERVICE, service.as_bytes());
    store.write(remember).await
}

impl Contents {
    /// Whether another service than that of the settings was here. Versions of before did not remember which.
    fn is_another_s(&self, config: &Config) -> bool {
        let known = self.service.as_deref().zip(config.bus.uuid.as_deref());
        known.is_some_and(|(known, wanted)| !known.eq_ignore_ascii_case(wanted.as_bytes()))
    }

    fn look(view: &View<'_>) -> Result<Self, StoreError> {
        let waiting_on = match view.waiting_for(Work::Job)? {
            Some(device) if view.device(&device)?.is_some() => Some(BusKind::Embedded),
            Some(_) => Some(BusKind::Meshblu),
            None => None,
        };
        Ok(Self {
            known: view.fact(KIND)?.and_then(|known| named(&known)),
            service: view.fact(SERVICE)?,
            is_in_use: waiting_on.is_some() || view.holds_sealed()?,
            waiting_on,
            has_devices: view.has_devices()?,
        })
    }

    /// Of which kind of bus they are, as far as can be told: versions of before did not remember it, a command that was given
    /// without the variables of the Meshblu begins this program's own bus, and may have kept something on that.
    fn home(&self, config: &Config) -> Result<Option<BusKind>, GatewayError> {
        if let Some(told) = self.known.or(self.waiting_on) {
            return Ok(Some(told));
        }
        let was_begun = self.has_devices || FirstOwner::read(&config.data_dir)?.is_some();
        Ok((!was_begun).then_some(BusKind::Meshblu))
    }
}

/// As `bus.kind` names it.
const fn name(kind: BusKind) -> &'static str {
    match kind {
        BusKind::Embedded => "embedded",
        BusKind::Meshblu => "meshblu",
    }
}

fn named(known: &[u8]) -> Option<BusKind> {
    [BusKind::Embedded, BusKind::Meshblu].into_iter().find(|kind| name(*kind).as_bytes() == known)
}
