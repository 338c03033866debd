//! The end on the bus in this process: reply, status entry and bookkeeping are one transaction.

use serde_json::Value;

use super::{LastWord, MUST_BE_AN_ARRAY, adding, beginning_with, status_entry};
use crate::ambient::Timestamp;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::message::DeliveryId;
use crate::store::{Place, StoreError, Transaction};
use crate::telemetry::with_causes;

/// What one delivery ends with.
#[derive(Clone)]
pub(super) struct End {
    pub(super) place: Place,
    pub(super) id: DeliveryId,
    pub(super) told: LastWord,
}

impl End {
    pub(super) fn write(
        &self,
        bus: &EmbeddedBus,
        transaction: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told = &self.told;
        if !transaction.finish(self.place.within(transaction)?)? {
            return Ok(());
        }
        let sent = bus.changing(transaction, &caller(told)).send(&told.message);
        let refused = passed_over(sent, "the answer was not sent")?;
        if told.failure.is_some() {
            let entry = status_entry(told, now);
            passed_over(push_status(bus, transaction, told, &entry), "the error was not noted")?;
        }
        let mut outcome = told.outcome(now);
        outcome.fate.refusal = refused.map(|refused| refused.to_string());
        transaction.note_outcome(&self.id, &outcome)
    }
}

/// As the user device, by the credentials device's rights alone.
fn caller(told: &LastWord) -> Caller {
    Caller::itself(told.parties.credentials.clone()).acting_as(told.parties.user_device.clone())
}

/// A refusal of the bus ends nothing else: it is logged, and answered. A failure of the store undoes everything.
fn passed_over(result: Result<(), BusError>, what: &'static str) -> Result<Option<BusError>, StoreError> {
    match result {
        Ok(()) => Ok(None),
        Err(BusError::Store(error)) => Err(error),
        Err(refused) => {
            tracing::warn!(error = with_causes(&refused), "{what}");
            Ok(Some(refused))
        }
    }
}

fn push_status(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    told: &LastWord,
    entry: &Value,
) -> Result<(), BusError> {
    let user_device = bus
        .reading(transaction, &Caller::itself(told.parties.credentials.clone()))
        .device(&told.parties.user_device)?;
    let Some(status) = user_device.get("statusDevice").and_then(Value::as_str) else { return Ok(()) };
    let status = status.into();
    let change = |how: &Value| bus.changing(transaction, &caller(told)).update(&status, &update(how));
    match change(&adding(entry)) {
        Err(BusError::Data(error)) if error.message.contains(MUST_BE_AN_ARRAY) => {
            change(&beginning_with(entry)).map(drop)
        }
        other => other.map(drop),
    }
}

fn update(document: &Value) -> Update {
    Update::parse(document).expect("an update written here is well formed")
}
