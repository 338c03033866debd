//! Deliveries that a bus of ours brings again: the first outcome, and nothing runs (RFC 9421 signatures).

use std::sync::Arc;

use endo::ambient::Timestamp;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{CREDENTIALS, SigningBus, bound, json_answer, say_hello, vectors};

#[tokio::test]
async fn a_delivery_that_comes_again_gets_the_first_outcome_and_runs_nothing() {
    let bus = SigningBus::start().await;
    let (gateway, directory) = bus.gateway().await;
    bus.deliver(&gateway, "d1", &say_hello()).await.is(201, "Created");
    let calls = bus.meshblu.called().len();
    bus.deliver(&gateway, "d1", &say_hello()).await.is(201, "Created");
    let failing = json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "fail"}});
    assert_eq!(bus.deliver(&gateway, "d1", &failing).await.status, 201, "its name alone counts");
    assert_eq!(bus.meshblu.called().len(), calls);
    let first = bus.deliver(&gateway, "d2", &failing).await;
    let again = bus.deliver(&gateway, "d2", &failing).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (418, 418));
    assert_eq!(first.json()["error"], again.json()["error"]);
    assert_eq!(bus.meshblu.messages().len(), 2);
    gateway.stop().await;
    let gateway = bus.gateway_in(&directory).await;
    bus.deliver(&gateway, "d1", &say_hello()).await.is(201, "Created");
    assert_eq!(bus.deliver(&gateway, "d2", &failing).await.status, 418);
    assert_eq!(bus.meshblu.messages().len(), 2, "also across a restart");
}

#[tokio::test]
async fn a_delivery_whose_reply_was_refused_is_answered_the_same_when_it_comes_again() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let no = json_answer(403, &json!({"error": "not from here"}));
    bus.meshblu.answer("POST /messages", [no, Answer::new(204, &[], "")]);
    let first = bus.deliver(&gateway, "d", &say_hello()).await;
    let again = bus.deliver(&gateway, "d", &say_hello()).await;
    for answer in [first, again] {
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (403, &json!("not from here")));
    }
    assert_eq!(bus.meshblu.messages().len(), 2);
}

#[tokio::test]
async fn a_delivery_whose_reply_became_a_dead_letter_is_answered_the_same_when_it_comes_again() {
    let cut = Answer::Bytes(Vec::new());
    let no = |status| json_answer(status, &json!({"error": "not from here"}));
    for (answers, status, text) in [
        (vec![no(403)], 403, "not from here"),
        (vec![no(503)], 503, "not from here"),
        (vec![cut], 502, "reply_unknown"),
    ] {
        let bus = SigningBus::start().await;
        let (gateway, _directory) = bus.gateway().await;
        bus.meshblu.answer("POST /messages", answers);
        let first = bus.deliver(&gateway, "d", &say_hello()).await;
        let sent = bus.meshblu.messages().len();
        let again = bus.deliver(&gateway, "d", &say_hello()).await;
        for answer in [first, again] {
            assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(text)));
        }
        assert_eq!((gateway.dead_letters().await.len(), bus.meshblu.messages().len()), (1, sent));
    }
}

#[tokio::test]
async fn a_delivery_that_a_bus_could_not_be_asked_about_is_worked_on_when_it_comes_again() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    let refused = |status| json_answer(status, &json!({"error": "not now"}));
    bus.meshblu.answer(
        &subscriptions,
        // What is away is asked once more.
        [refused(503), refused(503), refused(429), refused(408), json_answer(200, &json!([bound()]))],
    );
    for status in [503, 429, 408] {
        assert_eq!(bus.deliver(&gateway, "d", &say_hello()).await.status, status);
    }
    bus.deliver(&gateway, "d", &say_hello()).await.is(201, "Created");
    bus.deliver(&gateway, "d", &say_hello()).await.is(201, "Created");
    assert_eq!(bus.meshblu.messages().len(), 1);
}

#[tokio::test]
async fn a_delivery_whose_record_the_bus_would_not_show_is_worked_on_when_it_comes_again() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let no = || json_answer(403, &json!({"error": "not now"}));
    let shown = json_answer(200, &json!([vectors()["credentialsDevice"]]));
    // It is asked once more, after the gateway allowed itself to.
    bus.meshblu.answer("POST /search/devices", [no(), no(), shown]);
    assert_eq!(bus.deliver(&gateway, "d", &say_hello()).await.status, 403);
    bus.deliver(&gateway, "d", &say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn a_delivery_that_comes_again_while_it_is_worked_on_waits_for_its_end() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let gate = Arc::new(Semaphore::new(0));
    let taken = Answer::new(204, &[], "").behind(&gate);
    bus.meshblu.answer("POST /messages", [taken]);
    let message = say_hello();
    let deliveries = async {
        tokio::join!(
            bus.deliver(&gateway, "d", &message),
            bus.deliver(&gateway, "d", &message),
            bus.deliver(&gateway, "d", &message),
        )
    };
    let open = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
        while bus.meshblu.messages().is_empty() {
            ticks.tick().await;
        }
        gate.add_permits(10);
    };
    let ((a, b, c), ()) = tokio::join!(deliveries, open);
    assert_eq!([a.status, b.status, c.status].map(|status| status.as_u16()), [201; 3]);
    assert_eq!(bus.meshblu.messages().len(), 1);
}

#[tokio::test]
async fn a_reply_that_nobody_knows_of_stays_unknown_when_its_delivery_comes_again() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    bus.meshblu.answer("POST /messages", [Answer::Bytes(Vec::new())]);
    for _ in 0..2 {
        assert_eq!(bus.deliver(&gateway, "d", &say_hello()).await.status, 502);
    }
    assert_eq!(bus.meshblu.messages().len(), 1);
}

#[tokio::test]
async fn a_changed_body_or_route_is_refused() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let answer = gateway.webhook(&say_hello()).await;
    assert_eq!(answer.status, 401, "the old form is off");
    assert!(bus.meshblu.called().is_empty());
}

#[tokio::test]
async fn a_delivery_whose_name_could_not_be_found_again_is_refused() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    for id in ["", " ", &"d".repeat(201)] {
        assert_eq!(bus.deliver(&gateway, id, &say_hello()).await.status, 400, "{} bytes", id.len());
    }
    assert!(bus.meshblu.messages().is_empty());
    bus.deliver(&gateway, &"d".repeat(200), &say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn what_anybody_on_the_way_can_change_does_not_decide_how_a_signed_body_is_read() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
    let authority = gateway.running.gateway().to_string();
    let delivery = bus.posting(&authority, now).delivery("d", &say_hello());
    let changed = delivery.header("content-type", "application/x-www-form-urlencoded");
    send(changed).await.is(201, "Created");
}
