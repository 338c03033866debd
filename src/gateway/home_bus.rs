//! Of which kind of bus the contents of a data directory are. What is sealed and what waits there is of its devices: on another it
//! would be refused, and ends would be told that nobody was told of.

use super::{FirstOwner, GatewayError};
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError, Transaction, View, Work};

/// Remembers it.
const KIND: &str = "bus.kind";
/// What the database tells.
struct Contents {
    /// What was remembered.
    known: Option<BusKind>,
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
/// [`GatewayError::OtherBus`] where it is of another kind.
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
        Some(_) if contents.known != home => {
            let remember =
                move |transaction: &Transaction<'_>| transaction.remember_fact(KIND, name(wanted).as_bytes());
            Ok(store.write::<_, StoreError, _>(remember).await?)
        }
        _ => Ok(()),
    }
}

impl Contents {
    fn look(view: &View<'_>) -> Result<Self, StoreError> {
        let waiting_on = match view.waiting_for(Work::Job)? {
            Some(device) if view.device(&device)?.is_some() => Some(BusKind::Embedded),
            Some(_) => Some(BusKind::Meshblu),
            None => None,
        };
        Ok(Self {
            known: view.fact(KIND)?.and_then(|known| named(&known)),
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
