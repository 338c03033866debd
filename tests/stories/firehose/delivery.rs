//! What a session hears.

use serde_json::{Value, json};

use super::wire::{Polling, Socket};
use crate::support::bus::{Device, TestBus, WithJson, send};

async fn message(bus: &TestBus, sender: &Device, body: &Value) {
    send(bus.by(sender, "POST /messages").json(body)).await.is(204, "");
}

fn hop(from: &Device, to: &Device, kind: &str) -> Value {
    json!({"from": from.uuid, "to": to.uuid, "type": kind})
}

#[tokio::test]
async fn a_message_comes_with_its_route_and_as_it_was_sent() {
    let bus = TestBus::open().await;
    let (sender, device) = (bus.device(json!({})).await, bus.listener().await);
    let polling = Polling::open(&bus, &device).await;
    let mut socket = Socket::open(&bus, &device).await;
    let body = json!({"devices": [device.uuid], "z": "\u{e9}\u{1f600}\u{0}\"", "a": 1});
    message(&bus, &sender, &body).await;
    for event in [polling.events().await.remove(0), socket.event().await] {
        assert_eq!(event["rawData"], json!(body.to_string()));
        let metadata = event["metadata"].as_object().unwrap();
        let route = [hop(&sender, &device, "message.received"), hop(&device, &device, "message.received")];
        assert_eq!(metadata["route"], json!(route));
        assert_eq!(metadata["responseId"].as_str().unwrap().len(), 36);
        assert_eq!(metadata.len(), 2);
    }
}

#[tokio::test]
async fn nothing_is_lost_between_two_polls() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    for n in 0..20 {
        message(&bus, &device, &json!({"devices": [device.uuid], "n": n})).await;
    }
    let mut heard = Vec::new();
    while heard.len() < 20 {
        heard
            .extend(session.events().await.iter().map(|event| event["rawData"].as_str().unwrap().to_owned()));
    }
    let numbers: Vec<_> =
        heard.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()["n"].clone()).collect();
    assert_eq!(json!(numbers), json!((0..20).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_waiting_poll_is_answered_by_what_arrives() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let body = json!({"devices": [device.uuid], "n": 1});
    let (events, ()) = tokio::join!(session.events(), message(&bus, &device, &body));
    assert_eq!(events[0]["rawData"], json!(body.to_string()));
}

#[tokio::test]
async fn a_device_that_is_not_subscribed_to_itself_hears_nothing() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({"message": {"from": [{"uuid": "*"}]}})).await;
    let mut socket = Socket::open(&bus, &device).await;
    message(&bus, &device, &json!({"devices": [device.uuid], "n": 1})).await;
    bus.subscribe(&device, &device, "message.received").await;
    let second = json!({"devices": [device.uuid], "n": 2});
    message(&bus, &device, &second).await;
    assert_eq!(socket.event().await["rawData"], json!(second.to_string()));
}

#[tokio::test]
async fn changes_broadcasts_and_the_end_of_a_device_are_heard_too() {
    let bus = TestBus::open().await;
    let lists = json!({
        "configure": {"sent": [{"uuid": "*"}], "update": [{"uuid": "*"}]},
        "broadcast": {"sent": [{"uuid": "*"}]},
    });
    let (emitter, device) = (bus.device(lists).await, bus.device(json!({})).await);
    for kind in ["configure", "broadcast", "unregister"] {
        bus.subscribe(&device, &emitter, &format!("{kind}.sent")).await;
        bus.subscribe(&device, &device, &format!("{kind}.received")).await;
    }
    let mut socket = Socket::open(&bus, &device).await;
    let uuid = &emitter.uuid;
    send(bus.by(&emitter, &format!("PATCH /v2/devices/{uuid}")).json(&json!({"color": "red"})))
        .await
        .is(204, "");
    send(bus.by(&emitter, "POST /broadcasts").json(&json!({"n": 1}))).await.is(204, "");
    assert_eq!(send(bus.by(&emitter, &format!("DELETE /devices/{uuid}"))).await.status, 200);
    for (kind, says) in
        [("configure", "\"color\":\"red\""), ("broadcast", "\"n\":1"), ("unregister", "\"color\":\"red\"")]
    {
        let event = socket.event().await;
        let (sent, received) = (format!("{kind}.sent"), format!("{kind}.received"));
        let route = [
            hop(&emitter, &device, &sent),
            hop(&emitter, &device, &received),
            hop(&device, &device, &received),
        ];
        assert_eq!(event["metadata"]["route"], json!(route));
        assert!(event["rawData"].as_str().unwrap().contains(says), "{event}");
    }
}

#[tokio::test]
async fn what_devices_sent_on_comes_with_the_routes_before() {
    let bus = TestBus::open().await;
    let open = json!({"broadcast": {"sent": [{"uuid": "*"}]}});
    let (first, middle, last) =
        (bus.device(open.clone()).await, bus.device(open).await, bus.device(json!({})).await);
    bus.subscribe(&middle, &first, "broadcast.sent").await;
    bus.subscribe(&middle, &middle, "broadcast.received").await;
    bus.subscribe(&last, &middle, "broadcast.sent").await;
    bus.subscribe(&last, &last, "broadcast.received").await;
    let forward = json!({"$set": {"meshblu.forwarders.broadcast.received": [{"type": "meshblu"}]}});
    send(bus.by(&middle, &format!("PUT /v2/devices/{}", middle.uuid)).json(&forward)).await.is(204, "");
    let session = Polling::open(&bus, &last).await;
    send(bus.by(&first, "POST /broadcasts").json(&json!({"n": 1}))).await.is(204, "");
    let event = session.events().await.remove(0);
    let way = |from: &Device, to: &Device| {
        json!([
            hop(from, to, "broadcast.sent"),
            hop(from, to, "broadcast.received"),
            hop(to, to, "broadcast.received")
        ])
    };
    assert_eq!(event["metadata"]["route"], way(&middle, &last));
    assert_eq!(event["metadata"]["forwardedRoutes"], json!([way(&first, &middle)]));
}

#[tokio::test]
async fn a_session_that_polls_goes_over_to_a_websocket_without_a_gap() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let mut socket = session.websocket().await;
    let probing = async {
        socket.say("2probe").await;
        socket.text().await.unwrap()
    };
    let (poll, probed) = tokio::join!(session.poll(), probing);
    poll.is(200, "1:6");
    assert_eq!(probed, "3probe");
    let body = |n: i32| json!({"devices": [device.uuid], "n": n});
    message(&bus, &device, &body(1)).await;
    socket.say("5").await;
    message(&bus, &device, &body(2)).await;
    for n in [1, 2] {
        assert_eq!(socket.event().await["rawData"], json!(body(n).to_string()));
    }
    session.poll().await.is(400, r#"{"code":3,"message":"Bad request"}"#);
}

#[tokio::test]
async fn a_large_message_comes_whole_over_both_transports() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let polling = Polling::open(&bus, &device).await;
    let mut socket = Socket::open(&bus, &device).await;
    let body = json!({"devices": [device.uuid], "large": "\u{e9}".repeat(300_000)});
    message(&bus, &device, &body).await;
    let whole = json!(body.to_string());
    assert!(polling.events().await[0]["rawData"] == whole);
    assert!(socket.event().await["rawData"] == whole);
}
