//! What devices bring to `/v1/messages` that the gateway knows nothing of, where their bus is slow about them: it is not
//! kept, and takes nothing from others.

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::firehose::until;
use crate::support::bus::{Answer as HttpAnswer, send};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, FLOW, FakeMeshblu, RemoteGateway, USER_DEVICE, json_answer, say_hello, settings, vectors,
};

/// A gateway on a Meshblu that never waits for an answer, and is slow about strangers.
struct Scene {
    meshblu: FakeMeshblu,
    gateway: RemoteGateway,
    /// What the Meshblu says of strangers is said with its permits.
    gate: Arc<Semaphore>,
    _directory: TempDir,
}

/// The way to a device by the user device.
fn route(device: &str) -> String {
    let hop = |from, to| json!({"from": from, "to": to, "type": "message.received"});
    json!([hop(FLOW, USER_DEVICE), hop(USER_DEVICE, device), hop(device, device)]).to_string()
}

impl Scene {
    async fn set() -> Self {
        let (meshblu, directory) = (FakeMeshblu::start().await, tempfile::tempdir().unwrap());
        let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
        let settings = settings(directory.path(), &meshblu.url());
        let clock = Clock::from_fn(move || now);
        let gateway = RemoteGateway::changed(clock, settings, |it| it.buses_wait = Duration::ZERO).await;
        let gate = Arc::new(Semaphore::new(0));
        Self { meshblu, gateway: gateway.unwrap(), gate, _directory: directory }
    }

    /// From now on the Meshblu says this of a device's subscriptions, as the gate lets it.
    fn answer_slowly(&self, device: &str, status: u16) {
        let answer = json_answer(status, &json!({"error": "not now"})).behind(&self.gate);
        self.meshblu.answer(&subscriptions(device), [answer]);
    }

    fn brings(&self, device: &str) -> RequestBuilder {
        self.brings_by(&route(device), device)
    }

    /// What a device brings by a route that may be of another, or none.
    fn brings_by(&self, route: &str, device: &str) -> RequestBuilder {
        let post = self.gateway.post("/v1/messages").header("x-meshblu-route", route);
        post.basic_auth(device, Some("its-own")).body(say_hello().to_string())
    }

    /// Four messages of a device that the Meshblu is asked about.
    async fn four_of(&self, device: &str) -> Vec<JoinHandle<HttpAnswer>> {
        self.answer_slowly(device, 403);
        let four = (0..4).map(|_| tokio::spawn(send(self.brings(device)))).collect();
        until(async || self.looks_at(device) == 4).await;
        four
    }

    fn looks_at(&self, device: &str) -> usize {
        self.meshblu.called().iter().filter(|call| **call == subscriptions(device)).count()
    }

    /// Four of whom the Meshblu is asked whether it knows them, which it says once the gate lets it.
    async fn four_that_show_a_login_of(&self, device: &str, route: &str) -> Vec<JoinHandle<HttpAnswer>> {
        let before = self.asks_for_logins();
        let four = (0..4).map(|_| tokio::spawn(send(self.brings_by(route, device)))).collect();
        until(async || self.asks_for_logins() == before + 4).await;
        four
    }

    /// From now on the Meshblu takes no login, and says so as the gate lets it.
    fn refuse_logins_slowly(&self) {
        self.meshblu.answer("POST /authenticate", [json_answer(401, &json!({})).behind(&self.gate)]);
    }

    /// What the credentials device brings is taken.
    async fn hears_the_device_that_is_known(&self) {
        send(self.brings(CREDENTIALS)).await.is(201, "Created");
    }

    /// The Meshblu says what it is asked, and who brought all these messages is told this.
    async fn all_are_told(&self, brought: Vec<JoinHandle<HttpAnswer>>, status: u16) {
        self.gate.add_permits(brought.len());
        for one in brought {
            assert_eq!(one.await.unwrap().status, status);
        }
    }

    fn asks_for_logins(&self) -> usize {
        self.meshblu.called().iter().filter(|call| **call == "POST /authenticate").count()
    }

    /// What is said to a device that has not sent anything but the head of its request.
    async fn answers_to_the_head_alone(&self, device: &str) -> String {
        self.answers_to_the_head_of(self.brings(device)).await
    }

    async fn answers_to_the_head_of(&self, request: RequestBuilder) -> String {
        let request = request.header("content-length", "100000").build().unwrap();
        let lines =
            request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\n{}\r\n\r\n",
            lines.collect::<Vec<_>>().join("\r\n")
        );
        let mut connection = TcpStream::connect(self.gateway.running.gateway()).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(connection.read_u8().await.unwrap());
        }
        String::from_utf8(answer).unwrap().to_lowercase()
    }
}

fn subscriptions(device: &str) -> String {
    format!("GET /v2/devices/{device}/subscriptions")
}

fn crowded(head: &str) -> bool {
    let lines = ["http/1.1 503 ", "retry-after: 5\r\n", "x-meshblu-delivery: open\r\n"];
    lines.iter().all(|line| head.contains(line))
}

#[tokio::test]
async fn nothing_is_kept_of_what_a_stranger_brings_whose_bus_fails_whether_or_not_anybody_waits() {
    for preference in ["handling=lenient", "respond-async, wait=0"] {
        let scene = Scene::set().await;
        scene.meshblu.answer("POST /messages", [json_answer(403, &json!({"error": "Forbidden"}))]);
        scene.answer_slowly("a-stranger", 503);
        let message = scene.brings("a-stranger").header("x-meshblu-delivery-id", "d");
        let bringing = tokio::spawn(send(message.header("prefer", preference)));
        until(async || scene.looks_at("a-stranger") == 1).await;
        scene.gate.add_permits(2);
        let answer = bringing.await.unwrap();
        let told = (answer.status.as_u16(), answer.header("x-meshblu-delivery"));
        assert_eq!(told, (503, Some("open")), "{preference}");
        assert_eq!(scene.gateway.kept(), 0);
    }
}

#[tokio::test]
async fn who_cannot_be_authenticated_for_the_moment_may_bring_its_message_again() {
    let scene = Scene::set().await;
    scene.meshblu.answer("POST /authenticate", [json_answer(503, &json!({"error": "not now"}))]);
    let answer = send(scene.brings(CREDENTIALS)).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-meshblu-delivery")), (503, Some("open")));
}

#[tokio::test]
async fn a_device_that_nothing_is_known_of_has_four_messages_looked_at_at_a_time() {
    let scene = Scene::set().await;
    let four = scene.four_of("a-stranger").await;
    assert!(crowded(&scene.answers_to_the_head_alone("a-stranger").await));
    scene.hears_the_device_that_is_known().await;
    scene.all_are_told(four, 403).await;
    scene.gate.add_permits(1);
    assert_eq!(send(scene.brings("a-stranger")).await.status, 403, "a place is given back");
}

#[tokio::test]
async fn strangers_take_no_place_from_a_device_that_was_let_in_before() {
    let scene = Scene::set().await;
    scene.hears_the_device_that_is_known().await;
    let mut crowd = Vec::new();
    for stranger in 0..16 {
        crowd.extend(scene.four_of(&format!("stranger-{stranger}")).await);
    }
    assert!(crowded(&scene.answers_to_the_head_alone("one-more").await));
    scene.hears_the_device_that_is_known().await;
    scene.all_are_told(crowd, 403).await;
    let told: Vec<Value> = scene.meshblu.messages().iter().map(|it| it["metadata"]["code"].clone()).collect();
    assert_eq!(told.iter().filter(|code| **code == 403).count(), 64, "all senders are told");
}

#[tokio::test]
async fn nobody_has_to_send_a_body_to_hear_that_the_bus_does_not_know_them() {
    let scene = Scene::set().await;
    scene.meshblu.answer("POST /authenticate", [Answer::new(401, &[], "")]);
    let head = scene.answers_to_the_head_alone("a-stranger").await;
    assert!(head.starts_with("http/1.1 401 "), "{head}");
}

/// Routes that nothing is told of, and one that ends in a device that is known here, for whoever is another.
fn routes_of_strangers() -> [String; 4] {
    [String::new(), "[{".to_owned(), "[]".to_owned(), route(CREDENTIALS)]
}

#[tokio::test]
async fn nobody_is_asked_about_more_logins_of_strangers_than_there_are_places() {
    let scene = Scene::set().await;
    scene.hears_the_device_that_is_known().await;
    scene.refuse_logins_slowly();
    let mut crowd = scene.four_that_show_a_login_of("stranger-0", &route("stranger-0")).await;
    assert!(crowded(&scene.answers_to_the_head_alone("stranger-0").await), "four of one device");
    let routes = routes_of_strangers();
    for (stranger, route) in (1..16).zip(routes.iter().cycle()) {
        crowd.extend(scene.four_that_show_a_login_of(&format!("stranger-{stranger}"), route).await);
    }
    for route in &routes {
        let one_more = scene.brings_by(route, "one-more");
        assert!(crowded(&scene.answers_to_the_head_of(one_more).await), "64 in all: {route}");
    }
    scene.meshblu.answer("POST /authenticate", [json_answer(200, &json!({}))]);
    scene.hears_the_device_that_is_known().await;
    scene.all_are_told(crowd, 401).await;
}

#[tokio::test]
async fn whoever_shows_a_login_of_a_known_device_needs_a_place_for_what_it_is_not_known_for() {
    let scene = Scene::set().await;
    scene.hears_the_device_that_is_known().await;
    scene.refuse_logins_slowly();
    let four = scene.four_that_show_a_login_of(CREDENTIALS, "[]").await;
    for route in [String::new(), "[{".to_owned(), route("another-device")] {
        let fifth = scene.brings_by(&route, CREDENTIALS);
        assert!(crowded(&scene.answers_to_the_head_of(fifth).await), "{route}");
    }
    scene.meshblu.answer("POST /authenticate", [json_answer(200, &json!({}))]);
    scene.hears_the_device_that_is_known().await;
    scene.all_are_told(four, 401).await;
    assert_eq!(send(scene.brings_by("[]", CREDENTIALS)).await.status, 422, "a place is given back");
}
