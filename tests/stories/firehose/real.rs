//! The npm clients that people have: `meshblu-firehose-socket.io` 4.0.2, and the 2.2.0 of endo-core.

use std::time::Duration;

use serde_json::{Value, json};

use super::endings::that_waits;
use crate::support::bus::{Device, TestBus};
use crate::support::real;

/// What the client of this version answers to `with`, beside the credentials.
async fn listen(bus: &TestBus, device: &Device, version: u8, with: Value) -> Value {
    let mut input = json!({
        "version": version,
        "hostname": bus.address.ip(),
        "port": bus.address.port(),
        "uuid": device.uuid,
        "token": device.token,
    });
    input.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    tokio::task::spawn_blocking(move || real::node("firehose.mjs", &input)).await.unwrap()
}

fn messages(device: &Device, count: usize) -> Vec<Value> {
    let text = "\u{e9}\u{1f600}\u{2028}\"\\";
    (0..count).map(|n| json!({"devices": [device.uuid], "n": n, "text": text})).collect()
}

#[track_caller]
fn heard(answer: &Value, device: &Device, messages: &[Value]) {
    let hop = json!({"from": device.uuid, "to": device.uuid, "type": "message.received"});
    let events = answer["messages"].as_array().unwrap();
    assert_eq!(events.len(), messages.len(), "{answer}");
    for (event, message) in events.iter().zip(messages) {
        assert_eq!(event["data"], *message);
        assert_eq!(event["metadata"]["route"], json!([hop]));
    }
}

#[tokio::test]
async fn both_clients_begin_with_polling_and_go_over_to_a_websocket() {
    if !real::on("both_clients_begin_with_polling_and_go_over_to_a_websocket") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for version in [2, 4] {
        let sent = messages(&device, 2);
        let answer = listen(&bus, &device, version, json!({"messages": sent})).await;
        assert_eq!(answer["happened"], json!(["connect", "upgrade"]));
        heard(&answer, &device, &sent);
        assert_eq!(answer["channel"][0], 0, "{answer}");
    }
}

#[tokio::test]
async fn both_clients_listen_over_one_transport_alone() {
    if !real::on("both_clients_listen_over_one_transport_alone") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for (version, transport) in [(2, "websocket"), (4, "websocket"), (2, "polling"), (4, "polling")] {
        let sent = messages(&device, 1);
        let with = json!({"transports": [transport], "messages": sent});
        let answer = listen(&bus, &device, version, with).await;
        assert_eq!(answer["happened"], json!(["connect"]));
        heard(&answer, &device, &sent);
    }
}

#[tokio::test]
async fn a_client_whose_session_was_dropped_comes_again_or_stays_away() {
    if !real::on("a_client_whose_session_was_dropped_comes_again_or_stays_away") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for transport in ["websocket", "polling"] {
        let sent = messages(&device, 1);
        let with = json!({"transports": [transport], "messages": sent, "drop": true});
        let answer = listen(&bus, &device, 4, with.clone()).await;
        assert_eq!(answer["happened"], json!(["connect", "disconnect", "connect"]));
        heard(&answer, &device, &sent);
        let answer = listen(&bus, &device, 2, with).await;
        assert_eq!(answer["happened"], json!(["connect", "disconnect"]));
    }
}

#[tokio::test]
async fn both_clients_learn_at_once_that_their_token_has_ended() {
    if !real::on("both_clients_learn_at_once_that_their_token_has_ended") {
        return;
    }
    let bus = that_waits(Duration::from_secs(3600)).await;
    for (version, transport) in [(2, "polling"), (4, "polling"), (2, "websocket"), (4, "websocket")] {
        let device = bus.listener().await;
        let with = json!({"transports": [transport], "messages": messages(&device, 1), "reset": true});
        let answer = listen(&bus, &device, version, with).await;
        assert_eq!(answer["happened"], json!(["connect", "disconnect"]));
    }
}

#[tokio::test]
async fn both_clients_learn_that_a_token_is_wrong() {
    if !real::on("both_clients_learn_that_a_token_is_wrong") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let stranger = Device { token: "0".repeat(40), ..device };
    for (version, transport) in [(2, "polling"), (4, "polling"), (2, "websocket"), (4, "websocket")] {
        let with = json!({"transports": [transport], "messages": messages(&stranger, 1)});
        let answer = listen(&bus, &stranger, version, with).await;
        assert_eq!(answer["happened"], json!(["connect_error"]));
    }
}
