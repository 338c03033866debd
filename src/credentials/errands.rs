//! What follows from an end, told to the bus: at once where that works, else again until it is done.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::devices::bind::subscription;
use super::receipts::receipt::{Fate, Receipt, amend};
use super::receipts::revoker::By;
use super::{CredentialsDevices, CredentialsError};
use crate::ambient::{Backoff, Timestamp};
use crate::bus::Bus;
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::message::DeviceUuid;
use crate::store::{Binding, Errand, ErrandKind, QueuedErrand, StoreError, StoredReceipt, Transaction, View};
use crate::telemetry::with_causes;

/// How long an errand waits for a job that still has to be answered by the right that it takes away.
const WHILE_BUSY: Duration = Duration::from_secs(1);
/// The pauses after attempts in vain.
pub(super) const PAUSES: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(3600) };

const SOMEBODY_ELSE_S: &str = "the device has another owner";
const NOT_HIS: &str = "the device is gone, or has another owner";
const REFUSED: &str = "the bus refuses";
const ONLY_ITS_OWNER: &str = "only the owner of the device can change them, who was not here for that";

/// What an attempt came to.
enum CameTo {
    Ended,
    Stayed(&'static str),
    /// A job of the device is not answered yet, or somebody is still making it, who may come to subscribe to it.
    Busy,
    /// The bus did not do it now.
    Nothing,
}

impl CredentialsDevices {
    /// Tries an errand; it stays on the list until it came to something.
    pub(super) async fn run_errand(&self, queued: QueuedErrand) -> Result<(), CredentialsError> {
        let now = self.clock.now();
        match &self.bus {
            Bus::Embedded(bus) => {
                let bus = bus.clone();
                let attempt = move |transaction: &Transaction<'_>| {
                    let came_to = attempt_here(&bus, transaction, &queued.errand)?;
                    conclude(transaction, &queued, came_to, now)
                };
                self.store.write(attempt).await
            }
            Bus::Meshblu(bus) => {
                let came_to = self.attempt_on(bus, &queued).await?;
                if matches!(came_to, CameTo::Ended | CameTo::Stayed(_)) {
                    self.enders.forget(queued.seq);
                }
                let conclude =
                    move |transaction: &Transaction<'_>| conclude(transaction, &queued, came_to, now);
                self.store.write(conclude).await
            }
        }
    }

    async fn attempt_on(&self, bus: &Meshblu, queued: &QueuedErrand) -> Result<CameTo, CredentialsError> {
        let errand = &queued.errand;
        let (credentials, service) = (&errand.credentials, Identity::of(bus.service()));
        let maker = errand.kind.user_device().map(|device| self.under_way.turn_now(&device.to_string()));
        if let Some(None) = maker {
            return Ok(CameTo::Busy);
        }
        match &errand.kind {
            ErrandKind::Subscription(user_device) => {
                let binding = Binding { credentials: credentials.clone(), user_device: user_device.clone() };
                Ok(of_call(bus.unsubscribe(service, &subscription(&binding)).await))
            }
            ErrandKind::Whitelists(user_device) => self.leave_lists_on(bus, queued, user_device).await,
            ErrandKind::Record => {
                let unset = json!({"$unset": {"endo": true, "endoSignature": true}});
                Ok(of_call(bus.update(service, credentials, &unset).await))
            }
        }
    }

    /// Has the user device's lists name the credentials device no more, as the owner who ended its right, if the device is
    /// his: nobody else may change it, nor does the right to act as a device serve against that very device.
    async fn leave_lists_on(
        &self,
        bus: &Meshblu,
        QueuedErrand { errand, seq, .. }: &QueuedErrand,
        user_device: &DeviceUuid,
    ) -> Result<CameTo, CredentialsError> {
        let Some(owner) = self.enders.of(*seq) else { return Ok(CameTo::Stayed(ONLY_ITS_OWNER)) };
        let (watched, seq) = (user_device.clone(), errand.receipt);
        let look = move |view: &View<'_>| Ok((view.has_job_of(&watched)?, view.receipt(seq)?));
        let (is_busy, receipt) = self.store.read::<_, StoreError, _>(look).await?;
        if is_busy {
            return Ok(CameTo::Busy);
        }
        // The record, and with it the login of the credentials device, is gone where the secret is forgotten.
        let document = match bus.device(Identity::of(&owner), user_device).await {
            Ok(document) => document,
            Err(error) => return Ok(of_owner_s_call(Err(error))),
        };
        if !is_by_owner(receipt, &document) {
            return Ok(CameTo::Stayed(SOMEBODY_ELSE_S));
        }
        let pull = leave_lists(&errand.credentials);
        Ok(of_owner_s_call(bus.update(Identity::of(&owner), user_device, &pull).await))
    }
}

fn of_call(result: Result<(), MeshbluError>) -> CameTo {
    match result {
        Ok(()) => CameTo::Ended,
        Err(error) if error.is(StatusCode::NOT_FOUND) => CameTo::Ended,
        Err(error) if error.is_forbidden() => CameTo::Stayed(REFUSED),
        Err(error) => {
            tracing::warn!(error = with_causes(&error), "the bus was not told of an end yet");
            CameTo::Nothing
        }
    }
}

/// The same of a call that is the device's owner's to make; who is not may not see the device either.
fn of_owner_s_call(result: Result<(), MeshbluError>) -> CameTo {
    match result {
        // He signed out meanwhile.
        Err(error) if error.is(StatusCode::UNAUTHORIZED) => CameTo::Stayed(ONLY_ITS_OWNER),
        Err(error) if error.is(StatusCode::NOT_FOUND) || error.is_forbidden() => CameTo::Stayed(NOT_HIS),
        result => of_call(result),
    }
}

fn attempt_here(
    bus: &EmbeddedBus,
    transaction: &Transaction<'_>,
    errand: &Errand,
) -> Result<CameTo, CredentialsError> {
    // Everything else was done with the tombstone.
    let ErrandKind::Whitelists(user_device) = &errand.kind else { return Ok(CameTo::Ended) };
    if transaction.has_job_of(user_device)? {
        return Ok(CameTo::Busy);
    }
    let Some(document) = transaction.device(user_device)? else { return Ok(CameTo::Ended) };
    if !is_by_owner(transaction.receipt(errand.receipt)?, &document) {
        return Ok(CameTo::Stayed(SOMEBODY_ELSE_S));
    }
    match bus.update_itself(transaction, user_device, &leave_lists(&errand.credentials)) {
        Ok(()) => Ok(CameTo::Ended),
        Err(BusError::Store(error)) => Err(error.into()),
        Err(_) => Ok(CameTo::Stayed(REFUSED)),
    }
}

/// The lists of a user device are its owner's; the operator of the gateway takes only away what the gateway was given.
fn is_by_owner(receipt: Option<StoredReceipt>, user_device: &Value) -> bool {
    match receipt.as_ref().and_then(Receipt::read).map(|receipt| receipt.by) {
        Some(By::Operator) => true,
        Some(By::Owner(owner)) => user_device["owner"].as_str() == Some(owner.as_str()),
        None => false,
    }
}

/// The update that takes the credentials device from the lists that made it the user device's voice.
fn leave_lists(credentials: &DeviceUuid) -> Value {
    let us = json!({"uuid": credentials});
    json!({"$pull": {
        "meshblu.whitelists.configure.as": us,
        "meshblu.whitelists.discover.view": us,
        "meshblu.whitelists.message.as": us,
        "meshblu.whitelists.message.received": us,
    }})
}

fn conclude(
    transaction: &Transaction<'_>,
    queued: &QueuedErrand,
    came_to: CameTo,
    now: Timestamp,
) -> Result<(), CredentialsError> {
    let (fate, why) = match came_to {
        CameTo::Ended => (Fate::Ended, None),
        CameTo::Stayed(why) => (Fate::Stayed, Some(why.to_owned())),
        CameTo::Busy => return Ok(transaction.postpone_errand(queued.seq, now.plus(WHILE_BUSY))?),
        CameTo::Nothing => {
            let due = now.plus(PAUSES.after(queued.attempts));
            return Ok(transaction.retry_errand(queued.seq, due)?);
        }
    };
    if transaction.finish_errand(queued.seq)? {
        let errand = &queued.errand;
        amend(transaction, errand.receipt, |receipt| receipt.settle(errand, fate, why))?;
    }
    Ok(())
}
