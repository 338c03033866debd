//! Webhooks: what reaches a device's server, how it can tell where that comes from, and what is kept of the rest.

mod answers;
mod breaker;
mod changed;
mod clocks;
mod crowded;
mod delivering;
mod devices;
mod hosts;
mod keys;
mod lent;
mod real;
mod routes;
mod scene;
mod senders;
mod shared;
mod sharing;
mod signatures;
mod untried;

use std::sync::Mutex;
use std::time::Duration;

use endo::ambient::{Ambient, Clock, Random};
use endo::bus::embedded::{WebhookSettings, Webhooks};
use endo::egress::{BreakerSettings, Egress, EgressSettings, Lookup};
use endo::store::{DeadLetter, Feed, StoreError, Work};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::support::bus::{Device, TestBus, WithJson, send};
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::store;

const SETTINGS: WebhookSettings = WebhookSettings {
    attempts: 3,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(4),
    grace: Duration::from_millis(20),
    concurrency: 8,
    bodies_bytes: 128 << 20,
    breaker: BreakerSettings { failures: 5, rest: Duration::from_secs(60) },
    remembered: 4096,
};

fn loopback() -> EgressSettings {
    EgressSettings { allow_loopback: true, ..EgressSettings::default() }
}

/// A bus whose webhooks are called.
struct Post {
    bus: TestBus,
    working: Working,
}

/// Whoever calls them, until this is dropped.
struct Working {
    task: JoinHandle<()>,
    _stop: watch::Sender<bool>,
}

impl Working {
    fn on(bus: &TestBus, clock: Clock, egress: EgressSettings, settings: WebhookSettings) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (store, bell) = (bus.bus.store().clone(), bus.bus.webhook_bell());
        let feed = Feed::new(store, Work::Webhook, clock, bell);
        let egress = Egress::new(egress, Lookup::system()).unwrap();
        let webhooks = Webhooks::new(feed, bus.bus.clone(), egress, settings);
        Self { task: tokio::spawn(webhooks.run(stopped)), _stop: stop }
    }
}

impl Post {
    async fn open(egress: EgressSettings) -> Self {
        Self::at(Clock::system(), egress).await
    }

    async fn at(clock: Clock, egress: EgressSettings) -> Self {
        Self::with(clock, egress, SETTINGS).await
    }

    async fn with(clock: Clock, egress: EgressSettings, settings: WebhookSettings) -> Self {
        Self::by(Ambient { clock, random: Random::system() }, egress, settings).await
    }

    async fn by(ambient: Ambient, egress: EgressSettings, settings: WebhookSettings) -> Self {
        let clock = ambient.clock.clone();
        let bus = TestBus::of(ambient).await;
        let working = Working::on(&bus, clock, egress, settings);
        Self { bus, working }
    }

    async fn to_loopback() -> Self {
        Self::open(loopback()).await
    }

    /// The same after a kill in the midst of what was called.
    async fn killed(self) -> Self {
        self.working.task.abort();
        assert!(self.working.task.await.is_err());
        let working = Working::on(&self.bus, Clock::system(), loopback(), SETTINGS);
        Self { working, ..self }
    }

    /// A device that hears itself and has this entry among its webhooks for what it receives.
    async fn hooked(&self, entry: Value) -> Device {
        let meshblu = json!({
            "version": "2.0.0",
            "whitelists": {"message": {"from": [{"uuid": "*"}]}},
            "forwarders": {"message": {"received": [entry]}},
        });
        let device = self.bus.register(json!({"meshblu": meshblu})).await;
        self.bus.subscribe(&device, &device, "message.received").await;
        device
    }

    /// Has the device's webhooks for what it receives be these and no others.
    async fn rehook(&self, device: &Device, entries: &[Value]) {
        let update = json!({"$set": {"meshblu.forwarders.message.received": entries}});
        let call = self.bus.by(device, &format!("PUT /v2/devices/{}", device.uuid));
        send(call.json(&update)).await.is(204, "");
    }

    async fn send(&self, sender: &Device, body: &Value) {
        send(self.bus.by(sender, "POST /messages").json(body)).await.is(204, "");
    }

    async fn dead_letters(&self) -> Vec<DeadLetter> {
        store::dead_letters(self.bus.bus.store()).await
    }

    async fn waiting(&self) -> u64 {
        store::waiting(self.bus.bus.store(), Work::Webhook).await
    }

    async fn first_dead_letter(&self) -> DeadLetter {
        loop {
            if let Some(letter) = self.dead_letters().await.pop() {
                return letter;
            }
        }
    }

    async fn until_nothing_waits(&self) {
        store::until_nothing_waits(self.bus.bus.store(), Work::Webhook).await;
    }
}

/// A server that answers the statuses in turn, the last one for ever, and hands on what it is asked.
async fn server(statuses: &[u16]) -> (FakeApi, mpsc::UnboundedReceiver<Seen>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut left: Vec<u16> = statuses.iter().rev().copied().collect();
    let last = left[0];
    left.remove(0);
    let left = Mutex::new(left);
    let api = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        Answer::new(left.lock().unwrap().pop().unwrap_or(last), &[], "")
    });
    (api.await, receiver)
}

fn hook(api: &FakeApi) -> Value {
    json!({"type": "webhook", "url": api.url("/in"), "method": "POST"})
}

/// A webhook whose requests are signed.
fn signed_hook(api: &FakeApi) -> Value {
    let mut entry = hook(api);
    entry["signRequest"] = json!(true);
    entry
}
