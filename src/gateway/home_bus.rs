//! Which bus the contents of a data directory belong to. What is sealed and what waits there is of its devices: on another it
//! would be refused, and ends would be told that nobody was told of.

use super::{FirstOwner, GatewayError};
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError, Transaction, View, Work};

/// Remembers it.
const KIND: &str = "bus.kind";

/// Makes sure that the directory belongs to a bus of the kind that the settings name; one that holds nothing yet belongs to it
/// from now on.
///
/// # Errors
/// [`GatewayError::OtherBus`] where it belongs to another kind.
pub(super) async fn settle(config: &Config, store: &Store) -> Result<(), GatewayError> {
    let look = |view: &View<'_>| {
        let is_in_use = view.holds_sealed()? || view.waiting(Work::Job)? > 0;
        Ok::<_, StoreError>((view.fact(KIND)?, is_in_use))
    };
    let (known, is_in_use) = store.read(look).await?;
    let wanted = config.bus.kind;
    if is_in_use {
        let home = match &known {
            Some(name) => named(name),
            None => guessed(config)?,
        };
        if home.is_some_and(|home| home != wanted) {
            return Err(GatewayError::OtherBus { directory: config.data_dir.clone(), wanted: name(wanted) });
        }
    }
    if known.as_deref() != Some(name(wanted).as_bytes()) {
        let remember =
            move |transaction: &Transaction<'_>| transaction.remember_fact(KIND, name(wanted).as_bytes());
        store.write::<_, StoreError, _>(remember).await?;
    }
    Ok(())
}

/// Of a directory of before, which did not remember it: one in which this program's own bus was never begun is of a Meshblu.
fn guessed(config: &Config) -> Result<Option<BusKind>, GatewayError> {
    Ok(FirstOwner::read(&config.data_dir)?.is_none().then_some(BusKind::Meshblu))
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
