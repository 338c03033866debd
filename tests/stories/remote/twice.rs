//! A message with a member that stands there more than once: for everybody who reads it the last counts.

use serde_json::json;

use super::firehose::{FakeFirehose, Manner, event, gateway_with, until};
use crate::support::bus::send;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::gateway::TestGateway;
use crate::support::meshblu::{FLOW, FakeMeshblu, SigningBus, USER_DEVICE};

/// What stands first would be told 422, or have another job run.
const TWICE: [&str; 3] = [
    r#"{"metadata": {"jobType": "SayHello"}, "data": {"name": "first"}, "data": {"name": "last"}}"#,
    r#"{"metadata": 5, "data": {"name": "last"}, "metadata": {"jobType": "Nothing", "jobType": "SayHello"}}"#,
    r#"{"metadata": {"jobType": "Nothing"}, "data": {"name": "first", "name": "last"}, "topic": 1, "topic": 2,
        "m\u0065tadata": {"jobType": "SayHello"}}"#,
];

fn said(meshblu: &FakeMeshblu) {
    let reply =
        json!({"devices": [FLOW], "metadata": {"code": 200, "status": "OK"}, "data": {"hello": "last"}});
    assert_eq!(meshblu.messages(), vec![reply; TWICE.len()]);
    assert!(meshblu.calls().iter().any(|call| call.header("x-meshblu-as") == [USER_DEVICE]));
}

#[tokio::test]
async fn the_last_counts_in_what_a_bus_posts_and_signs() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    for (number, message) in TWICE.iter().enumerate() {
        bus.deliver(&gateway, &format!("delivery-{number}"), message).await.is(201, "Created");
    }
    said(&bus.meshblu);
}

#[tokio::test]
async fn the_last_counts_in_what_is_read_off_a_firehose() {
    let meshblu = FakeMeshblu::start().await;
    let firehose = FakeFirehose::start(vec![Manner::Behaves(TWICE.map(event).to_vec())]).await;
    let (_gateway, _directory) = gateway_with(&meshblu, &firehose, |_| ()).await;
    until(async || meshblu.messages().len() == TWICE.len()).await;
    said(&meshblu);
}

#[tokio::test]
async fn a_member_whose_last_is_no_good_is_not_there() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = bus.gateway().await;
    let message = r#"{"metadata": {"jobType": "SayHello"}, "metadata": null, "data": 1}"#;
    let answer = bus.deliver(&gateway, "delivery", &message).await;
    assert_eq!(answer.json()["error"], "Message is missing required property \"metadata\"");
}

#[tokio::test]
async fn the_last_counts_in_what_is_sent_to_the_bus_of_this_process() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    let message = format!(
        r#"{{"devices": ["nobody"], "metadata": {{"jobType": "Nothing"}}, "data": {{"username": "first"}},
            "devices": ["{}"], "metadata": {{"jobType": "ListEventsByUser"}}, "data": {{"username": "last"}}}}"#,
        chain.user.uuid
    );
    let request = gateway.by(&chain.flow.device, "POST /messages").header("content-type", "application/json");
    send(request.body(message)).await.is(204, "");
    assert_eq!(chain.flow.next().await["metadata"], json!({"code": 200, "status": "OK"}));
    assert_eq!(api.seen()[0].target, "/users/last/events");
}
