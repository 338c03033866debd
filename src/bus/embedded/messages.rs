//! Sending: what a message or an event leads to is accepted in the transaction that sends it.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use serde_json::Value;

use super::recipient::recipients;
use super::routing::{self, Arrival, Arrivals, Event, Limits, Network, Sender};
use super::streams::Arrived;
use super::subscription::SubscriptionType;
use super::target::Target;
use super::update::DataError;
use super::{BusError, Caller, EmbeddedBus, forwarder};
use crate::message::{DeliveryId, DeviceUuid, Route};
use crate::store::{NewDelivery, StoreError, Transaction, Work};

/// The most bytes of work that one message or event may lead to. All of it is one commit, which others wait for.
const WORK_AT_MOST: usize = 128 << 20;
/// What a piece of work costs beside its texts.
const PIECE: usize = 1 << 10;

impl EmbeddedBus {
    /// Sends `body` to the devices it names. Recipients that refuse, or do not exist, are passed over in silence.
    ///
    /// # Errors
    /// [`BusError::Unprocessable`] when `body` names no recipients, [`BusError::Data`] when more would come of it than
    /// one message may lead to.
    pub fn send(&self, transaction: &Transaction<'_>, caller: &Caller, body: &Value) -> Result<(), BusError> {
        self.send_for_jobs(transaction, caller, body).map(drop)
    }

    /// The same; answers which jobs of the gateway's it led to.
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub fn send_for_jobs(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        body: &Value,
    ) -> Result<Vec<DeliveryId>, BusError> {
        let recipients = recipients(body).map_err(|_| BusError::Unprocessable)?;
        let sender = Sender { auth: &caller.auth, acting: &caller.acting };
        let arrivals = walk(transaction, |network| routing::message(network, sender, &recipients))?;
        self.accept(transaction, arrivals, body)
    }

    /// Tells those who listen what happened to the device `of`.
    pub(super) fn emit(
        &self,
        transaction: &Transaction<'_>,
        (event, of): (Event, &DeviceUuid),
        document: &Value,
    ) -> Result<(), BusError> {
        let arrivals = walk(transaction, |network| routing::event(network, event, of))?;
        if arrivals.arrivals.is_empty() {
            return Ok(());
        }
        match self.accept(transaction, arrivals, &super::registration::public(document.clone())) {
            // Whoever listens too much must not keep the device from being changed.
            Err(BusError::Data(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an event was not told to all");
                Ok(())
            }
            told => told.map(drop),
        }
    }

    fn accept(
        &self,
        transaction: &Transaction<'_>,
        arrivals: Arrivals,
        body: &Value,
    ) -> Result<Vec<DeliveryId>, BusError> {
        if let Some(cut) = arrivals.cut {
            tracing::warn!(bus.cut = ?cut, "an event would have gone further than one event may");
        }
        let left = Cell::new(WORK_AT_MOST);
        let (text, jobs) = (OnceCell::new(), RefCell::default());
        let accepting = Accepting { bus: self, transaction, body, text, left, jobs };
        arrivals.arrivals.iter().try_for_each(|arrival| accepting.arrival(arrival))?;
        Ok(accepting.jobs.into_inner())
    }
}

fn walk(
    transaction: &Transaction<'_>,
    way: impl FnOnce(&Network<'_, StoreError>) -> Result<Arrivals, StoreError>,
) -> Result<Arrivals, StoreError> {
    let limits = Limits::default();
    way(&Network {
        device: &|uuid| transaction.device(uuid),
        subscribers: &|emitter, kind| transaction.subscribers((emitter, kind.as_str()), limits.steps),
        limits,
    })
}

/// One message on its way into the store.
struct Accepting<'a> {
    bus: &'a EmbeddedBus,
    transaction: &'a Transaction<'a>,
    body: &'a Value,
    text: OnceCell<Arc<str>>,
    left: Cell<usize>,
    /// The work that the gateway itself does.
    jobs: RefCell<Vec<DeliveryId>>,
}

impl Accepting<'_> {
    fn arrival(&self, arrival: &Arrival) -> Result<(), BusError> {
        for webhook in forwarder::webhooks(&arrival.document, arrival.kind) {
            self.work(Work::Webhook, arrival, Some(Target::text(&webhook, &arrival.forwarded)))?;
        }
        let Some(route) = &arrival.route else { return Ok(()) };
        let is_message = arrival.kind == SubscriptionType::MessageReceived;
        // A route that names nobody to answer is not accepted: nobody could be told how the work ended.
        if is_message && arrival.device == self.bus.service && route.parties(&self.bus.service).is_ok() {
            self.work(Work::Job, arrival, None)?;
        }
        self.publish(arrival, route)
    }

    /// Takes a piece of work from what one message may lead to.
    fn spend(&self, of_its_own: usize) -> Result<(), BusError> {
        let cost = PIECE + of_its_own + self.text().len();
        let left = self.left.get().checked_sub(cost).ok_or_else(|| {
            DataError::too_large(format!("A message may lead to at most {WORK_AT_MOST} bytes of work"))
        })?;
        self.left.set(left);
        Ok(())
    }

    fn work(&self, work: Work, arrival: &Arrival, target: Option<String>) -> Result<(), BusError> {
        let route = arrival.route.as_ref().map(Route::to_text);
        self.spend([&route, &target].into_iter().flatten().map(String::len).sum())?;
        let delivery = NewDelivery {
            id: self.bus.random.uuid().into(),
            work,
            device: arrival.device.clone(),
            event: arrival.kind.as_str().to_owned(),
            route,
            target,
            body: String::from(&**self.text()),
        };
        self.transaction.accept(&delivery, self.bus.clock.now())?;
        let bell = match work {
            Work::Job => {
                self.jobs.borrow_mut().push(delivery.id);
                self.bus.job_bell()
            }
            Work::Webhook => self.bus.webhook_bell(),
        };
        self.transaction.after_commit(move || bell.notify_one());
        Ok(())
    }

    fn publish(&self, arrival: &Arrival, route: &Route) -> Result<(), BusError> {
        let streams = self.bus.streams.clone();
        if streams.listening(&arrival.device) {
            self.spend(0)?;
            let event = Arc::new(Arrived {
                kind: arrival.kind,
                route: route.clone(),
                forwarded: arrival.forwarded.clone(),
                body: Arc::clone(self.text()),
            });
            let device = arrival.device.clone();
            self.transaction.after_commit(move || streams.publish(&device, &event));
        }
        Ok(())
    }

    fn text(&self) -> &Arc<str> {
        self.text.get_or_init(|| Arc::from(self.body.to_string()))
    }
}
