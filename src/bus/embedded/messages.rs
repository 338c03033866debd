//! Sending: what a message or an event leads to is accepted in the transaction that sends it.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::forwarder::{self, Webhook};
use super::recipient::recipients;
use super::routing::{self, Arrival, Arrivals, Departure, Event, Limits, Network, Sender};
use super::streams::{Arrived, Telling};
use super::subscription::SubscriptionType;
use super::target::Target;
use super::work_budget::WorkBudget;
use super::{BusError, Changing, EmbeddedBus};
use crate::message::{DeliveryId, DeviceUuid, Route};
use crate::store::{NewDelivery, SharedBody, StoreError, Transaction, Work};

/// The most text of large documents that is read to find out where one message or event goes, in bytes: reading them takes
/// time, while others wait. Whose does not fit gets nothing.
const READ_AT_MOST: usize = 48 << 20;
/// Up to here a document is small, in bytes, and is read whatever the others are.
const SMALL: usize = 16 << 10;

impl Changing<'_> {
    /// Sends `body` to the devices it names. Recipients that refuse, or do not exist, are passed over in silence.
    ///
    /// # Errors
    /// [`BusError::Unprocessable`] when `body` names no recipients.
    pub fn send(&self, body: &Value) -> Result<(), BusError> {
        self.send_for_jobs(body).map(drop)
    }

    /// The same; answers which jobs of the gateway's it led to.
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub fn send_for_jobs(&self, body: &Value) -> Result<Vec<DeliveryId>, BusError> {
        let recipients = recipients(body).map_err(|_| BusError::Unprocessable)?;
        let sender = Sender { auth: &self.caller.auth, acting: &self.caller.acting };
        let arrivals = walk(self.transaction, |network| routing::message(network, sender, &recipients))?;
        Accepting::of(self, body).accept(sender.acting, arrivals)
    }

    /// Tells those who listen what happened to the device `of`.
    pub(super) fn emit(&self, event: Event, of: &DeviceUuid, document: Value) -> Result<(), BusError> {
        let arrivals = walk(self.transaction, |network| routing::event(network, event, of))?;
        if arrivals.arrivals.is_empty() {
            return Ok(());
        }
        let body = super::registration::public(document);
        Accepting::of(self, &body).accept(of, arrivals).map(drop)
    }
}

/// What arrives at each device, whoever is reached first before the others.
fn by_device(arrivals: &[Arrival]) -> Vec<Vec<&Arrival>> {
    let mut places = HashMap::new();
    let mut devices: Vec<Vec<&Arrival>> = Vec::new();
    for arrival in arrivals {
        let place = *places.entry(&arrival.device).or_insert(devices.len());
        match devices.get_mut(place) {
            Some(of_a_device) => of_a_device.push(arrival),
            None => devices.push(vec![arrival]),
        }
    }
    devices
}

/// What the device of an arrival calls for it; what is malformed is told once.
fn usable_webhooks(arrival: &Arrival, document: &Value) -> Vec<Webhook> {
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    for (place, webhook) in forwarder::listed(document, arrival.kind) {
        match webhook {
            Some(webhook) => usable.push(webhook),
            None => unusable.push(place),
        }
    }
    if !unusable.is_empty() {
        tracing::warn!(
            device.uuid = %arrival.device.logged(),
            forwarders.list = arrival.kind.as_str(),
            forwarders.places = ?unusable,
            "webhooks of a device are malformed and are not called"
        );
    }
    usable
}

fn walk(
    transaction: &Transaction<'_>,
    way: impl FnOnce(&Network<'_, StoreError>) -> Result<Arrivals, StoreError>,
) -> Result<Arrivals, StoreError> {
    let limits = Limits::default();
    let left = Cell::new(READ_AT_MOST);
    let may_read = |bytes: usize, uuid: &DeviceUuid| {
        let rest = left.get().checked_sub(if bytes > SMALL { bytes } else { 0 });
        match rest {
            Some(rest) => left.set(rest),
            None => {
                tracing::warn!(device.uuid = %uuid.logged(), "an event met larger devices than one event may")
            }
        }
        rest.is_some()
    };
    way(&Network {
        device: &|uuid| transaction.device_if(uuid, |bytes| may_read(bytes, uuid)),
        subscribers: &|emitter, kind| transaction.subscribers(emitter, kind.as_str(), limits.steps),
        limits,
    })
}

/// One message on its way into the store.
struct Accepting<'a> {
    bus: &'a EmbeddedBus,
    transaction: &'a Transaction<'a>,
    body: &'a Value,
    /// Made once somebody gets it.
    text: Option<Arc<str>>,
    /// The text as all webhooks have it, once one does, where it is large.
    shared: Option<SharedBody>,
    budget: WorkBudget,
    /// The work that the gateway itself does.
    jobs: Vec<DeliveryId>,
    /// What those hear who read along.
    telling: Telling,
}

impl<'a> Accepting<'a> {
    fn of(changing: &Changing<'a>, body: &'a Value) -> Self {
        Self {
            bus: changing.bus,
            transaction: changing.transaction,
            body,
            text: None,
            shared: None,
            budget: WorkBudget::default(),
            jobs: Vec::new(),
            telling: Telling::default(),
        }
    }

    /// What does not fit into one message's work is left out: whoever listens too much must keep nobody from sending,
    /// and nobody else from hearing.
    fn accept(mut self, sender: &DeviceUuid, arrivals: Arrivals) -> Result<Vec<DeliveryId>, BusError> {
        if let Some((cut, before)) = arrivals.cut.zip(arrivals.cut_before) {
            // Of neither it is known whether there is such a device.
            tracing::warn!(
                bus.cut = ?cut, sender.uuid = sender.fingerprint(), device.uuid = before.fingerprint(),
                "an event would have gone further than one event may"
            );
        }
        let devices = by_device(&arrivals.arrivals);
        for (before, of_a_device) in devices.iter().enumerate() {
            self.device(devices.len() - before, of_a_device)?;
        }
        for Departure { kind, device } in arrivals.departures {
            self.budget.share_among(1);
            self.hear(device, kind, || (None, Vec::new()));
        }
        tell(self.bus, self.transaction, self.telling);
        if let Some(device) = self.budget.left_out() {
            tracing::warn!(
                sender.uuid = %sender.logged(), device.uuid = %device.logged(),
                "a message would have led to more work than one message may"
            );
        }
        Ok(self.jobs)
    }

    /// Accepts what arrives at the first of so many devices: its even part, and what those before it left of theirs.
    fn device(&mut self, to_come: usize, arrivals: &[&Arrival]) -> Result<(), BusError> {
        self.budget.share_among(to_come);
        let Some(first) = arrivals.first() else { return Ok(()) };
        // Looked up anew: many documents may be too large together.
        let Some(document) = self.transaction.device(&first.device)? else { return Ok(()) };
        let mut webhooks = HashMap::new();
        for arrival in arrivals {
            let usable = webhooks.entry(arrival.kind).or_insert_with(|| usable_webhooks(arrival, &document));
            self.arrival(arrival, usable)?;
        }
        Ok(())
    }

    fn arrival(&mut self, arrival: &Arrival, webhooks: &[Webhook]) -> Result<(), BusError> {
        // Making the texts takes time, also of what is left out then.
        if !self.budget.is_over() {
            for target in Target::texts(webhooks, &arrival.forwarded) {
                self.work(Work::Webhook, arrival, Some(target))?;
            }
        }
        let Some(route) = &arrival.route else { return Ok(()) };
        let is_message = arrival.kind == SubscriptionType::MessageReceived;
        // A route that names nobody to answer is not accepted: nobody could be told how the work ended.
        if is_message && arrival.device == self.bus.service && route.parties(&self.bus.service).is_ok() {
            self.work(Work::Job, arrival, None)?;
        }
        self.hear(arrival.device.clone(), arrival.kind, || (Some(route.clone()), arrival.forwarded.clone()));
        Ok(())
    }

    fn spend(&mut self, device: &DeviceUuid, of_its_own: usize) -> bool {
        let of_the_message = self.text().len();
        self.budget.spend(device, of_its_own, of_the_message)
    }

    fn work(&mut self, work: Work, arrival: &Arrival, target: Option<String>) -> Result<(), BusError> {
        let route = arrival.route.as_ref().map(Route::to_text);
        let texts = [&route, &target].into_iter().flatten().map(String::len).sum();
        if !self.spend(&arrival.device, texts) {
            return Ok(());
        }
        let shared = match work {
            Work::Job => None,
            Work::Webhook => self.shared()?,
        };
        let delivery = NewDelivery {
            id: self.bus.random.uuid().into(),
            work,
            device: arrival.device.clone(),
            event: arrival.kind.as_str().to_owned(),
            route,
            target,
            body: if shared.is_some() { String::new() } else { String::from(&*self.text()) },
        };
        let now = self.bus.clock.now();
        match shared {
            Some(body) => self.transaction.accept_sharing(&delivery, body, now)?,
            None => drop(self.transaction.accept(&delivery, now)?),
        }
        let bell = match work {
            Work::Job => {
                self.jobs.push(delivery.id);
                self.bus.job_bell()
            }
            Work::Webhook => self.bus.webhook_bell(),
        };
        self.transaction.after_commit(move || bell.notify_one());
        Ok(())
    }

    /// Those who read along at `device` are to hear of it: `ways` are its route and those before it.
    fn hear(
        &mut self,
        device: DeviceUuid,
        kind: SubscriptionType,
        ways: impl FnOnce() -> (Option<Route>, Vec<Route>),
    ) {
        if self.bus.streams.listening(&device, kind) && self.spend(&device, 0) {
            let (route, forwarded) = ways();
            let arrived = Arrived { kind, route, forwarded, body: self.text() };
            self.telling.at(device, arrived);
        }
    }

    fn shared(&mut self) -> Result<Option<SharedBody>, StoreError> {
        if self.shared.is_none() {
            let text = self.text();
            self.shared = self.transaction.share_body(&text)?;
        }
        Ok(self.shared)
    }

    fn text(&mut self) -> Arc<str> {
        Arc::clone(self.text.get_or_insert_with(|| Arc::from(self.body.to_string())))
    }
}

/// Tells those who read along, once all of it is on disk.
fn tell(bus: &EmbeddedBus, transaction: &Transaction<'_>, telling: Telling) {
    if !telling.is_empty() {
        transaction.keep_until_committed(telling.bytes());
        let streams = bus.streams.clone();
        transaction.after_commit(move || streams.publish(telling));
    }
}
