//! Messages whose credentials cannot be opened for the moment: whoever brings them again has them worked on; where nobody
//! would, they are tried again, and kept where that is in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::config::Intake;
use endo::gateway::Gateway;
use endo::store::Transaction;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::firehose::{FakeFirehose, Manner, event, front, until};
use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, RemoteGateway, SERVICE, SigningBus, bound, json_answer, route, say_hello, settings, vectors,
};

/// From now on the Meshblu says of the credentials device's subscriptions what these answers say.
fn answer_who_is_bound(bus: &SigningBus, answers: impl IntoIterator<Item = Answer>) {
    bus.meshblu.answer(&format!("GET /v2/devices/{CREDENTIALS}/subscriptions"), answers);
}

fn away() -> Answer {
    json_answer(503, &json!({"error": "not now"}))
}

/// A gateway whose clock is in the test's hands.
struct Scene {
    bus: SigningBus,
    gateway: RemoteGateway,
    now: Arc<AtomicI64>,
    _directory: TempDir,
}

/// A clock that stands at the time of the vectors until it is told to go on.
fn clock() -> (Clock, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(vectors()["nowMs"].as_i64().unwrap()));
    let told = Arc::clone(&now);
    (Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst))), now)
}

impl Scene {
    async fn set(bus: SigningBus) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::set_in(bus, directory).await
    }

    async fn set_in(bus: SigningBus, directory: TempDir) -> Self {
        Self::changed(bus, directory, |_| ()).await
    }

    async fn changed(bus: SigningBus, directory: TempDir, change: impl FnOnce(&mut Gateway)) -> Self {
        let mut settings = settings(directory.path(), &bus.meshblu.url());
        settings.bus.accept_legacy_signatures = false;
        let (clock, now) = clock();
        let gateway = RemoteGateway::changed(clock, settings, change).await.unwrap();
        Self { bus, gateway, now, _directory: directory }
    }

    /// After a start at which it finds a delivery, whose job may have made a call or not.
    async fn found_at_start(bus: SigningBus, call_started: bool) -> Self {
        let (gateway, directory) = bus.gateway().await;
        gateway.stop().await;
        let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
        let sql =
            "INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at, call_started)
                   VALUES ('d', 0, ?1, 'message.received', ?2, ?3, 0, 0, ?4)";
        database.execute(sql, (SERVICE, route(), say_hello().to_string(), call_started)).unwrap();
        drop(database);
        Self::set_in(bus, directory).await
    }

    /// Whose message was read off a firehose.
    async fn read_off_a_firehose(bus: SigningBus) -> Self {
        let firehose =
            FakeFirehose::start(vec![Manner::Behaves(vec![event(&say_hello().to_string())])]).await;
        let ((clock, now), directory) = (clock(), tempfile::tempdir().unwrap());
        let mut settings = settings(directory.path(), &front(&bus.meshblu, &firehose).await);
        settings.bus.intake = Intake::Firehose;
        let gateway = RemoteGateway::at(clock, settings).await.unwrap();
        Self { bus, gateway, now, _directory: directory }
    }

    /// Whose message a bus was told to be on disk.
    async fn told_to_be_on_disk(bus: SigningBus, gate: &Semaphore) -> Self {
        let scene = Self::set(bus).await;
        send(scene.delivery().header("prefer", "respond-async, wait=0")).await.is(202, "Accepted");
        gate.add_permits(1);
        scene
    }

    /// Whose bus waits for nothing, and did not say so.
    async fn given_up_by_its_bus(bus: SigningBus, gate: &Semaphore) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scene = Self::changed(bus, directory, |gateway| gateway.buses_wait = Duration::ZERO).await;
        let bringing = tokio::spawn(send(scene.delivery()));
        // It is on disk after 20 ms, so that whoever brought it has gone by then.
        until(async || scene.gateway.waiting().await == 1).await;
        gate.add_permits(1);
        bringing.await.unwrap().is(202, "Accepted");
        scene
    }

    fn delivery(&self) -> RequestBuilder {
        let now = Timestamp::from_millis(self.now.load(Ordering::SeqCst));
        self.bus.posting(&self.gateway.running.gateway().to_string(), now).delivery("d", &say_hello())
    }

    /// Time passes until this is so.
    async fn until(&self, mut done: impl AsyncFnMut() -> bool) {
        until(async || {
            self.now.fetch_add(60_000, Ordering::SeqCst);
            self.gateway.gateway.job_bell.notify_one();
            done().await
        })
        .await;
    }

    /// That the message is answered now that the Meshblu is back, and that nobody has to do anything for that.
    async fn is_answered_later(&self) {
        self.until(async || {
            assert!(self.gateway.dead_letters().await.is_empty());
            !self.bus.meshblu.messages().is_empty()
        })
        .await;
        until(async || self.gateway.waiting().await == 0).await;
        assert_eq!(self.bus.meshblu.messages().len(), 1);
        assert_eq!(self.bus.meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
    }

    /// That whoever brings the message again is told that nobody knows whether its job was done.
    async fn is_known_to_be_unknown(&self) {
        let again = send(self.delivery()).await;
        assert_eq!((again.status.as_u16(), &again.json()["error"]), (503, &json!("outcome_unknown")));
        assert_eq!(again.header("x-meshblu-delivery"), Some("ended"));
        assert!(self.gateway.dead_letters().await.is_empty());
    }

    /// That the one delivery is kept as it was where the Meshblu stays away, and that its job runs when it is replayed.
    async fn is_kept(&self) {
        self.until(async || !self.gateway.dead_letters().await.is_empty()).await;
        let letters = self.gateway.dead_letters().await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert_eq!((letters[0].reason.as_str(), letters[0].code), ("not_opened", Some(503)));
        assert_eq!((letters[0].fate.refusal.as_deref(), letters[0].attempts), (Some("not now"), 10));
        assert_eq!(serde_json::from_str::<Value>(&letters[0].delivery.body).unwrap(), say_hello());
        answer_who_is_bound(&self.bus, [json_answer(200, &json!([bound()]))]);
        let (id, now) = (letters[0].delivery.id.clone(), self.gateway.gateway.ambient.clock.now());
        let replay = move |transaction: &Transaction<'_>| transaction.replay(&id, now);
        self.gateway.gateway.store.write(replay).await.unwrap();
        self.gateway.gateway.job_bell.notify_one();
        until(async || !self.bus.meshblu.messages().is_empty()).await;
        assert_eq!(self.bus.meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
    }
}

/// A bus that is away for as long as one attempt asks it, or for ever.
async fn bus_that_is_away(for_ever: bool) -> SigningBus {
    let bus = SigningBus::start().await;
    let back = (!for_ever).then(|| json_answer(200, &json!([bound()])));
    // What is away is asked once more.
    answer_who_is_bound(&bus, [away(), away()].into_iter().chain(back));
    bus
}

/// The same, which says the first time that it is away only once the gate has a permit.
async fn bus_that_is_slow(for_ever: bool) -> (SigningBus, Arc<Semaphore>) {
    let (bus, gate) = (SigningBus::start().await, Arc::new(Semaphore::new(0)));
    let back = (!for_ever).then(|| json_answer(200, &json!([bound()])));
    answer_who_is_bound(&bus, [away().behind(&gate), away()].into_iter().chain(back));
    (bus, gate)
}

#[tokio::test]
async fn what_a_process_left_behind_is_answered_when_the_bus_is_back() {
    Scene::found_at_start(bus_that_is_away(false).await, false).await.is_answered_later().await;
}

#[tokio::test]
async fn what_a_bus_was_told_to_be_on_disk_is_answered_when_the_bus_is_back() {
    let (bus, gate) = bus_that_is_slow(false).await;
    Scene::told_to_be_on_disk(bus, &gate).await.is_answered_later().await;
}

#[tokio::test]
async fn what_a_bus_has_given_up_waiting_for_is_answered_when_the_bus_is_back() {
    let (bus, gate) = bus_that_is_slow(false).await;
    Scene::given_up_by_its_bus(bus, &gate).await.is_answered_later().await;
}

/// The gateway lets a device in that brings a message itself; then its bus is away, or is back after one attempt.
async fn let_in_before(scene: &Scene, back: Option<Answer>) {
    send(brought(scene)).await.is(201, "Created");
    // What a bus says of a binding is remembered for a second.
    scene.now.fetch_add(2000, Ordering::SeqCst);
    answer_who_is_bound(&scene.bus, [away(), away()].into_iter().chain(back));
}

fn brought(scene: &Scene) -> RequestBuilder {
    let post = scene.gateway.post("/v1/messages").header("x-meshblu-route", route());
    post.header("x-meshblu-delivery-id", scene.now.load(Ordering::SeqCst).to_string())
        .basic_auth(CREDENTIALS, Some("lent"))
        .body(say_hello().to_string())
}

fn told(scene: &Scene) -> Vec<Value> {
    scene.bus.meshblu.messages().iter().map(|it| it["metadata"]["code"].clone()).collect()
}

#[tokio::test]
async fn what_a_device_brings_that_was_let_in_before_is_answered_when_the_bus_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let bus = SigningBus::start().await;
    let scene = Scene::changed(bus, directory, |gateway| gateway.buses_wait = Duration::ZERO).await;
    let_in_before(&scene, Some(json_answer(200, &json!([bound()])))).await;
    scene.bus.meshblu.answer("POST /messages", [away(), Answer::new(204, &[], "")]);
    send(brought(&scene)).await.is(202, "Accepted");
    scene.until(async || scene.bus.meshblu.messages().len() == 3).await;
    until(async || scene.gateway.waiting().await == 0).await;
    assert_eq!(told(&scene), [200, 503, 200]);
    assert!(scene.gateway.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_a_device_does_not_want_to_wait_for_is_on_disk_and_answered_when_the_bus_is_back() {
    let scene = Scene::set(SigningBus::start().await).await;
    let_in_before(&scene, Some(json_answer(200, &json!([bound()])))).await;
    let message = brought(&scene).header("prefer", "respond-async, wait=0");
    send(message).await.is(202, "Accepted");
    scene.until(async || scene.bus.meshblu.messages().len() == 2).await;
    until(async || scene.gateway.waiting().await == 0).await;
    assert_eq!(told(&scene), [200, 200]);
    assert!(scene.gateway.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_a_device_does_not_want_to_wait_for_is_on_disk_while_the_bus_is_slow() {
    let (directory, bus) = (tempfile::tempdir().unwrap(), SigningBus::start().await);
    let scene = Scene::changed(bus, directory, |gateway| gateway.buses_wait = Duration::ZERO).await;
    let_in_before(&scene, None).await;
    let gate = Arc::new(Semaphore::new(0));
    answer_who_is_bound(&scene.bus, [json_answer(200, &json!([bound()])).behind(&gate)]);
    let message = brought(&scene).header("prefer", "respond-async, wait=0");
    send(message).await.is(202, "Accepted");
    gate.add_permits(10);
    scene.until(async || scene.bus.meshblu.messages().len() == 2).await;
    until(async || scene.gateway.waiting().await == 0).await;
    assert_eq!(told(&scene), [200, 200]);
}

#[tokio::test]
async fn what_a_device_does_not_want_to_wait_for_can_be_seen_where_the_bus_stays_away() {
    let scene = Scene::set(SigningBus::start().await).await;
    let_in_before(&scene, None).await;
    let message = brought(&scene);
    let first = message.try_clone().unwrap().header("prefer", "respond-async, wait=0");
    send(first).await.is(202, "Accepted");
    scene.until(async || !scene.gateway.dead_letters().await.is_empty()).await;
    let letters = scene.gateway.dead_letters().await;
    assert_eq!((letters[0].reason.as_str(), letters[0].code), ("not_opened", Some(503)));
    assert_eq!(told(&scene), [200], "nobody else is told anything");
    answer_who_is_bound(&scene.bus, [json_answer(200, &json!([bound()]))]);
    send(message).await.is(201, "Created");
    assert_eq!(told(&scene), [200, 200]);
    assert!(scene.gateway.dead_letters().await.is_empty());
}

#[tokio::test]
async fn whoever_waits_for_what_a_device_brings_is_told_that_the_bus_is_away_and_so_is_its_sender() {
    let scene = Scene::set(SigningBus::start().await).await;
    let_in_before(&scene, None).await;
    let kept = scene.gateway.kept();
    let refused = send(brought(&scene)).await;
    assert_eq!((refused.status.as_u16(), refused.header("x-meshblu-delivery")), (503, Some("ended")));
    assert_eq!(told(&scene), [200, 503]);
    assert_eq!(scene.gateway.kept(), kept);
}

#[tokio::test]
async fn what_was_read_off_a_firehose_is_answered_when_the_bus_is_back() {
    Scene::read_off_a_firehose(bus_that_is_away(false).await).await.is_answered_later().await;
}

#[tokio::test]
async fn what_a_process_left_behind_is_kept_where_the_bus_stays_away() {
    let scene = Scene::found_at_start(bus_that_is_away(true).await, false).await;
    scene.until(async || !scene.gateway.dead_letters().await.is_empty()).await;
    let again = send(scene.delivery()).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]), (503, &json!("not now")));
    assert_eq!(again.headers["x-meshblu-delivery"], "ended");
    scene.is_kept().await;
}

#[tokio::test]
async fn what_a_bus_was_told_to_be_on_disk_is_kept_where_the_bus_stays_away() {
    let (bus, gate) = bus_that_is_slow(true).await;
    Scene::told_to_be_on_disk(bus, &gate).await.is_kept().await;
}

#[tokio::test]
async fn what_was_read_off_a_firehose_is_kept_where_the_bus_stays_away() {
    Scene::read_off_a_firehose(bus_that_is_away(true).await).await.is_kept().await;
}

#[tokio::test]
async fn what_a_bus_was_told_to_be_on_disk_and_is_refused_then_can_be_seen() {
    let (bus, gate) = (SigningBus::start().await, Arc::new(Semaphore::new(0)));
    answer_who_is_bound(&bus, [json_answer(200, &json!([])).behind(&gate)]);
    let scene = Scene::told_to_be_on_disk(bus, &gate).await;
    until(async || scene.gateway.waiting().await == 0).await;
    let letters = scene.gateway.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason.as_str(), letters[0].code), ("refused", Some(403)));
    assert_eq!(letters[0].fate.refusal.as_deref(), Some("this device may not use these credentials"));

    gate.add_permits(1);
    let again = send(scene.delivery()).await;
    assert_eq!((again.status.as_u16(), again.header("x-meshblu-delivery")), (403, Some("ended")));
    let (id, now) = (letters[0].delivery.id.clone(), scene.gateway.gateway.ambient.clock.now());
    let replay = move |transaction: &Transaction<'_>| transaction.replay(&id, now);
    scene.gateway.gateway.store.write(replay).await.unwrap();
    scene.gateway.gateway.job_bell.notify_one();
    until(async || scene.gateway.waiting().await == 0).await;
    assert_eq!(scene.gateway.dead_letters().await[0].reason, "refused");
    assert!(!scene.bus.meshblu.called().contains(&"POST /search/devices".to_owned()), "nothing is opened");
}

#[tokio::test]
async fn what_was_refused_is_refused_when_it_is_brought_again_though_it_would_be_allowed_by_then() {
    let bus = SigningBus::start().await;
    answer_who_is_bound(&bus, [json_answer(200, &json!([])), json_answer(200, &json!([bound()]))]);
    let scene = Scene::set(bus).await;
    for _ in 0..2 {
        let refused = send(scene.delivery()).await;
        assert_eq!((refused.status.as_u16(), refused.header("x-meshblu-delivery")), (403, Some("ended")));
        // What a bus says of a binding is remembered for a second.
        scene.now.fetch_add(2000, Ordering::SeqCst);
    }
    assert!(scene.bus.meshblu.messages().is_empty());
}

#[tokio::test]
async fn what_may_have_been_done_before_a_kill_is_told_when_the_bus_is_back() {
    let scene = Scene::found_at_start(bus_that_is_away(false).await, true).await;
    scene.until(async || scene.gateway.waiting().await == 0).await;
    scene.is_known_to_be_unknown().await;
    let told = scene.bus.meshblu.messages();
    let [told] = &*told else { panic!("{told:?}") };
    assert_eq!(told["metadata"]["error"], json!({"message": "outcome_unknown"}));
}

#[tokio::test]
async fn a_job_that_may_have_changed_something_does_not_run_again_for_whoever_brings_its_message_again() {
    let scene = Scene::found_at_start(bus_that_is_away(true).await, true).await;
    scene.until(async || scene.gateway.waiting().await == 0).await;
    answer_who_is_bound(&scene.bus, [json_answer(200, &json!([bound()]))]);
    scene.is_known_to_be_unknown().await;
    assert!(scene.bus.meshblu.messages().is_empty());
}
