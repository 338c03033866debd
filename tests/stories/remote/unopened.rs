//! Messages whose credentials cannot be opened for the moment: whoever brings them again has them worked on; where nobody
//! would, they are kept.

use std::sync::Arc;

use endo::ambient::Timestamp;
use endo::store::Transaction;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::firehose::{FakeFirehose, Manner, event, gateway_with, until};
use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, RemoteGateway, SERVICE, SigningBus, bound, json_answer, route, say_hello, vectors,
};

/// From now on the Meshblu says of the credentials device's subscriptions what these answers say.
fn answer_who_is_bound(bus: &SigningBus, answers: impl IntoIterator<Item = Answer>) {
    bus.meshblu.answer(&format!("GET /v2/devices/{CREDENTIALS}/subscriptions"), answers);
}

fn away() -> Answer {
    json_answer(503, &json!({"error": "not now"}))
}

/// The gateway after a start at which it finds this delivery, whose job may have made a call or not.
async fn found_at_start(bus: &SigningBus, call_started: bool) -> (RemoteGateway, TempDir) {
    let (gateway, directory) = bus.gateway().await;
    gateway.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    let sql =
        "INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at, call_started)
               VALUES ('d', 0, ?1, 'message.received', ?2, ?3, 0, 0, ?4)";
    database.execute(sql, (SERVICE, route(), say_hello().to_string(), call_started)).unwrap();
    drop(database);
    let gateway = bus.gateway_in(&directory).await;
    until(async || gateway.waiting().await == 0).await;
    (gateway, directory)
}

/// That the one delivery is kept as it was, and that its job runs when it is replayed.
async fn is_kept(bus: &SigningBus, gateway: &RemoteGateway) {
    let letters = gateway.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].reason.as_str(), letters[0].code), ("not_opened", Some(503)));
    assert_eq!(letters[0].fate.refusal.as_deref(), Some("not now"));
    assert_eq!(serde_json::from_str::<Value>(&letters[0].delivery.body).unwrap(), say_hello());
    answer_who_is_bound(bus, [json_answer(200, &json!([bound()]))]);
    let (id, now) = (letters[0].delivery.id.clone(), gateway.gateway.ambient.clock.now());
    let replay = move |transaction: &Transaction<'_>| transaction.replay(&id, now);
    gateway.gateway.store.write(replay).await.unwrap();
    gateway.gateway.job_bell.notify_one();
    until(async || !bus.meshblu.messages().is_empty()).await;
    assert_eq!(bus.meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
}

#[tokio::test]
async fn what_a_process_left_behind_is_kept() {
    let bus = SigningBus::start().await;
    answer_who_is_bound(&bus, [away()]);
    let (gateway, _directory) = found_at_start(&bus, false).await;
    let again = bus.deliver(&gateway, "d", &say_hello()).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]), (503, &json!("not now")));
    assert_eq!(again.headers["x-meshblu-delivery"], "ended");
    is_kept(&bus, &gateway).await;
}

#[tokio::test]
async fn what_a_bus_was_told_to_be_on_disk_is_kept() {
    let bus = SigningBus::start().await;
    let gate = Arc::new(Semaphore::new(0));
    answer_who_is_bound(&bus, [away().behind(&gate)]);
    let (gateway, _directory) = bus.gateway().await;
    let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
    let authority = gateway.running.gateway().to_string();
    let delivery = bus.posting(&authority, now).delivery("d", &say_hello());
    send(delivery.header("prefer", "respond-async, wait=0")).await.is(202, "Accepted");
    gate.add_permits(2);
    until(async || gateway.waiting().await == 0).await;
    is_kept(&bus, &gateway).await;
}

#[tokio::test]
async fn what_was_read_off_a_firehose_is_kept() {
    let bus = SigningBus::start().await;
    answer_who_is_bound(&bus, [away()]);
    let firehose = FakeFirehose::start(vec![Manner::Behaves(vec![event(&say_hello().to_string())])]).await;
    let (gateway, _directory) = gateway_with(&bus.meshblu, &firehose, |_| ()).await;
    until(async || !gateway.dead_letters().await.is_empty()).await;
    is_kept(&bus, &gateway).await;
}

#[tokio::test]
async fn a_job_that_may_have_changed_something_does_not_run_again_for_whoever_brings_its_message_again() {
    let bus = SigningBus::start().await;
    answer_who_is_bound(&bus, [away(), away(), json_answer(200, &json!([bound()]))]);
    let (gateway, _directory) = found_at_start(&bus, true).await;
    let again = bus.deliver(&gateway, "d", &say_hello()).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]), (503, &json!("outcome_unknown")));
    assert_eq!(again.headers["x-meshblu-delivery"], "ended");
    assert!(bus.meshblu.messages().is_empty() && gateway.dead_letters().await.is_empty());
}
