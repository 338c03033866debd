//! The end of a delivery: the answer, the status entry and the bookkeeping, in one transaction.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Desk;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{BusError, Caller, EmbeddedBus};
use crate::message::{Failure, Message, Parties, Reply};
use crate::store::{Ending, Outcome, StoreError, Taken, Transaction};

/// How many errors a status device keeps (`spec/endo.md` 2.5).
const KEPT_ERRORS: i64 = -99;
/// The longest `respondTo`, in bytes of JSON, that goes into a status entry: 99 of them stay in one document.
const KEPT_RESPOND_TO: usize = 4096;
/// The pause before the end of a delivery is written again to a store that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What one delivery ends with.
#[derive(Clone)]
struct End {
    seq: i64,
    id: crate::message::DeliveryId,
    told: Option<Told>,
}

/// Somebody is told.
#[derive(Clone)]
struct Told {
    parties: Parties,
    message: Value,
    failure: Option<Failure>,
    respond_to: Option<Value>,
}

impl Desk {
    /// Writes the end until it is on disk: an answer that was worked for is not thrown away.
    pub(super) async fn end(&self, taken: Taken, answer: Option<(Parties, Result<Reply, Failure>)>) {
        let delivery = &taken.delivery;
        let respond_to = respond_to(&delivery.new.body);
        let told = answer.map(|(parties, answer)| Told::new(parties, answer, respond_to));
        let end = End { seq: delivery.seq, id: delivery.new.id.clone(), told };
        loop {
            let (bus, end) = (self.bus.clone(), end.clone());
            let now = self.clock.now();
            let written = self.bus.store().write(move |transaction| end.write(&bus, transaction, now)).await;
            match written {
                Ok(()) => return taken.ended(),
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot store an answer; trying again"
                    );
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

impl Told {
    fn new(parties: Parties, answer: Result<Reply, Failure>, respond_to: Option<Value>) -> Self {
        let to = respond_to.as_ref();
        let (message, failure) = match answer {
            Ok(reply) => (reply.into_message(&parties.sender, to), None),
            Err(failure) => (failure.to_message(&parties.sender, to), Some(failure)),
        };
        Self { parties, message, failure, respond_to }
    }

    fn ending(&self) -> Ending {
        if self.failure.is_some() { Ending::Failed } else { Ending::Replied }
    }

    /// As the user device, by the credentials device's rights alone.
    fn caller(&self) -> Caller {
        Caller::itself(self.parties.credentials.clone()).acting_as(self.parties.user_device.clone())
    }
}

impl End {
    fn write(
        &self,
        bus: &EmbeddedBus,
        transaction: &Transaction<'_>,
        now: crate::ambient::Timestamp,
    ) -> Result<(), StoreError> {
        let Some(told) = &self.told else {
            return transaction.give_up(self.seq, "bad route", now);
        };
        if !transaction.finish(self.seq)? {
            return Ok(());
        }
        passed_over(bus.send(transaction, &told.caller(), &told.message), "the answer was not sent")?;
        if let Some(failure) = &told.failure {
            let entry = status_entry(told, failure, now);
            passed_over(push_status(bus, transaction, (told, entry)), "the error was not noted")?;
        }
        transaction.note_outcome(&self.id, &told.outcome(now))
    }
}

impl Told {
    fn outcome(&self, ended_at: crate::ambient::Timestamp) -> Outcome {
        let code = self.message["metadata"]["code"].as_u64();
        Outcome {
            ending: self.ending().as_str().to_owned(),
            code: code.and_then(|code| u16::try_from(code).ok()),
            reply: Some(self.message.to_string()),
            ended_at,
        }
    }
}

/// A refusal of the bus ends nothing else: it is logged. A failure of the store undoes everything.
fn passed_over(result: Result<(), BusError>, what: &'static str) -> Result<(), StoreError> {
    match result {
        Ok(()) => Ok(()),
        Err(BusError::Store(error)) => Err(error),
        Err(refused) => {
            tracing::warn!(error = &refused as &dyn std::error::Error, "{what}");
            Ok(())
        }
    }
}

/// The entry of a status device, its keys in the original's order (`spec/endo.md` 2.5, step c).
fn status_entry(told: &Told, failure: &Failure, now: crate::ambient::Timestamp) -> Value {
    let mut metadata = json!({});
    if let Some(to) = told.respond_to.as_ref().filter(|to| to.to_string().len() <= KEPT_RESPOND_TO) {
        metadata["to"] = to.clone();
    }
    json!({
        "senderUuid": told.parties.sender,
        "date": now.iso_seconds(),
        "metadata": metadata,
        "code": failure.code,
        "message": failure.message,
    })
}

fn push_status(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    (told, entry): (&Told, Value),
) -> Result<(), BusError> {
    let user_device = bus.device(
        transaction,
        &Caller::itself(told.parties.credentials.clone()),
        &told.parties.user_device,
    )?;
    let Some(status) = user_device.get("statusDevice").and_then(Value::as_str) else { return Ok(()) };
    let status = status.into();
    let push = json!({"$push": {"status.errors": {"$each": [entry], "$slice": KEPT_ERRORS}}});
    match bus.update(transaction, &told.caller(), (&status, &update(&push))) {
        Err(BusError::Data(error)) if error.message.contains("must be an array but is of type") => {
            // As the original repairs it, except that this needs no right beyond the one for the entry itself.
            let repair = json!({"$set": {"status.errors": [entry]}});
            bus.update(transaction, &told.caller(), (&status, &update(&repair))).map(drop)
        }
        other => other.map(drop),
    }
}

fn update(document: &Value) -> Update {
    Update::parse(document).expect("an update written here is well formed")
}

fn respond_to(body: &str) -> Option<Value> {
    serde_json::from_str::<Message>(body).ok()?.respond_to().cloned()
}
