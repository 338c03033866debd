//! Messages that a credentials device brings itself, with a login that is lent to it for the call (`/v1/messages`).

use std::sync::Arc;

use endo::config::Secret;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::firehose::until;
use crate::support::bus::{Answer as HttpAnswer, send};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FLOW, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, bound,
    json_answer, say_hello, settings,
};

const LENT: &str = "lent-for-this-call";

/// The way to a credentials device by the user device.
fn route(device: &str) -> String {
    let hop = |from, to| json!({"from": from, "to": to, "type": "message.received"});
    json!([hop(FLOW, USER_DEVICE), hop(USER_DEVICE, device), hop(device, device)]).to_string()
}

/// What a credentials device brings, under this name.
fn brings(gateway: &RemoteGateway, device: &str, id: &str) -> RequestBuilder {
    let post = gateway.post("/v1/messages").header("x-meshblu-route", route(device));
    post.header("x-meshblu-delivery-id", id).basic_auth(device, Some(LENT)).body(say_hello().to_string())
}

/// With which tokens replies were sent.
fn tokens(meshblu: &FakeMeshblu) -> Vec<String> {
    let replies = meshblu.calls().into_iter().filter(|call| call.target == "/messages");
    replies.map(|call| call.header("authorization").concat()).collect()
}

fn basic(token: &str) -> String {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{CREDENTIALS}:{token}"));
    format!("Basic {pair}")
}

#[tokio::test]
async fn a_reply_goes_out_with_the_token_of_the_record_where_the_lent_one_is_over() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let gate = Arc::new(Semaphore::new(0));
    let over = json_answer(403, &json!({"error": "Forbidden"}));
    meshblu.answer("POST /messages", [over.behind(&gate), Answer::new(204, &[], "")]);
    let message = brings(&gateway, CREDENTIALS, "d").header("prefer", "respond-async, wait=0");
    send(message).await.is(202, "Accepted");
    gate.add_permits(1);
    until(async || gateway.waiting().await == 0).await;
    assert!(gateway.dead_letters().await.is_empty());
    assert_eq!(tokens(&meshblu), [LENT, CREDENTIALS_TOKEN].map(basic));
    let replies = meshblu.messages();
    assert_eq!((&replies[0], &replies[0]["metadata"]["code"]), (&replies[1], &json!(200)));
}

#[tokio::test]
async fn what_a_device_brings_again_gets_the_first_outcome_and_what_another_brings_does_not() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for _ in 0..2 {
        send(brings(&gateway, CREDENTIALS, "d")).await.is(201, "Created");
    }
    assert_eq!(meshblu.messages().len(), 1);
    send(brings(&gateway, CREDENTIALS, "e")).await.is(201, "Created");
    assert_eq!(meshblu.messages().len(), 2);
    let other = send(brings(&gateway, "another-device", "d")).await;
    assert_ne!(other.status, 201, "there are no such credentials");
    for id in [String::new(), "x".repeat(201)] {
        assert_eq!(send(brings(&gateway, CREDENTIALS, &id)).await.status, 400);
    }
}

#[tokio::test]
async fn what_a_device_brings_again_while_it_is_worked_on_is_on_disk() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let gate = Arc::new(Semaphore::new(0));
    meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    for _ in 0..2 {
        let message = brings(&gateway, CREDENTIALS, "d").header("prefer", "respond-async, wait=0");
        send(message).await.is(202, "Accepted");
    }
    gate.add_permits(2);
    until(async || gateway.waiting().await == 0).await;
    send(brings(&gateway, CREDENTIALS, "d")).await.is(201, "Created");
    assert_eq!(meshblu.messages().len(), 1);
}

#[tokio::test]
async fn a_device_is_kept_waiting_where_the_bus_does_not_take_the_token_of_its_record_any_more() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let (gate, known) = (Arc::new(Semaphore::new(0)), || Answer::new(204, &[], ""));
    meshblu.answer("POST /authenticate", [known(), json_answer(403, &json!({"error": "Forbidden"}))]);
    meshblu.answer("POST /messages", [known().behind(&gate)]);
    let message = brings(&gateway, CREDENTIALS, "d").header("prefer", "respond-async, wait=0");
    let brought = tokio::spawn(send(message));
    let is_asked = || meshblu.called().iter().filter(|call| *call == "POST /authenticate").count() == 2;
    until(async || brought.is_finished() || is_asked()).await;
    gate.add_permits(1);
    brought.await.unwrap().is(201, "Created");
    assert_eq!(tokens(&meshblu), [LENT].map(basic));
}

#[tokio::test]
async fn nothing_is_kept_of_what_any_other_device_brings_though_its_sender_is_told_once() {
    for taken in [Answer::new(204, &[], ""), json_answer(403, &json!({"error": "Forbidden"}))] {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("POST /messages", [taken]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let none = json_answer(403, &json!({"error": "Forbidden"}));
        meshblu.answer("GET /v2/devices/a-stranger/subscriptions", [none]);
        let opened = gateway.gateway.vault.private_key_operations();
        for id in ["d", "e", "d"] {
            let refused = send(brings(&gateway, "a-stranger", id)).await;
            assert_eq!((refused.status.as_u16(), refused.header("x-meshblu-delivery")), (403, Some("ended")));
        }
        let told: Vec<_> = meshblu.messages().iter().map(|reply| reply["metadata"]["code"].clone()).collect();
        assert_eq!(told, [403, 403], "what comes again is known");
        assert_eq!(gateway.kept(), 0);
        assert_eq!(gateway.gateway.vault.private_key_operations(), opened);
    }
}

#[tokio::test]
async fn a_record_is_looked_at_once_for_a_message_that_finds_a_turn() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    send(brings(&gateway, CREDENTIALS, "d")).await.is(201, "Created");
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    let calls = ["POST /authenticate", &*subscriptions, "POST /search/devices", "POST /messages"];
    assert_eq!(meshblu.called(), calls);
}

/// A record of the original's that holds no token, and the key that opens it.
fn without_token() -> (Value, String) {
    let recorded: Value = serde_json::from_str(include_str!("../../fixtures/endo-records.json")).unwrap();
    let devices = recorded["credentialsDevices"].as_array().unwrap();
    let named = |device: &&Value| device["name"].as_str().unwrap().contains("no credentialsDeviceToken");
    let device = devices.iter().find(named).unwrap()["device"].clone();
    (device, recorded["privateKeyPem"].as_str().unwrap().to_owned())
}

/// A gateway with one turn, on a Meshblu with a device whose record holds no token; replies are taken as the gate lets them.
struct Tokenless {
    meshblu: FakeMeshblu,
    uuid: String,
    gate: Arc<Semaphore>,
    gateway: RemoteGateway,
    directory: TempDir,
}

impl Tokenless {
    async fn set() -> Self {
        let meshblu = FakeMeshblu::start().await;
        let (device, key) = without_token();
        let uuid = device["uuid"].as_str().unwrap().to_owned();
        let mut subscription = bound();
        subscription["subscriberUuid"] = json!(uuid);
        meshblu.answer("POST /search/devices", [json_answer(200, &json!([device]))]);
        let subscriptions = format!("GET /v2/devices/{uuid}/subscriptions");
        meshblu.answer(&subscriptions, [json_answer(200, &json!([subscription]))]);
        let gate = Arc::new(Semaphore::new(0));
        meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &meshblu.url());
        settings.records.private_key = Some(Secret::from(key));
        settings.jobs.concurrency = 1;
        settings.bus.timeout_seconds = 60;
        let gateway = RemoteGateway::with(settings).await.unwrap();
        Self { meshblu, uuid, gate, gateway, directory }
    }

    /// Brings a message by this name, and wants to wait for nothing.
    fn bring(&self, id: &str) -> JoinHandle<HttpAnswer> {
        let message = brings(&self.gateway, &self.uuid, id).header("prefer", "respond-async, wait=0");
        tokio::spawn(send(message))
    }

    /// Works off what a killed process had on disk under this name.
    async fn find_what_was_left_behind(&self, id: &str) {
        let database = rusqlite::Connection::open(self.directory.path().join("endo.db")).unwrap();
        let sql = "INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at)
                   VALUES (?1, 0, ?2, 'message.received', ?3, ?4, 0, 0)";
        database.execute(sql, (id, SERVICE, route(&self.uuid), say_hello().to_string())).unwrap();
        self.gateway.gateway.job_bell.notify_one();
        until(async || self.gateway.waiting().await == 0).await;
    }

    /// How often the Meshblu was asked for a record.
    fn looks(&self) -> usize {
        self.meshblu.calls().iter().filter(|call| call.target == "/search/devices").count()
    }
}

#[tokio::test]
async fn a_device_whose_record_holds_no_token_is_kept_waiting_to_the_end() {
    let scene = Tokenless::set().await;
    let brought = scene.bring("d");
    until(async || !scene.meshblu.messages().is_empty() && scene.gateway.waiting().await == 1).await;
    scene.gate.add_permits(1);
    brought.await.unwrap().is(201, "Created");
}

#[tokio::test]
async fn a_device_whose_record_holds_no_token_is_kept_waiting_for_its_turn_too() {
    let scene = Tokenless::set().await;
    let first = scene.bring("d");
    until(async || !scene.meshblu.messages().is_empty()).await;
    let looks = scene.looks();
    let second = scene.bring("e");
    until(async || second.is_finished() || scene.looks() > looks).await;
    scene.gate.add_permits(2);
    for brought in [first, second] {
        brought.await.unwrap().is(201, "Created");
    }
    assert_eq!(scene.meshblu.messages().len(), 2);
}

#[tokio::test]
async fn a_device_whose_record_holds_no_token_brings_again_what_waits_for_its_turn_at_a_stop() {
    let Tokenless { meshblu, uuid, gate, gateway, directory: _directory } = Tokenless::set().await;
    let bringing = |id| tokio::spawn(send(brings(&gateway, &uuid, id)));
    let first = bringing("d");
    until(async || !meshblu.messages().is_empty()).await;
    let second = bringing("e");
    until(async || meshblu.calls().iter().filter(|call| call.target == "/authenticate").count() == 2).await;
    let end = async {
        let answer = second.await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("x-meshblu-delivery")), (503, Some("open")));
        gate.add_permits(1);
        first.await.unwrap().is(201, "Created");
    };
    tokio::join!(gateway.stop(), end);
}

#[tokio::test]
async fn what_was_in_hand_of_a_killed_process_and_can_be_answered_by_nobody_can_be_seen() {
    let scene = Tokenless::set().await;
    scene.find_what_was_left_behind("d").await;
    let letters = scene.gateway.dead_letters().await;
    let told: Vec<_> = letters.iter().map(|letter| (letter.reason.as_str(), letter.code)).collect();
    assert_eq!(told, [("not_opened", Some(422))]);
}

#[tokio::test]
async fn what_was_in_hand_of_a_killed_process_is_answered_when_it_is_brought_again_with_a_token() {
    let scene = Tokenless::set().await;
    scene.find_what_was_left_behind(&format!("{}/d", scene.uuid)).await;
    assert_eq!(scene.gateway.dead_letters().await.len(), 1);
    scene.gate.add_permits(1);
    for _ in 0..2 {
        scene.bring("d").await.unwrap().is(201, "Created");
    }
    assert!(scene.gateway.dead_letters().await.is_empty());
    assert_eq!(scene.meshblu.messages().len(), 1);
}
