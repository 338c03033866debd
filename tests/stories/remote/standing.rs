//! What the gateway tells a bus of how a delivery stands, beside the original's status.

use std::sync::Arc;

use endo::ambient::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::bus::{Answer as HttpAnswer, send};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{SigningBus, json_answer, say_hello, vectors};

/// The status, and how the delivery stands.
fn told(answer: &HttpAnswer) -> (u16, &str) {
    (answer.status.as_u16(), answer.headers["x-meshblu-delivery"].to_str().unwrap())
}

fn failing(code: u16) -> Value {
    json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "fail", "code": code}})
}

#[tokio::test]
async fn a_delivery_with_an_outcome_has_ended_whatever_its_status() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let first = bus.deliver(&gateway, "replied", &say_hello()).await;
    assert_eq!(told(&first), (201, "ended"));
    for code in [404, 429, 500, 503] {
        // The second time it is told from the disk.
        for _ in 0..2 {
            let answer = bus.deliver(&gateway, &code.to_string(), &failing(code)).await;
            assert_eq!(told(&answer), (code, "ended"));
        }
    }
    bus.meshblu.answer("POST /messages", [Answer::Bytes(Vec::new())]);
    for _ in 0..2 {
        assert_eq!(told(&bus.deliver(&gateway, "unknown", &say_hello()).await), (502, "ended"));
    }
}

#[tokio::test]
async fn a_delivery_of_which_nothing_is_kept_is_open_whatever_its_status() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let unsigned = gateway.webhook(&say_hello()).await;
    assert_eq!(told(&unsigned), (401, "open"));
    let no = || json_answer(403, &json!({"error": "not now"}));
    let shown = json_answer(200, &json!([vectors()["credentialsDevice"]]));
    // It is asked once more, after the gateway allowed itself to.
    bus.meshblu.answer("POST /search/devices", [no(), no(), shown]);
    assert_eq!(told(&bus.deliver(&gateway, "d", &say_hello()).await), (403, "open"));
    assert_eq!(told(&bus.deliver(&gateway, "d", &say_hello()).await), (201, "ended"));
}

#[tokio::test]
async fn a_bus_that_does_not_wait_to_the_end_is_told_that_the_delivery_is_on_disk() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let gate = Arc::new(Semaphore::new(0));
    bus.meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
    let authority = gateway.running.gateway().to_string();
    // The first attempt, and one that finds it in hand.
    for preferences in ["respond-async, wait=0", "Wait = \"0\", RESPOND-ASYNC; x=y"] {
        let delivery = bus.posting(&authority, now).delivery("d", &say_hello());
        send(delivery.header("prefer", preferences)).await.is(202, "Accepted");
        assert_eq!(gateway.waiting().await, 1);
    }
    gate.add_permits(1);
    gateway.until_nothing_waits().await;
    assert_eq!(told(&bus.deliver(&gateway, "d", &say_hello()).await), (201, "ended"));
    assert_eq!(bus.meshblu.messages().len(), 1);
}
