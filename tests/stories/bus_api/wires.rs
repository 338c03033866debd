//! A bus whose devices have their webhooks at one server: what reached whom, and on which route.

use std::cell::Cell;

use endo::store::Work;
use serde_json::{Value, json};

use crate::support::bus::{Device, WithJson, send};
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::gateway::TestGateway;
use crate::support::store;

/// What a device can be told of.
const EVENTS: [&str; 4] = ["message", "broadcast", "configure", "unregister"];

pub(super) struct Wires {
    gateway: TestGateway,
    server: FakeApi,
    devices: Vec<(&'static str, Device)>,
    seen: Cell<usize>,
}

/// A call of a webhook, with names for uuids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) at: String,
    pub(super) kind: String,
    /// The headers with the route and the routes before it, as they were written.
    pub(super) route: Option<String>,
    pub(super) forwarded: Option<String>,
    pub(super) body: String,
}

impl Wires {
    pub(super) async fn open() -> Self {
        let server = FakeApi::answering(Answer::new(200, &[], "")).await;
        let gateway = TestGateway::with("http://127.0.0.1:9", |config| config.egress.allow_loopback = true);
        Self { gateway: gateway.await, server, devices: Vec::new(), seen: Cell::new(0) }
    }

    /// Registers devices with webhooks for all that they receive; without subscriptions they receive nothing.
    pub(super) async fn devices<const N: usize>(&mut self, names: [&'static str; N]) {
        for name in names {
            let hook = json!([{"type": "webhook", "url": self.server.url("/"), "method": "POST"}]);
            let hooks = EVENTS.map(|event| (event.to_owned(), json!({"received": hook})));
            let meshblu = json!({"version": "2.0.0", "forwarders": Value::from_iter(hooks)});
            let nobody = Device { uuid: String::new(), token: String::new() };
            let request = self.gateway.by(&nobody, "POST /devices");
            let answer = send(request.json(&json!({"meshblu": meshblu}))).await;
            let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
            self.devices.push((name, Device { uuid: text("uuid"), token: text("token") }));
        }
    }

    fn device(&self, name: &str) -> &Device {
        &self.devices.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// `"PUT /v2/devices/{A}"` by a device; it must succeed.
    pub(super) async fn call(&self, by: &str, call: &str, body: Value) {
        self.call_as(by, by, (call, body)).await;
    }

    pub(super) async fn call_as(&self, by: &str, acting: &str, (call, body): (&str, Value)) {
        let filled = |text: &str| {
            let fill = |text: String, (name, device): &(&str, Device)| {
                text.replace(&format!("{{{name}}}"), &device.uuid)
            };
            self.devices.iter().fold(text.to_owned(), fill)
        };
        let request = self.gateway.by(self.device(by), &filled(call));
        let request = request.header("x-meshblu-as", &self.device(acting).uuid);
        let answer = send(request.json(&serde_json::from_str(&filled(&body.to_string())).unwrap())).await;
        assert!(answer.status.is_success(), "{by} {call}: {answer:?}");
    }

    /// Puts a device on a list of another.
    pub(super) async fn grant(&self, of: &str, list: &str, to: &str) {
        let place = format!("meshblu.whitelists.{list}");
        let update = json!({"$addToSet": {place: {"uuid": format!("{{{to}}}")}}});
        self.call(of, &format!("PUT /v2/devices/{{{of}}}"), update).await;
    }

    pub(super) async fn follow(&self, subscriber: &str, emitter: &str, kind: &str) {
        let call = format!("POST /v2/devices/{{{subscriber}}}/subscriptions/{{{emitter}}}/{kind}");
        self.call(subscriber, &call, json!({})).await;
    }

    /// Subscribes a device to itself, for everything it receives.
    pub(super) async fn hear(&self, name: &str) {
        for event in EVENTS {
            self.follow(name, name, &format!("{event}.received")).await;
        }
    }

    /// What arrived since this was last asked, once nothing is on its way.
    pub(super) async fn arrived(&self) -> Vec<Arrived> {
        store::until_nothing_waits(&self.gateway.gateway.store, Work::Webhook).await;
        let seen = self.server.seen();
        let first = self.seen.replace(seen.len());
        let mut arrived: Vec<_> = seen[first..].iter().map(|seen| self.named(seen)).collect();
        arrived.sort_by(|one, other| (&one.at, &one.route).cmp(&(&other.at, &other.route)));
        arrived
    }

    fn named(&self, seen: &Seen) -> Arrived {
        let named = |text: &str| {
            let name = |text: String, (name, device): &(&str, Device)| text.replace(&device.uuid, name);
            self.devices.iter().fold(text.to_owned(), name)
        };
        let header = |name: &str| seen.header(name).first().map(|text| named(text));
        Arrived {
            at: header("x-meshblu-uuid").unwrap(),
            kind: header("x-meshblu-message-type").unwrap(),
            route: header("x-meshblu-route"),
            forwarded: header("x-meshblu-forwarded-routes"),
            body: named(str::from_utf8(&seen.body).unwrap()),
        }
    }
}
