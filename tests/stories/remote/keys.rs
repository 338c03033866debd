//! The keys that a bus of ours signs with: it may take others into use while the gateway runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{RemoteGateway, SigningBus, json_answer, say_hello, settings, vectors};

const KEYS: &str = "GET /.well-known/jwks.json";
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
        let bus = SigningBus::start().await;
        if let Some(keys) = keys {
            bus.meshblu.answer(KEYS, [keys]);
        }
        let now = Arc::new(AtomicI64::new(vectors()["nowMs"].as_i64().unwrap()));
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &bus.meshblu.url());
        settings.bus.accept_legacy_signatures = false;
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::Relaxed)));
        let gateway = RemoteGateway::at(clock, settings).await.unwrap();
        Self { bus, gateway, now, _directory: directory }
    }

    /// Delivers as `by`, and answers the status.
    async fn deliver(&self, by: &SigningBus, id: &str) -> u16 {
        let now = Timestamp::from_millis(self.now.load(Ordering::Relaxed));
        let authority = self.gateway.running.gateway().to_string();
        send(by.delivery((&authority, now), id, &say_hello())).await.status.as_u16()
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
async fn a_bus_that_does_not_show_its_keys_at_the_start_is_asked_again_at_its_first_webhook() {
    let scene = Scene::set(Some(json_answer(503, &json!({"error": "busy"})))).await;
    scene.bus.meshblu.answer(KEYS, [key_set(&[&scene.bus])]);
    assert_eq!(scene.deliver(&scene.bus, "first").await, 201);
}
