//! Messages that wait for a turn while others are worked on: whoever brings them does not wait for longer than they say.

use std::sync::Arc;

use endo::ambient::Timestamp;
use endo::config::Config;
use endo::store::StoreError;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::firehose::until;
use crate::support::bus::{Answer as HttpAnswer, send};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{RemoteGateway, SigningBus, USER_DEVICE, route, settings, vectors};

/// A gateway with one turn, which the first message has for as long as the gate has no permit for its reply.
struct Scene {
    bus: SigningBus,
    gate: Arc<Semaphore>,
    gateway: RemoteGateway,
    settings: Config,
    first: JoinHandle<HttpAnswer>,
    _directory: TempDir,
}

fn greeting(name: &str) -> Value {
    json!({"metadata": {"jobType": "SayHello"}, "data": {"name": name}})
}

/// A message without a name: nothing has to be on disk before it is answered.
fn in_the_old_form(gateway: &RemoteGateway, route: String, name: &str) -> RequestBuilder {
    let recorded = &vectors()["vectors"][0]["request"]["headers"];
    let mut request = gateway.post("/v2/messages").header("x-meshblu-route", route);
    for name in ["Date", "X-MESHBLU-UUID", "Authorization"] {
        request = request.header(name, recorded[name].as_str().unwrap());
    }
    request.body(greeting(name).to_string())
}

impl Scene {
    async fn set(change: impl FnOnce(&mut Config)) -> Self {
        let (bus, gate) = (SigningBus::start().await, Arc::new(Semaphore::new(0)));
        bus.meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &bus.meshblu.url());
        settings.jobs.concurrency = 1;
        settings.bus.timeout_seconds = 60;
        change(&mut settings);
        let gateway = RemoteGateway::with(settings.clone()).await.unwrap();
        let first = tokio::spawn(send(in_the_old_form(&gateway, route(), "first")));
        let scene = Self { bus, gate, gateway, settings, first, _directory: directory };
        until(async || scene.greeted().len() == 1).await;
        scene
    }

    /// Delivers a message by this name, and does not wait for its end.
    async fn deliver(&self, name: &str) -> HttpAnswer {
        send(self.delivery(name).header("prefer", "respond-async, wait=0")).await
    }

    fn delivery(&self, name: &str) -> RequestBuilder {
        let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
        let authority = self.gateway.running.gateway().to_string();
        self.bus.posting(&authority, now).delivery(name, &greeting(name))
    }

    async fn is_on_disk(&self, name: &'static str) -> bool {
        let store = &self.gateway.gateway.store;
        store.read::<_, StoreError, _>(move |view| view.is_queued(&name.into())).await.unwrap()
    }

    /// To whom replies were sent, in their order.
    fn greeted(&self) -> Vec<Value> {
        self.bus.meshblu.messages().iter().map(|reply| reply["data"]["hello"].clone()).collect()
    }
}

#[tokio::test]
async fn a_message_that_waits_longer_for_its_turn_than_its_bus_is_on_disk_and_taken() {
    let scene = Scene::set(|_| ()).await;
    for name in ["second", "third", "second"] {
        scene.deliver(name).await.is(202, "Accepted");
        assert!(scene.is_on_disk(name).await);
    }
    scene.gate.add_permits(3);
    until(async || scene.gateway.waiting().await == 0).await;
    assert_eq!(scene.greeted(), ["first", "second", "third"]);
    for name in ["second", "third"] {
        scene.deliver(name).await.is(201, "Created");
    }
    assert_eq!(scene.greeted().len(), 3);
    scene.first.await.unwrap().is(201, "Created");
}

#[tokio::test]
async fn one_device_s_messages_leave_turns_to_another_s() {
    let scene = Scene::set(|settings| settings.jobs.concurrency = 2).await;
    scene.deliver("second").await.is(202, "Accepted");
    let of_another = route().replace(USER_DEVICE, "another-device");
    let answer = send(in_the_old_form(&scene.gateway, of_another, "other")).await;
    assert_eq!(answer.status, 403, "it has no right to the credentials");
    assert!(!scene.greeted().contains(&json!("second")));
    scene.gate.add_permits(3);
    until(async || scene.gateway.waiting().await == 0).await;
    scene.first.await.unwrap().is(201, "Created");
}

#[tokio::test]
async fn what_waits_on_disk_has_no_turn_of_its_own_and_is_answered_after_a_stop() {
    let scene = Scene::set(|_| ()).await;
    scene.deliver("second").await.is(202, "Accepted");
    let Scene { bus, gate, gateway, settings, first, _directory } = scene;
    // Nobody gets a turn any more once it was told to stop.
    tokio::join!(gateway.stop(), async { gate.add_permits(2) });
    first.await.unwrap().is(201, "Created");
    assert_eq!(bus.meshblu.messages().len(), 1);
    let gateway = RemoteGateway::with(settings).await.unwrap();
    until(async || gateway.waiting().await == 0).await;
    assert_eq!(bus.meshblu.messages().len(), 2);
    assert_eq!(bus.meshblu.messages()[1]["data"], json!({"hello": "second"}));
}

#[tokio::test]
async fn what_no_more_can_be_kept_of_is_to_be_brought_again() {
    let scene = Scene::set(|settings| settings.store.max_pages = 1).await;
    let answer = scene.deliver("second").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-meshblu-delivery")), (503, Some("open")));
    scene.gate.add_permits(1);
    assert_eq!(scene.greeted(), ["first"]);
    scene.first.await.unwrap().is(201, "Created");
}

/// How many messages to one user device wait at the door: half of the 384 places, and then half of what is left beside the 48
/// that are kept for others. One of these is worked on.
const WAIT_AT_THE_DOOR: usize = 192 + 72;

#[tokio::test]
async fn one_device_s_messages_leave_places_at_the_door_to_another_s() {
    const TOO_MANY: usize = 10;
    let scene = Scene::set(|settings| settings.jobs.concurrency = 2).await;
    let message = || send(in_the_old_form(&scene.gateway, route(), "more").header("connection", "close"));
    let mut waiting: FuturesUnordered<_> = (1..WAIT_AT_THE_DOOR + TOO_MANY).map(|_| message()).collect();
    for _ in 0..TOO_MANY {
        let refused = waiting.next().await.unwrap();
        let told = ["retry-after", "x-meshblu-delivery"].map(|name| refused.header(name));
        assert_eq!((refused.status.as_u16(), told), (503, [Some("5"), Some("open")]), "{refused:?}");
    }
    // Who wants to be told that it is taken is told so at once.
    let patient = scene.delivery("patient").header("prefer", "respond-async, wait=3600");
    send(patient).await.is(202, "Accepted");
    assert!(scene.is_on_disk("patient").await);
    let of_another = route().replace(USER_DEVICE, "another-device");
    let answer = send(in_the_old_form(&scene.gateway, of_another, "other")).await;
    assert_eq!(answer.status, 403, "it has no right to the credentials");
    scene.gate.add_permits(WAIT_AT_THE_DOOR + 1);
    while let Some(answer) = waiting.next().await {
        answer.is(201, "Created");
    }
    scene.first.await.unwrap().is(201, "Created");
}
