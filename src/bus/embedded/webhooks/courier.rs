//! One delivery from the queue to its webhook, and what is written down of it.

use std::time::Duration;

use http::StatusCode;
use zeroize::Zeroizing;

use super::super::EmbeddedBus;
use super::super::forwarder::Proof;
use super::super::target::{Call, Target};
use super::answer::{Condition, Failed, taken};
use super::attempt::{asking_for_an_answer_within, request};
use super::destinations::Leave;
use super::signing::signed;
use super::{AFTER_FAILURE, WebhookSettings, pass};
use crate::ambient::{Backoff, Timestamp};
use crate::egress::Egress;
use crate::message::DeliveryId;
use crate::store::{
    Death, Ending, Fate, NewDelivery, Outcome, QueuedDelivery, StoreError, Taken, Transaction, WebhookKey,
};
use crate::telemetry::with_causes;

/// How often the end of an attempt is written to a store that fails; after that the delivery is made again.
const WRITES: usize = 25;

/// What every call takes.
#[derive(Debug)]
pub(super) struct Courier {
    pub(super) bus: EmbeddedBus,
    pub(super) egress: Egress,
    pub(super) settings: WebhookSettings,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Debug)]
enum Next {
    Delivered(StatusCode),
    Postponed(Timestamp),
    GivenUp(String),
}

impl Courier {
    pub(super) async fn handle(&self, taken: Taken, leave: Leave) {
        let delivery = &taken.delivery;
        let stored = delivery.new.target.as_deref().and_then(Target::read);
        let result = match self.call_of(&delivery.new, stored).await {
            Ok(call) => self.attempt(&delivery.new, call).await,
            Err(failed) => Err(failed),
        };
        let webhook = leave.webhook().clone();
        let mut failing_for = Duration::ZERO;
        match &result {
            Ok(_) | Err(Failed { condition: Condition::Refuses, .. }) => leave.answered(),
            Err(Failed { condition: Condition::NotCalled | Condition::TakenAway, .. }) => leave.withdrawn(),
            Err(Failed { condition: Condition::Late, .. }) => failing_for = leave.late(),
            Err(Failed { condition: Condition::Fails, .. }) => failing_for = leave.failed(),
        }
        let next = self.next(delivery, result);
        self.end(taken, next).await;
        if failing_for > self.patience() {
            self.give_up_waiting(webhook).await;
        }
    }

    /// Ends what processes lent that were killed: nobody is called yet.
    pub(super) async fn end_all_lent(&self) {
        loop {
            let bus = self.bus.clone();
            let end = move |transaction: &Transaction<'_>| pass::end_all(&bus, transaction);
            match self.bus.store().write::<_, StoreError, _>(end).await {
                Ok(()) | Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(
                        error = with_causes(&error),
                        "cannot end the tokens that were lent; trying again"
                    );
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn attempt(&self, delivery: &NewDelivery, call: Call) -> Result<StatusCode, Failed> {
        let (limit, lends) = (self.egress.webhook_limit(), call.webhook.proof == Proof::Credentials);
        let request = match call.webhook.proof {
            Proof::Credentials => {
                let token = self.lend(delivery, &call).await?;
                request(delivery, call, Some(&token))?
            }
            Proof::Signature => signed(&self.bus, &delivery.device, request(delivery, call, None)?).await?,
            Proof::None => request(delivery, call, None)?,
        };
        let request = asking_for_an_answer_within(limit, request);
        let answer = taken(self.egress.deliver(request).await);
        // Whoever is at work for longer is so with a token that is over: each further call would have it done in vain again.
        if lends { answer.map_err(Failed::for_good_if_late) } else { answer }
    }

    /// The call of the webhook as its device has it now: a device that took it away wants no calls of it. One that is gone
    /// has its last words told.
    async fn call_of(&self, delivery: &NewDelivery, stored: Option<Call>) -> Result<Call, Failed> {
        let call = stored.ok_or_else(|| Failed::for_good("bad address"))?;
        let device = delivery.device.clone();
        match self.bus.store().read::<_, StoreError, _>(move |view| view.device(&device)).await {
            Ok(Some(document)) => {
                let webhook = call.webhook_now(&document, &delivery.event);
                Ok(Call { webhook: webhook.ok_or_else(Failed::removed)?, ..call })
            }
            Ok(None) => Ok(call),
            Err(_) => Err(Failed::again("not looked up")),
        }
    }

    async fn lend(&self, delivery: &NewDelivery, call: &Call) -> Result<Zeroizing<String>, Failed> {
        let (bus, delivery, call) = (self.bus.clone(), delivery.clone(), call.clone());
        let issue = move |transaction: &Transaction<'_>| pass::issue(&bus, transaction, &delivery, &call);
        match self.bus.store().write::<_, StoreError, _>(issue).await {
            Ok(token) => token,
            Err(_) => Err(Failed::again("no credentials")),
        }
    }

    fn next(&self, delivery: &QueuedDelivery, result: Result<StatusCode, Failed>) -> Next {
        let device = &delivery.new.device;
        let attempt = delivery.attempts + 1;
        let failed = match result {
            Ok(status) => {
                if !status.is_success() {
                    let (id, status) = (&delivery.new.id, status.as_u16());
                    tracing::info!(device.uuid = %device, delivery.id = %id, status, "a webhook took it with an error");
                }
                return Next::Delivered(status);
            }
            Err(failed) => failed,
        };
        if failed.for_good || attempt >= self.settings.attempts {
            tracing::warn!(device.uuid = %device, attempt, reason = %failed.reason, "a webhook was given up");
            return Next::GivenUp(failed.reason.into_owned());
        }
        tracing::debug!(device.uuid = %device, attempt, reason = %failed.reason, "a webhook did not take it");
        let longest = self.longest_pause(delivery.attempts);
        // Calls are spread, so that they do not come together. What only looks is to look as late as it may.
        let pause = match failed.condition {
            Condition::TakenAway => longest,
            _ => longest.mul_f64(self.bus.random.fraction()),
        };
        Next::Postponed(self.bus.clock.now().plus(pause))
    }

    /// Nothing waits longer for a webhook that fails than for an attempt of its own, but for a rest at least.
    fn patience(&self) -> Duration {
        self.settings.longest_delay.max(self.settings.breaker.rest)
    }

    /// Gives up what waited too long for a webhook.
    async fn give_up_waiting(&self, webhook: WebhookKey) {
        let now = self.bus.clock.now();
        let due_before = now.minus(self.patience());
        let give_up = move |transaction: &Transaction<'_>| {
            let death = Death::of("destination failing", now);
            transaction.give_up_overdue(&webhook, due_before, &death)
        };
        match self.bus.store().write::<_, StoreError, _>(give_up).await {
            Ok(0) => {}
            Ok(deliveries) => tracing::warn!(deliveries, "webhooks whose destination fails were given up"),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "webhooks cannot be given up");
            }
        }
    }

    /// It doubles with every attempt.
    fn longest_pause(&self, attempts: u32) -> Duration {
        let WebhookSettings { first_delay: first, longest_delay: longest, .. } = self.settings;
        Backoff { first, longest }.after(attempts)
    }

    /// Writes the end down; a delivery whose end cannot be written goes back to the queue.
    async fn end(&self, taken: Taken, next: Next) {
        for _ in 0..WRITES {
            let (delivery, ending, now) = (taken.delivery.clone(), next.clone(), self.bus.clock.now());
            let (bus, place) = (self.bus.clone(), taken.place.clone());
            let end = move |transaction: &Transaction<'_>| {
                pass::end(&bus, transaction, &delivery.new)?;
                let seq = place.within(transaction)?;
                match &ending {
                    Next::Delivered(status) => {
                        note_outcome(transaction, seq, &delivery.new.id, &delivered(*status, now))
                    }
                    Next::Postponed(due_at) => transaction.postpone(seq, *due_at),
                    Next::GivenUp(reason) => give_up(transaction, seq, reason, now),
                }
            };
            match self.bus.store().write::<_, StoreError, _>(end).await {
                // Dropped, not ended: the bell makes the feed ask when the next attempt is due.
                Ok(()) if matches!(next, Next::Postponed(_)) => return,
                Ok(()) => return taken.ended(),
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(
                        error = with_causes(&error),
                        "cannot store the end of a webhook's call; trying again"
                    );
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

fn note_outcome(
    transaction: &Transaction<'_>,
    seq: i64,
    id: &DeliveryId,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    if transaction.finish(seq)? {
        transaction.note_outcome(id, outcome)?;
    }
    Ok(())
}

fn delivered(status: StatusCode, ended_at: Timestamp) -> Outcome {
    let code = Some(status.as_u16());
    Outcome { ending: Ending::Delivered, code, reply: None, fate: Fate::default(), ended_at }
}

fn give_up(transaction: &Transaction<'_>, seq: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
    transaction.postpone(seq, now)?;
    transaction.give_up(seq, &Death::of(reason, now))
}
