//! The walk of an event from device to device, breadth first and bounded.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::forwarder::{sends_on, webhooks};
use super::routing::{Arrival, Arrivals, Cut, Network, Sender};
use super::subscription::SubscriptionType;
use super::trail::{Step, Trail};
use super::whitelist::{List, allows};
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

pub(super) struct Walker<'a, E> {
    network: &'a Network<'a, E>,
    documents: HashMap<DeviceUuid, Option<Arc<Value>>>,
    admitted: HashMap<(DeviceUuid, SubscriptionType), Rc<[DeviceUuid]>>,
    ahead: VecDeque<Visit>,
    steps_left: usize,
    allotted: usize,
    found: Arrivals,
}

impl<'a, E> Walker<'a, E> {
    pub(super) fn new(network: &'a Network<'a, E>) -> Self {
        Self {
            network,
            documents: HashMap::new(),
            admitted: HashMap::new(),
            ahead: VecDeque::new(),
            steps_left: network.limits.steps,
            allotted: 0,
            found: Arrivals::default(),
        }
    }

    /// Gives the next run its share of the steps that are left for `runs` runs; false when there are none.
    pub(super) fn allot(&mut self, runs: usize) -> bool {
        /// Enough for a plain delivery, so that very many recipients do not leave everybody with nothing.
        const PLAIN: usize = 4;
        self.allotted = (self.steps_left / runs.max(1)).max(PLAIN).min(self.steps_left);
        if self.allotted == 0 {
            self.cut(Cut::Steps);
        }
        self.allotted > 0
    }

    pub(super) fn arrivals(self) -> Arrivals {
        self.found
    }

    /// A device's document, looked up once in a walk.
    pub(super) fn device(&mut self, uuid: &DeviceUuid) -> Result<Option<Arc<Value>>, E> {
        if let Some(known) = self.documents.get(uuid) {
            return Ok(known.clone());
        }
        let found = (self.network.device)(uuid)?;
        self.documents.insert(uuid.clone(), found.clone());
        Ok(found)
    }

    /// An event leaves the acting device: the sender's webhooks, and whoever may follow what the acting device sends.
    pub(super) fn leave(&mut self, kind: Kind, sender: Sender<'_>, forwarded: &[Route]) -> Result<(), E> {
        let (sent, list) = kind.sent();
        self.note_sending(sent, sender.auth, forwarded)?;
        let forwarded: Rc<[Route]> = forwarded.into();
        for subscriber in self.admitted(sender.acting, sent, list)?.iter() {
            let trail = Trail::default().with(sender.acting, subscriber, sent);
            self.head_for(Visit {
                kind,
                from: sender.acting.clone(),
                to: subscriber.clone(),
                trail,
                forwarded: forwarded.clone(),
            });
        }
        Ok(())
    }

    /// An event goes straight to a device.
    pub(super) fn arrive(&mut self, kind: Kind, from: &DeviceUuid, to: &DeviceUuid) {
        self.head_for(Visit {
            kind,
            from: from.clone(),
            to: to.clone(),
            trail: Trail::default(),
            forwarded: Rc::default(),
        });
    }

    /// Walks on until nothing is ahead.
    pub(super) fn run(&mut self) -> Result<(), E> {
        while let Some(visit) = self.ahead.pop_front() {
            self.visit(visit)?;
        }
        Ok(())
    }

    fn visit(&mut self, visit: Visit) -> Result<(), E> {
        let (received, list) = visit.kind.received();
        let was_here = |step: &Step| step.from == visit.from && step.to == visit.to && step.kind == received;
        if visit.trail.steps().any(was_here) {
            return Ok(());
        }
        if visit.hops() >= self.network.limits.hops {
            self.cut(Cut::Hops);
            return Ok(());
        }
        let trail = visit.trail.with(&visit.from, &visit.to, received);
        let is_home = visit.from == visit.to;
        for subscriber in self.admitted(&visit.to, received, list)?.iter() {
            if is_home && *subscriber != visit.to {
                continue;
            }
            if is_home {
                self.deliver(&visit, trail.route())?;
            }
            self.head_for(Visit {
                kind: visit.kind,
                from: visit.to.clone(),
                to: subscriber.clone(),
                trail: trail.clone(),
                forwarded: visit.forwarded.clone(),
            });
        }
        Ok(())
    }

    /// The subscribers of `emitter` that its list lets in.
    fn admitted(
        &mut self,
        emitter: &DeviceUuid,
        kind: SubscriptionType,
        list: List,
    ) -> Result<Rc<[DeviceUuid]>, E> {
        let key = (emitter.clone(), kind);
        if let Some(known) = self.admitted.get(&key) {
            return Ok(known.clone());
        }
        let mut admitted = Vec::new();
        if let Some(document) = self.device(emitter)? {
            admitted = (self.network.subscribers)(emitter, kind)?;
            admitted.retain(|subscriber| allows(&document, list, subscriber));
        }
        let admitted: Rc<[DeviceUuid]> = admitted.into();
        self.admitted.insert(key, admitted.clone());
        Ok(admitted)
    }

    fn note_sending(
        &mut self,
        kind: SubscriptionType,
        device: &DeviceUuid,
        forwarded: &[Route],
    ) -> Result<(), E> {
        if let Some(document) = self.device(device)?
            && !webhooks(&document, kind).is_empty()
        {
            let forwarded = forwarded.to_vec();
            self.found.arrivals.push(Arrival {
                kind,
                device: device.clone(),
                document,
                route: None,
                forwarded,
            });
        }
        Ok(())
    }

    fn deliver(&mut self, visit: &Visit, route: Route) -> Result<(), E> {
        let Some(document) = self.device(&visit.to)? else { return Ok(()) };
        let (kind, _) = visit.kind.received();
        let goes_on = visit.kind != Kind::Message && sends_on(&document, kind);
        let device = visit.to.clone();
        self.found.arrivals.push(Arrival {
            kind,
            device,
            document,
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

    fn head_for(&mut self, visit: Visit) {
        if self.allotted == 0 {
            self.cut(Cut::Steps);
            return;
        }
        self.allotted -= 1;
        self.steps_left -= 1;
        self.ahead.push_back(visit);
    }

    fn cut(&mut self, limit: Cut) {
        self.found.cut.get_or_insert(limit);
    }
}
