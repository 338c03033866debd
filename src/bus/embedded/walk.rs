//! The walk of an event from device to device, bounded: each subscriber's part to its end before the next.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::forwarder::{calls_webhooks, sends_on};
use super::routing::{Arrival, Arrivals, Cut, Departure, Network, Sender};
use super::subscription::SubscriptionType;
use super::trail::{Step, Trail};
use super::whitelist::{List, allows, let_in};
use crate::message::{DeviceUuid, Route};

/// What walks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Broadcast,
    Configure,
    Unregister,
}

impl Kind {
    /// The list that lets others send as a device.
    pub(super) fn acting(self) -> List {
        match self {
            Self::Message => List::MessageAs,
            Self::Broadcast => List::BroadcastAs,
            Self::Configure | Self::Unregister => List::ConfigureAs,
        }
    }

    fn sent(self) -> (SubscriptionType, List) {
        match self {
            Self::Message => (SubscriptionType::MessageSent, List::MessageSent),
            Self::Broadcast => (SubscriptionType::BroadcastSent, List::BroadcastSent),
            Self::Configure => (SubscriptionType::ConfigureSent, List::ConfigureSent),
            Self::Unregister => (SubscriptionType::UnregisterSent, List::ConfigureSent),
        }
    }

    fn received(self) -> (SubscriptionType, List) {
        match self {
            Self::Message => (SubscriptionType::MessageReceived, List::MessageReceived),
            Self::Broadcast => (SubscriptionType::BroadcastReceived, List::BroadcastReceived),
            Self::Configure => (SubscriptionType::ConfigureReceived, List::ConfigureReceived),
            Self::Unregister => (SubscriptionType::UnregisterReceived, List::ConfigureReceived),
        }
    }
}

/// An event on its way from one device to the next.
struct Visit {
    kind: Kind,
    from: DeviceUuid,
    to: DeviceUuid,
    trail: Trail,
    forwarded: Rc<[Route]>,
}

impl Visit {
    fn hops(&self) -> usize {
        self.trail.steps().count() + self.forwarded.iter().map(|route| route.hops().len()).sum::<usize>()
    }
}

/// The least steps that a subscriber's part may take where so many are left: what subscribes later takes nothing of it.
pub(super) const OF_A_SUBSCRIBER: usize = 100;
/// The same for a recipient. Enough for a plain delivery, so that very many do not leave everybody with nothing.
pub(super) const OF_A_RECIPIENT: usize = 4;

/// What a walk keeps of a document, however large that is.
#[derive(Clone)]
struct Standing {
    is_registered: bool,
    /// The subscribers that its list lets in: itself, then the others as they subscribed.
    admitted: Rc<[DeviceUuid]>,
    sends_on: bool,
}

pub(super) struct Walker<'a, E> {
    network: &'a Network<'a, E>,
    /// The one document that is held: many may be too large together.
    held: Option<(DeviceUuid, Option<Arc<Value>>)>,
    standings: HashMap<(DeviceUuid, SubscriptionType), Standing>,
    /// Who has webhooks for what it sends.
    calling: HashMap<(DeviceUuid, SubscriptionType), bool>,
    /// Which recipients let the sender in.
    accepting: HashMap<DeviceUuid, bool>,
    steps_left: usize,
    found: Arrivals,
}

impl<'a, E> Walker<'a, E> {
    pub(super) fn new(network: &'a Network<'a, E>) -> Self {
        Self {
            network,
            held: None,
            standings: HashMap::new(),
            calling: HashMap::new(),
            accepting: HashMap::new(),
            steps_left: network.limits.steps,
            found: Arrivals::default(),
        }
    }

    /// Walks one of `to_come` parts with its even share of the steps that are left, or with `at_least` so many. What it
    /// leaves is there for the others.
    pub(super) fn part(
        &mut self,
        to_come: usize,
        at_least: usize,
        walk: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let all = self.steps_left;
        let share = (all / to_come.max(1)).max(at_least).min(all);
        self.steps_left = share;
        let walked = walk(self);
        self.steps_left += all - share;
        walked
    }

    pub(super) fn arrivals(self) -> Arrivals {
        self.found
    }

    /// A device's document; that of the device before is let go first.
    pub(super) fn device(&mut self, uuid: &DeviceUuid) -> Result<Option<Arc<Value>>, E> {
        if let Some((_, document)) = self.held.take_if(|(held, _)| held == uuid) {
            self.held = Some((uuid.clone(), document.clone()));
            return Ok(document);
        }
        self.held = None;
        let found = (self.network.device)(uuid)?;
        self.held = Some((uuid.clone(), found.clone()));
        Ok(found)
    }

    /// An event leaves the acting device: the sender's webhooks, and whoever may follow what the acting device sends.
    pub(super) fn leave(&mut self, kind: Kind, sender: Sender<'_>, forwarded: &[Route]) -> Result<(), E> {
        let (sent, list) = kind.sent();
        self.note_sending(sent, sender.auth, forwarded)?;
        self.found.departures.push(Departure { kind: sent, device: sender.acting.clone() });
        let forwarded: Rc<[Route]> = forwarded.into();
        let subscribers = self.standing(sender.acting, sent, list)?.admitted;
        self.each(&subscribers, |subscriber| Visit {
            kind,
            from: sender.acting.clone(),
            to: subscriber.clone(),
            trail: Trail::default().with(sender.acting, subscriber, sent),
            forwarded: forwarded.clone(),
        })
    }

    /// Whether the device `to` lets `sender` in, who is the same in all of a walk.
    pub(super) fn accepts(&mut self, to: &DeviceUuid, sender: &DeviceUuid) -> Result<bool, E> {
        if let Some(known) = self.accepting.get(to) {
            return Ok(*known);
        }
        let document = self.device(to)?;
        let accepts = document.is_some_and(|document| allows(&document, List::MessageFrom, sender));
        self.accepting.insert(to.clone(), accepts);
        Ok(accepts)
    }

    /// An event goes straight to a device.
    pub(super) fn arrive(&mut self, kind: Kind, from: &DeviceUuid, to: &DeviceUuid) -> Result<(), E> {
        let (from, to) = (from.clone(), to.clone());
        self.step(Visit { kind, from, to, trail: Trail::default(), forwarded: Rc::default() })
    }

    /// Visits one subscriber after the other, each to its end.
    fn each(&mut self, subscribers: &[DeviceUuid], visit: impl Fn(&DeviceUuid) -> Visit) -> Result<(), E> {
        for (before, subscriber) in subscribers.iter().enumerate() {
            if self.steps_left == 0 {
                self.cut(Cut::Steps, subscriber);
                break;
            }
            let to_come = subscribers.len() - before;
            self.part(to_come, OF_A_SUBSCRIBER, |walker| walker.step(visit(subscriber)))?;
        }
        Ok(())
    }

    fn step(&mut self, visit: Visit) -> Result<(), E> {
        match self.steps_left.checked_sub(1) {
            Some(left) => self.steps_left = left,
            None => {
                self.cut(Cut::Steps, &visit.to);
                return Ok(());
            }
        }
        self.visit(&visit)
    }

    fn visit(&mut self, visit: &Visit) -> Result<(), E> {
        let (received, list) = visit.kind.received();
        let was_here = |step: &Step| step.from == visit.from && step.to == visit.to && step.kind == received;
        if visit.trail.steps().any(was_here) {
            return Ok(());
        }
        if visit.hops() >= self.network.limits.hops {
            self.cut(Cut::Hops, &visit.to);
            return Ok(());
        }
        let trail = visit.trail.with(&visit.from, &visit.to, received);
        let standing = self.standing(&visit.to, received, list)?;
        let mut subscribers = standing.admitted.clone();
        if visit.from == visit.to {
            // Only the device's own subscription is left, and going round it once more would end at once.
            if subscribers.contains(&visit.to) {
                self.deliver(visit, trail.route(), &standing)?;
            }
            subscribers = Rc::default();
        }
        self.each(&subscribers, |subscriber| Visit {
            kind: visit.kind,
            from: visit.to.clone(),
            to: subscriber.clone(),
            trail: trail.clone(),
            forwarded: visit.forwarded.clone(),
        })
    }

    /// How `emitter` stands to events of this kind, found out once in a walk.
    fn standing(&mut self, emitter: &DeviceUuid, kind: SubscriptionType, list: List) -> Result<Standing, E> {
        let key = (emitter.clone(), kind);
        if let Some(known) = self.standings.get(&key) {
            return Ok(known.clone());
        }
        let document = self.device(emitter)?;
        let mut admitted = Vec::new();
        if let Some(document) = &document {
            admitted = (self.network.subscribers)(emitter, kind)?;
            let_in(document, list, &mut admitted);
            admitted.sort_by_key(|subscriber| subscriber != emitter);
        }
        let standing = Standing {
            is_registered: document.is_some(),
            admitted: admitted.into(),
            sends_on: document.is_some_and(|document| sends_on(&document, kind)),
        };
        self.standings.insert(key, standing.clone());
        Ok(standing)
    }

    fn note_sending(
        &mut self,
        kind: SubscriptionType,
        device: &DeviceUuid,
        forwarded: &[Route],
    ) -> Result<(), E> {
        let key = (device.clone(), kind);
        let known = self.calling.get(&key).copied();
        let calls = match known {
            Some(calls) => calls,
            None => self.device(device)?.is_some_and(|document| calls_webhooks(&document, kind)),
        };
        self.calling.insert(key, calls);
        if calls {
            let forwarded = forwarded.to_vec();
            self.found.arrivals.push(Arrival { kind, device: device.clone(), route: None, forwarded });
        }
        Ok(())
    }

    fn deliver(&mut self, visit: &Visit, route: Route, standing: &Standing) -> Result<(), E> {
        if !standing.is_registered {
            return Ok(());
        }
        let (kind, _) = visit.kind.received();
        let goes_on = visit.kind != Kind::Message && standing.sends_on;
        self.found.arrivals.push(Arrival {
            kind,
            device: visit.to.clone(),
            route: Some(route.clone()),
            forwarded: visit.forwarded.to_vec(),
        });
        if goes_on {
            self.send_on(visit, route)?;
        }
        Ok(())
    }

    /// The device sends on as its own what it received (`spec/meshblu.md` 4.4).
    fn send_on(&mut self, visit: &Visit, route: Route) -> Result<(), E> {
        if visit.forwarded.contains(&route) {
            return Ok(());
        }
        let mut forwarded = visit.forwarded.to_vec();
        forwarded.push(route);
        self.leave(visit.kind, Sender { auth: &visit.to, acting: &visit.to }, &forwarded)
    }

    pub(super) fn cut(&mut self, limit: Cut, before: &DeviceUuid) {
        self.found.cut.get_or_insert(limit);
        self.found.cut_before.get_or_insert_with(|| before.clone());
    }
}
