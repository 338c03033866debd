//! The end of a gateway with its own bus: whoever is connected gets what the work that is finished came to.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use endo::ambient::{Clock, Timestamp};
use endo::store::{Binding, StoreError};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::firehose::wire::Socket;
use crate::support::bus::Device;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::gateway::{Chain, TestGateway};

/// An API that answers once the gate has a permit.
async fn gated() -> (FakeApi, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let answer = Answer::new(200, &["content-type: application/json"], "[]").behind(&gate);
    (FakeApi::answering(answer).await, gate)
}

/// Waits until the API was asked.
async fn until_asked(api: &FakeApi) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(2));
    while api.seen().is_empty() {
        ticks.tick().await;
    }
}

/// A gateway that was told to stop while it has a job in hand, which ends after that.
struct Stopping {
    gateway: TestGateway,
    chain: Chain,
    api: FakeApi,
    gate: Arc<Semaphore>,
    client: Client,
}

impl Stopping {
    async fn new() -> Self {
        let (api, gate) = gated().await;
        let gateway = TestGateway::open(&api.url("")).await;
        let chain = gateway.chain(1).await;
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { gateway, chain, api, gate, client }
    }

    async fn send(&self) {
        let message = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
        self.gateway.send(&self.chain, message).await;
        until_asked(&self.api).await;
    }

    /// The firehose of the flow.
    async fn firehose(&self) -> Socket {
        let (address, Device { uuid, token }) =
            (self.gateway.running.bus().unwrap(), &self.chain.flow.device);
        let url = format!("http://{address}/socket.io/v1/{uuid}/?EIO=3&transport=websocket");
        let request = self.client.get(url).header("x-meshblu-uuid", uuid).header("x-meshblu-token", token);
        Socket::begin(request).await
    }
}

#[tokio::test]
async fn a_flow_that_reads_along_gets_the_reply_to_what_is_finished_at_the_end() {
    let scene = Stopping::new().await;
    scene.send().await;
    let Stopping { gateway, mut chain, gate, api: _api, .. } = scene;
    // The job does not end before the gateway was told to stop.
    let ((), reply) = tokio::join!(gateway.running.stop(), async {
        gate.add_permits(1);
        chain.flow.next().await
    });
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
    assert!(chain.flow.ends().await);
}

#[tokio::test]
async fn so_does_a_flow_that_listens_to_the_firehose() {
    let scene = Stopping::new().await;
    let mut socket = scene.firehose().await;
    scene.send().await;
    let Stopping { gateway, gate, api: _api, .. } = scene;
    let ((), event) = tokio::join!(gateway.running.stop(), async {
        gate.add_permits(1);
        let event = socket.event().await;
        assert_eq!(socket.text().await, None);
        drop(socket);
        event
    });
    let reply: Value = serde_json::from_str(event["rawData"].as_str().unwrap()).unwrap();
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
}

#[tokio::test]
async fn what_is_used_while_the_work_is_finished_is_noted_too() {
    let (gate, is_first) = (Arc::new(Semaphore::new(0)), AtomicBool::new(true));
    let busy = Answer::new(503, &["retry-after: 0"], "busy").behind(&gate);
    let events = Answer::new(200, &["content-type: application/json"], "[]");
    let answer =
        move |_: &_| if is_first.swap(false, Ordering::Relaxed) { busy.clone() } else { events.clone() };
    let api = FakeApi::start(answer).await;
    let time = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = Arc::clone(&time);
    let clock = Clock::from_fn(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
    let gateway = TestGateway::at(clock, &api.url(""), |_| ()).await;
    let mut chain = gateway.chain(1).await;
    let message = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
    gateway.send(&chain, message).await;
    until_asked(&api).await;
    let later = time.load(Ordering::Relaxed) + 60_000;
    // The API is asked again after the gateway was told to stop.
    let ((), reply) = tokio::join!(gateway.running.stop(), async {
        time.store(later, Ordering::Relaxed);
        gate.add_permits(1);
        chain.flow.next().await
    });
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
    let binding = Binding { credentials: chain.credentials, user_device: chain.user.uuid };
    let look = move |view: &endo::store::View<'_>| view.last_use(&binding);
    let used = gateway.gateway.store.read::<_, StoreError, _>(look).await.unwrap();
    assert_eq!(used.used_at, Some(Timestamp::from_millis(later)));
}
