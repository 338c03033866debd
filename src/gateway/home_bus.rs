//! Of which kind of bus the contents of a data directory are. What is sealed and what waits there is of its devices: on another it
//! would be refused, and ends would be told that nobody was told of.

use super::{FirstOwner, GatewayError};
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError, Transaction, View, Work};

/// Remembers it.
const KIND: &str = "bus.kind";
/// How many records are looked at for one whose device is of this program's own bus.
const LOOKED_AT: usize = 100;

/// What the database tells.
struct Contents {
    /// What was remembered.
    known: Option<BusKind>,
    /// Whether anything is sealed, or a message waits.
    is_in_use: bool,
    /// Whether any of it is of a device of this program's own bus.
    has_own: bool,
    /// Whether any record is of a device that this has not, or any message is for one.
    has_foreign: bool,
    /// Whether a message waits: for the gateway's own device, whose bus it is.
    has_waiting: bool,
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
        let mut devices: Vec<_> =
            view.record_generations(LOOKED_AT)?.into_iter().map(|(device, _)| device).collect();
        let waiting_for = view.waiting_for(Work::Job)?;
        let has_waiting = waiting_for.is_some();
        devices.extend(waiting_for);
        let (mut has_own, mut has_foreign) = (false, false);
        for device in &devices {
            let is_own = view.device(device)?.is_some();
            has_own |= is_own;
            has_foreign |= !is_own;
        }
        let known = view.fact(KIND)?.and_then(|known| named(&known));
        let is_in_use = has_waiting || view.holds_sealed()?;
        Ok(Self { known, is_in_use, has_own, has_foreign, has_waiting, has_devices: view.has_devices()? })
    }

    /// Of which kind of bus they are, as far as can be told: versions of before did not remember it, and a directory in which
    /// their own bus was begun may have gone over to a Meshblu since, or hold something of both.
    fn home(&self, config: &Config) -> Result<Option<BusKind>, GatewayError> {
        if self.known.is_some() {
            return Ok(self.known);
        }
        let was_begun = self.has_devices || FirstOwner::read(&config.data_dir)?.is_some();
        Ok(match (self.has_own, self.has_foreign) {
            (true, true) => None,
            (true, false) => Some(BusKind::Embedded),
            (false, _) => (self.has_waiting || !was_begun).then_some(BusKind::Meshblu),
        })
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
