//! The keys that a bus of ours signs with: it may take others into use while the gateway runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::config::Config;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    FakeMeshblu, RemoteGateway, SigningBus, json_answer, say_hello, settings, vectors,
};

const KEYS: &str = "GET /.well-known/jwks.json";
const OLD_KEY: &str = "GET /publickey";
const MINUTE: i64 = 60_000;

/// A gateway whose clock the test moves.
struct Scene {
    bus: SigningBus,
    gateway: RemoteGateway,
    now: Arc<AtomicI64>,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn set(keys: Option<Answer>) -> Self {
        Self::set_with(keys, |_| ()).await
    }

    /// The same, with some settings changed.
    async fn set_with(keys: Option<Answer>, change: impl FnOnce(&mut Config)) -> Self {
        let bus = SigningBus::start().await;
        if let Some(keys) = keys {
            bus.meshblu.answer(KEYS, [keys]);
        }
        let now = Arc::new(AtomicI64::new(vectors()["nowMs"].as_i64().unwrap()));
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &bus.meshblu.url());
        settings.bus.accept_legacy_signatures = false;
        change(&mut settings);
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::Relaxed)));
        let gateway = RemoteGateway::at(clock, settings).await.unwrap();
        Self { bus, gateway, now, _directory: directory }
    }

    /// Delivers as `by`, and answers the status.
    async fn deliver(&self, by: &SigningBus, id: &str) -> u16 {
        let now = Timestamp::from_millis(self.now.load(Ordering::Relaxed));
        let authority = self.gateway.running.gateway().to_string();
        send(by.posting(&authority, now).delivery(id, &say_hello())).await.status.as_u16()
    }

    /// The same, without waiting for the answer.
    async fn post(&self, by: &SigningBus, id: &str) -> TcpStream {
        let now = Timestamp::from_millis(self.now.load(Ordering::Relaxed));
        let gateway = self.gateway.running.gateway();
        let request = by.posting(&gateway.to_string(), now).delivery(id, &say_hello()).build().unwrap();
        let body = request.body().unwrap().as_bytes().unwrap();
        let mut text =
            format!("POST /v2/messages HTTP/1.1\r\nhost: {gateway}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        let mut connection = TcpStream::connect(gateway).await.unwrap();
        connection.write_all(&[text.as_bytes(), b"\r\n", body].concat()).await.unwrap();
        connection
    }

    fn asked(&self) -> usize {
        self.bus.meshblu.introductions().iter().filter(|call| *call == KEYS).count()
    }
}

fn key_set(buses: &[&SigningBus]) -> Answer {
    let keys: Vec<Value> = buses.iter().map(|bus| bus.public_key()).collect();
    json_answer(200, &json!({"keys": keys}))
}

#[tokio::test]
async fn a_proxy_on_the_way_may_add_a_signature_of_its_own() {
    let scene = Scene::set(None).await;
    let authority = scene.gateway.running.gateway().to_string();
    let now = Timestamp::from_millis(scene.now.load(Ordering::Relaxed));
    let input = r#"proxy=("@method" "signature";key="endo");created=1;keyid="proxy";alg="rsa-pss-sha512""#;
    let request = scene.bus.posting(&authority, now).delivery("d-1", &say_hello());
    let request = request.header("signature-input", input).header("signature", "proxy=:AAAA:");
    send(request).await.is(201, "Created");
}

#[tokio::test]
async fn a_proxy_on_the_way_may_pass_on_another_host_than_the_bus_called() {
    let scene = Scene::set_with(None, |settings| {
        settings.listen.public_url = Some("http://endo.example:8080".to_owned());
    })
    .await;
    let now = Timestamp::from_millis(scene.now.load(Ordering::Relaxed));
    let gateway = scene.gateway.running.gateway().to_string();
    let asked = scene.asked();
    for (called, status) in [("endo.example:8080", 201), (gateway.as_str(), 201), ("else.example", 401)] {
        let request = scene.bus.posting(called, now).delivery(called, &say_hello()).build().unwrap();
        let mut passed_on = request.try_clone().unwrap();
        *passed_on.url_mut() = format!("http://{gateway}/v2/messages").parse().unwrap();
        let answer = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        assert_eq!(answer.execute(passed_on).await.unwrap().status(), status, "{called}");
        if status == 201 {
            assert_eq!(scene.asked(), asked, "the bus is asked for no other key");
        }
    }
}

#[tokio::test]
async fn a_proxy_on_the_way_may_take_off_the_path_that_the_gateway_is_reached_under() {
    let scene = Scene::set_with(None, |settings| {
        settings.listen.public_url = Some("https://endo.example/base/".to_owned());
    })
    .await;
    let now = Timestamp::from_millis(scene.now.load(Ordering::Relaxed));
    let gateway = scene.gateway.running.gateway().to_string();
    let called =
        [("endo.example", "/base", 201), ("endo.example", "/other", 401), ("else.example", "/base", 401)];
    for (called, base, status) in called {
        let posting = scene.bus.posting(called, now).below(base);
        let mut passed_on = posting.delivery(&format!("{called}{base}"), &say_hello()).build().unwrap();
        *passed_on.url_mut() = format!("http://{gateway}/v2/messages").parse().unwrap();
        for host in [called, &gateway] {
            let mut passed_on = passed_on.try_clone().unwrap();
            passed_on.headers_mut().insert("host", host.parse().unwrap());
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
            assert_eq!(client.execute(passed_on).await.unwrap().status(), status, "{called}{base} as {host}");
        }
    }
}

#[tokio::test]
async fn a_key_that_the_bus_takes_into_use_later_is_found_when_a_webhook_names_it() {
    let scene = Scene::set(None).await;
    let next = SigningBus::start().await;
    assert_eq!(scene.deliver(&scene.bus, "before").await, 201);
    scene.bus.meshblu.answer(KEYS, [key_set(&[&next])]);
    scene.now.fetch_add(MINUTE, Ordering::Relaxed);
    assert_eq!(scene.deliver(&next, "after").await, 201);
    assert_eq!(
        scene.deliver(&scene.bus, "too late").await,
        401,
        "what the bus shows no more is not believed"
    );
}

/// The key of one bus under the name of another's.
fn under_the_name_of(name: &SigningBus, key: &SigningBus) -> Answer {
    let mut shown = key.public_key();
    shown["kid"] = name.public_key()["kid"].clone();
    json_answer(200, &json!({"keys": [key.public_key(), shown]}))
}

#[tokio::test]
async fn another_key_under_the_same_name_is_taken_up_as_well() {
    let next = SigningBus::start().await;
    let before = SigningBus::start().await;
    let scene = Scene::set(Some(under_the_name_of(&next, &before))).await;
    assert_eq!(scene.deliver(&before, "before").await, 201);
    scene.bus.meshblu.answer(KEYS, [key_set(&[&next])]);
    assert_eq!(scene.deliver(&next, "too soon").await, 401, "the bus was asked a moment ago");
    scene.now.fetch_add(MINUTE, Ordering::Relaxed);
    assert_eq!(scene.deliver(&next, "after").await, 201);
    assert_eq!(scene.deliver(&before, "too late").await, 401);
}

#[tokio::test]
async fn wrong_signatures_cost_the_bus_one_question_in_half_a_minute() {
    let stranger = SigningBus::start().await;
    let known = SigningBus::start().await;
    let scene = Scene::set(Some(under_the_name_of(&stranger, &known))).await;
    for round in 0..3 {
        scene.now.fetch_add(MINUTE, Ordering::Relaxed);
        for n in 0..5 {
            assert_eq!(scene.deliver(&stranger, &format!("{round}-{n}")).await, 401);
        }
    }
    assert_eq!(scene.asked(), 1 + 3);
    assert_eq!(scene.deliver(&known, "still known").await, 201);
}

#[tokio::test]
async fn a_bus_that_fails_to_show_its_keys_again_is_believed_by_those_it_showed() {
    let stranger = SigningBus::start().await;
    let scene = Scene::set(None).await;
    for (n, answer) in [json_answer(503, &json!({})), json_answer(500, &json!({}))].into_iter().enumerate() {
        scene.bus.meshblu.answer(KEYS, [answer]);
        scene.now.fetch_add(MINUTE, Ordering::Relaxed);
        assert_eq!(scene.deliver(&stranger, &format!("strange-{n}")).await, 401);
        assert_eq!(scene.deliver(&scene.bus, &format!("known-{n}")).await, 201);
    }
}

#[tokio::test]
async fn another_key_of_a_bus_that_signs_in_the_old_form_is_taken_up_too() {
    let meshblu = FakeMeshblu::start().await;
    let other = RsaPrivateKey::from_pkcs8_pem(include_str!("../../fixtures/vault-other-key.pem")).unwrap();
    let pem = other.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let shown = |key: &Value| json_answer(200, &json!({"publicKey": key}));
    meshblu.answer(OLD_KEY, [shown(&json!(pem)), shown(&vectors()["meshbluPublicKeyPem"])]);
    let now = Arc::new(AtomicI64::new(vectors()["nowMs"].as_i64().unwrap()));
    let hand = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::Relaxed)));
    let directory = tempfile::tempdir().unwrap();
    let gateway = RemoteGateway::at(clock, settings(directory.path(), &meshblu.url())).await.unwrap();
    assert_eq!(gateway.webhook(&say_hello()).await.status, 401);
    now.fetch_add(MINUTE, Ordering::Relaxed);
    gateway.webhook(&say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn whoever_makes_up_names_of_keys_costs_the_bus_one_question_in_half_a_minute() {
    let scene = Scene::set(None).await;
    let stranger = SigningBus::start().await;
    for round in 0..3 {
        scene.now.fetch_add(MINUTE, Ordering::Relaxed);
        for n in 0..5 {
            assert_eq!(scene.deliver(&stranger, &format!("{round}-{n}")).await, 401);
        }
    }
    assert_eq!(scene.asked(), 1 + 3);
    assert_eq!(scene.deliver(&scene.bus, "still known").await, 201);
}

#[tokio::test]
async fn whoever_hangs_up_keeps_nobody_from_a_key_that_the_bus_took_into_use() {
    let scene = Scene::set(None).await;
    let (stranger, next) = (SigningBus::start().await, SigningBus::start().await);
    let gate = Arc::new(Semaphore::new(0));
    scene.bus.meshblu.answer(KEYS, [key_set(&[&next]).behind(&gate)]);
    scene.now.fetch_add(MINUTE, Ordering::Relaxed);
    let asked = scene.asked();
    let connection = scene.post(&stranger, "made up").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while scene.asked() == asked {
        ticks.tick().await;
    }
    connection.set_zero_linger().unwrap();
    drop(connection);
    gate.add_permits(1);
    assert_eq!(scene.deliver(&next, "genuine").await, 201);
    assert_eq!(scene.asked(), asked + 1);
}

#[tokio::test]
async fn a_bus_that_does_not_show_its_keys_at_the_start_is_asked_again_at_its_first_webhook() {
    let scene = Scene::set(Some(json_answer(503, &json!({"error": "busy"})))).await;
    scene.bus.meshblu.answer(KEYS, [key_set(&[&scene.bus])]);
    assert_eq!(scene.deliver(&scene.bus, "first").await, 201);
}

#[tokio::test]
async fn a_bus_that_showed_no_keys_at_the_start_may_sign_in_both_forms() {
    let scene = Scene::set(Some(json_answer(503, &json!({"error": "busy"})))).await;
    scene.bus.meshblu.answer(KEYS, [key_set(&[&scene.bus])]);
    let authority = scene.gateway.running.gateway().to_string();
    let now = Timestamp::from_millis(scene.now.load(Ordering::Relaxed));
    let old =
        r#"Signature keyId="bus",algorithm="rsa-sha256",headers="date x-meshblu-uuid",signature="AAAA""#;
    let request = scene.bus.posting(&authority, now).delivery("first", &say_hello());
    send(request.header("authorization", old)).await.is(201, "Created");
}
