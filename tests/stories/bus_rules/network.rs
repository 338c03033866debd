//! Devices and subscriptions in memory, to walk over.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use endo::bus::embedded::recipient::recipients;
use endo::bus::embedded::routing::{self, Arrivals, Event, Limits, Network, Sender};
use endo::bus::embedded::subscription::SubscriptionType;
use endo::message::{DeviceUuid, Route};
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub(super) struct Devices {
    pub(super) documents: BTreeMap<String, Arc<Value>>,
    pub(super) subscriptions: Vec<(String, String, SubscriptionType)>,
    pub(super) limits: Limits,
    pub(super) look_ups: Cell<usize>,
}

impl Devices {
    /// A version 2 device with the entries `lists` under `meshblu.whitelists`: `[("message.from", "*")]`.
    pub(super) fn device(mut self, uuid: &str, lists: &[(&str, &str)]) -> Self {
        let mut document = json!({"uuid": uuid, "meshblu": {"version": "2.0.0", "whitelists": {}}});
        for (list, who) in lists {
            let (group, name) = list.split_once('.').unwrap();
            let group = &mut document["meshblu"]["whitelists"][group];
            if group[name].is_null() {
                group[name] = json!([]);
            }
            group[name].as_array_mut().unwrap().push(json!({"uuid": who}));
        }
        self.documents.insert(uuid.to_owned(), Arc::new(document));
        self
    }

    pub(super) fn forwarder(mut self, uuid: &str, kind: &str, entry: Value) -> Self {
        let (group, name) = kind.split_once('.').unwrap();
        let document = Arc::make_mut(self.documents.get_mut(uuid).unwrap());
        document["meshblu"]["forwarders"][group][name] = json!([entry]);
        self
    }

    pub(super) fn subscribed(mut self, subscriber: &str, emitter: &str, kind: &str) -> Self {
        let kind = SubscriptionType::parse(kind).unwrap();
        self.subscriptions.push((subscriber.to_owned(), emitter.to_owned(), kind));
        self
    }

    pub(super) fn limited(mut self, hops: usize, steps: usize) -> Self {
        self.limits = Limits { hops, steps };
        self
    }

    pub(super) fn send(&self, auth: &str, acting: &str, devices: Value) -> Arrivals {
        let (auth, acting) = (DeviceUuid::from(auth), DeviceUuid::from(acting));
        let recipients = recipients(&json!({ "devices": devices })).unwrap();
        let sender = Sender { auth: &auth, acting: &acting };
        self.walk(|network| routing::message(network, sender, &recipients))
    }

    pub(super) fn event(&self, event: Event, of: &str) -> Arrivals {
        self.walk(|network| routing::event(network, event, &DeviceUuid::from(of)))
    }

    fn walk(&self, run: impl Fn(&Network<'_, Infallible>) -> Result<Arrivals, Infallible>) -> Arrivals {
        let device = |uuid: &DeviceUuid| {
            self.look_ups.set(self.look_ups.get() + 1);
            Ok(self.documents.get(uuid.as_str()).cloned())
        };
        let subscribers = |emitter: &DeviceUuid, kind| {
            self.look_ups.set(self.look_ups.get() + 1);
            let of = |(_, of, its): &&(String, String, _)| of == emitter.as_str() && *its == kind;
            let found = self.subscriptions.iter().filter(of);
            Ok(found.map(|(subscriber, ..)| DeviceUuid::from(subscriber.as_str())).collect())
        };
        run(&Network { device: &device, subscribers: &subscribers, limits: self.limits }).unwrap()
    }
}

/// What arrived where: `D: F>D D>D`, and `A message.sent` for a webhook at the sender.
pub(super) fn told(arrivals: &Arrivals) -> Vec<String> {
    let tell = |arrival: &routing::Arrival| match &arrival.route {
        None => format!("{} {}", arrival.device, arrival.kind.as_str()),
        Some(route) => format!("{}: {}", arrival.device, hops(route)),
    };
    arrivals.arrivals.iter().map(tell).collect()
}

pub(super) fn hops(route: &Route) -> String {
    let hop = |hop: &endo::message::Hop| {
        let end = if hop.kind.ends_with(".sent") { "sent " } else { "" };
        format!("{end}{}>{}", hop.from, hop.to)
    };
    route.hops().iter().map(hop).collect::<Vec<_>>().join(" ")
}
