//! One delivery from the queue to its webhook, and what is written down of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::EmbeddedBus;
use super::super::forwarder::Proof;
use super::super::target::{Call, Target};
use super::answer::{Condition, Failed, Obstacle, taken};
use super::attempt::{asking_for_an_answer_within, request};
use super::destinations::Destinations;
use super::permit::Permit;
use super::signing::signed;
use super::{WebhookSettings, pass};
use crate::ambient::{Backoff, Timestamp};
use crate::egress::Egress;
use crate::message::{DeliveryId, DeviceUuid};
use crate::sharing::Turn;
use crate::store::{
    Account, Death, Ending, Fate, Feed, Insisting, LineKey, NewDelivery, Outcome, Overdue, QueuedDelivery,
    StoreError, Taken, Transaction,
};
use crate::telemetry::with_causes;

/// How often the end of an attempt is written to a store that fails; after that the delivery is made again.
const WRITES: u32 = 10;

/// Why what waited for it became a dead letter.
const REMOVED: &str = "webhook removed";

/// What every call takes. The store's time that one costs is taken on the account of the device whose webhook it is.
#[derive(Debug)]
pub(super) struct Courier {
    pub(super) bus: EmbeddedBus,
    /// What its calls are taken from.
    pub(super) feed: Arc<Feed>,
    pub(super) egress: Egress,
    pub(super) destinations: Destinations,
    pub(super) settings: WebhookSettings,
}

/// The place of a delivery in the queue, and its name.
struct Queued {
    seq: i64,
    id: DeliveryId,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Debug)]
enum Next {
    Delivered(StatusCode),
    Postponed(Timestamp),
    GivenUp(String),
    /// Its webhook is missed since then, and looked for again.
    Awaited {
        since: Timestamp,
        due_at: Timestamp,
    },
    /// It has been missed for too long.
    Removed,
    /// Another call is to be made, from this text.
    Led(String),
}

impl Courier {
    /// Makes a call that has a turn, until its end is written down.
    pub(super) async fn handle(&self, mut taken: Taken, permit: Permit, _turn: Turn) {
        // It is in the store too, and in memory once.
        let body = Bytes::from(std::mem::take(&mut taken.delivery.new.body));
        let delivery = &taken.delivery;
        let result = match delivery.new.target.as_deref().and_then(Target::read) {
            Some(call) => self.attempt(&delivery.new, call, body).await,
            None => Err(Failed::for_good("bad address").into()),
        };
        let line = permit.line().clone();
        let webhook = &line.webhook;
        permit.ends(condition(&result));
        if let Err(obstacle) = &result {
            // One that was called was there a moment ago.
            let there = matches!(obstacle, Obstacle::Failed(_)).then_some(webhook);
            if self.destinations.may_forget(&webhook.device, there) {
                self.forget_what_is_gone(&webhook.device).await;
            }
        }
        let next = self.next(delivery, result);
        self.end(taken, &line, next).await;
        // Nothing waits longer for what fails than for an attempt of its own; and what was not tried itself has seen as many others
        // fail as it has attempts, each after a rest.
        let WebhookSettings { longest_delay, attempts, .. } = self.settings;
        if let Some(overdue) = self.destinations.outwaited(&line, longest_delay, attempts) {
            self.give_up(overdue).await;
        }
    }

    /// Ends what processes lent that were killed: nobody is called yet.
    pub(super) async fn end_all_lent(&self) {
        let bus = self.bus.clone();
        let end = move |transaction: &Transaction<'_>| pass::end_all(&bus, transaction);
        let insisting = Insisting::that("cannot end the tokens that were lent");
        // It fails where the store is closed, and then nobody is called.
        let _ = self.bus.store().insist(insisting, end).await;
    }

    async fn attempt(&self, delivery: &NewDelivery, call: Call, body: Bytes) -> Result<StatusCode, Obstacle> {
        let (limit, lends) = (self.egress.webhook_limit(), call.webhook.proof == Proof::Credentials);
        let request = match call.webhook.proof {
            Proof::Credentials => {
                let token = self.lend(delivery, &call).await?;
                request(delivery, call, Some(&token), body)?
            }
            Proof::Signature => {
                self.look(delivery, &call).await?;
                signed(&self.bus, &delivery.device, request(delivery, call, None, body)?).await?
            }
            Proof::None => {
                self.look(delivery, &call).await?;
                request(delivery, call, None, body)?
            }
        };
        let request = asking_for_an_answer_within(limit, request);
        let answer = taken(self.egress.deliver(request).await);
        // Whoever is at work for longer is so with a token that is over: each further call would have it done in vain again.
        let answer = if lends { answer.map_err(Failed::for_good_if_late) } else { answer };
        Ok(answer?)
    }

    /// Whether the device still has the webhook: if not it wants no calls of it. One that is gone has its last words told.
    async fn look(&self, delivery: &NewDelivery, call: &Call) -> Result<(), Obstacle> {
        let document = self.document_of(&delivery.device).await;
        let document = document.map_err(|_| Failed::again("not looked up"))?;
        match document.and_then(|document| Obstacle::of(call, &document, &delivery.event)) {
            Some(obstacle) => Err(obstacle),
            None => Ok(()),
        }
    }

    /// Whoever is deployed anew leaves addresses behind, which fail no more than any other that is not called.
    async fn forget_what_is_gone(&self, device: &DeviceUuid) {
        // One that is gone itself has its last words told.
        if let Ok(Some(document)) = self.document_of(device).await {
            self.destinations.keep(device, &Target::keys(device, &document));
        }
    }

    async fn document_of(&self, device: &DeviceUuid) -> Result<Option<Arc<Value>>, StoreError> {
        let (account, device) = (Account::Of(device.clone()), device.clone());
        self.bus.store().read_for(account, move |view| view.device(&device)).await
    }

    async fn lend(&self, delivery: &NewDelivery, call: &Call) -> Result<Zeroizing<String>, Obstacle> {
        let account = Account::Of(delivery.device.clone());
        let (bus, delivery, call) = (self.bus.clone(), delivery.clone(), call.clone());
        let issue = move |transaction: &Transaction<'_>| pass::issue(&bus, transaction, &delivery, &call);
        let token = self.bus.store().write_for::<_, StoreError, _>(account, issue).await;
        token.map_err(|_| Failed::again("no credentials"))?
    }

    fn next(&self, delivery: &QueuedDelivery, result: Result<StatusCode, Obstacle>) -> Next {
        let (device, id) = (&delivery.new.device, &delivery.new.id);
        let attempt = delivery.attempts + 1;
        let failed = match result {
            Ok(status) => {
                if !status.is_success() {
                    let status = status.as_u16();
                    tracing::info!(device.uuid = %device.logged(), delivery.id = id.fingerprint(), status, "a webhook took it with an error");
                }
                return Next::Delivered(status);
            }
            Err(Obstacle::Failed(failed)) => failed,
            Err(Obstacle::Gone) => return self.missed(delivery),
            Err(Obstacle::Changed(target)) => return Next::Led(target),
        };
        if failed.for_good || attempt >= self.settings.attempts {
            tracing::warn!(
                device.uuid = %device.logged(), delivery.id = id.fingerprint(), attempt, reason = %failed.reason,
                "a webhook was given up"
            );
            return Next::GivenUp(failed.reason.into_owned());
        }
        tracing::debug!(
            device.uuid = %device.logged(), delivery.id = id.fingerprint(), attempt, reason = %failed.reason,
            "a webhook did not take it"
        );
        let now = self.bus.clock.now();
        let wanted = failed.wanted.map_or(Duration::ZERO, |wanted| wanted.span_from(now));
        // Calls are spread, so that they do not come together; those that are wanted later are so from then on.
        let pause = self.longest_pause(delivery.attempts).mul_f64(self.bus.random.fraction());
        Next::Postponed(now.plus(wanted.saturating_add(pause).min(self.settings.longest_delay)))
    }

    /// The webhook is looked for, the more seldom the longer it is missed, until nobody can be about to put it back. What waits
    /// for it so waits twice as long at most as it was away.
    fn missed(&self, delivery: &QueuedDelivery) -> Next {
        let (now, grace) = (self.bus.clock.now(), self.settings.grace);
        let since = delivery.missing_since.unwrap_or(now);
        let missed_for = now.since(since);
        if missed_for >= grace {
            let NewDelivery { device, id, .. } = &delivery.new;
            tracing::warn!(
                device.uuid = %device.logged(), delivery.id = id.fingerprint(), reason = REMOVED,
                "a webhook was given up"
            );
            return Next::Removed;
        }
        let pause = missed_for.max(self.settings.first_delay).min(grace - missed_for);
        Next::Awaited { since, due_at: now.plus(pause) }
    }

    async fn give_up(&self, overdue: Overdue) {
        let death = Death::of("destination failing", self.bus.clock.now());
        match self.feed.give_up_overdue(overdue, &death).await {
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
    async fn end(&self, taken: Taken, line: &LineKey, next: Next) {
        let is_end = next.is_end();
        let (delivery, bus, place) = (taken.delivery.clone(), self.bus.clone(), taken.place.clone());
        let (account, line) = (Account::Of(line.webhook.device.clone()), line.clone());
        let end = move |transaction: &Transaction<'_>| {
            pass::end(&bus, transaction, &delivery.new)?;
            let queued = Queued { seq: place.within(transaction)?, id: delivery.new.id.clone() };
            let now = bus.clock.now();
            next.write_down(transaction, &queued, now)?;
            transaction.had_a_turn(&line, now)
        };
        let insisting = Insisting::that("cannot store the end of a webhook's call").at_most(WRITES);
        let written = self.bus.store().insist_for(account, insisting, end).await;
        // Else dropped, not ended: the bell makes the feed ask when the next attempt is due.
        if written.is_ok() && is_end {
            taken.ended();
        }
    }
}

impl Next {
    fn is_end(&self) -> bool {
        matches!(self, Self::Delivered(_) | Self::GivenUp(_) | Self::Removed)
    }

    fn write_down(
        &self,
        transaction: &Transaction<'_>,
        queued: &Queued,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seq = queued.seq;
        match self {
            Self::Delivered(status) => match transaction.finish(seq)? {
                true => transaction.note_outcome(&queued.id, &delivered(*status, now)),
                false => Ok(()),
            },
            Self::Postponed(due_at) => transaction.postpone(seq, *due_at),
            Self::GivenUp(reason) => {
                transaction.postpone(seq, now)?;
                transaction.give_up(seq, &Death::of(reason, now))
            }
            Self::Awaited { since, due_at } => transaction.await_webhook(seq, *since, *due_at),
            Self::Removed => transaction.give_up(seq, &Death::of(REMOVED, now)),
            Self::Led(target) => transaction.lead_to(seq, target),
        }
    }
}

/// What the end of a call tells of its destination.
fn condition(result: &Result<StatusCode, Obstacle>) -> Condition {
    match result {
        Ok(_) => Condition::Well,
        Err(Obstacle::Failed(failed)) => failed.condition,
        Err(Obstacle::Gone | Obstacle::Changed(_)) => Condition::NotCalled,
    }
}

fn delivered(status: StatusCode, ended_at: Timestamp) -> Outcome {
    let code = Some(status.as_u16());
    Outcome { ending: Ending::Delivered, code, reply: None, fate: Fate::default(), ended_at }
}
