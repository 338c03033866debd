//! Sending, and reading along.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use endo::bus::embedded::api::ApiLimits;
use endo::message::DeviceUuid;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::bus::{Device, TestBus, WithJson, send};
use crate::support::log;

/// Lines that come one by one.
struct Stream(reqwest::Response);

impl Stream {
    async fn of(bus: &TestBus, device: &Device) -> Self {
        let request = bus.by(device, &format!("GET /subscribe/{}/received", device.uuid));
        let stream = request.send().await.unwrap();
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
        Self(stream)
    }

    /// The next line; `None` at the end.
    async fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        while !text.ends_with(b"\n") {
            text.extend_from_slice(&self.0.chunk().await.unwrap()?);
        }
        text.pop();
        Some(String::from_utf8(text).unwrap())
    }

    async fn line(&mut self) -> Value {
        serde_json::from_str(&self.text().await.unwrap()).unwrap()
    }
}

async fn message(bus: &TestBus, sender: &Device, body: &Value) {
    send(bus.by(sender, "POST /messages").json(body)).await.is(204, "");
}

#[tokio::test]
async fn what_arrives_is_read_along_from_then_on() {
    let bus = TestBus::open().await;
    let (sender, receiver) = (bus.device(json!({})).await, bus.listener().await);
    message(&bus, &sender, &json!({"devices": [receiver.uuid], "n": 0})).await;
    let mut stream = Stream::of(&bus, &receiver).await;
    let body = json!({"devices": [receiver.uuid], "z": "\u{0}\u{1f600}", "a": 2});
    message(&bus, &sender, &body).await;
    let mut expected = body;
    expected["fromUuid"] = json!(sender.uuid);
    assert_eq!(stream.text().await.unwrap(), expected.to_string());
}

#[tokio::test]
async fn only_a_device_that_hears_itself_is_read_along_with() {
    let bus = TestBus::open().await;
    let (sender, receiver) = (bus.device(json!({})).await, bus.listener().await);
    let call = format!("/v2/devices/{0}/subscriptions/{0}/message.received", receiver.uuid);
    let mut stream = Stream::of(&bus, &receiver).await;
    send(bus.by(&receiver, &format!("DELETE {call}"))).await.is(204, "");
    message(&bus, &sender, &json!({"devices": [receiver.uuid], "n": 1})).await;
    send(bus.by(&receiver, &format!("POST {call}"))).await.is(204, "");
    message(&bus, &sender, &json!({"devices": [receiver.uuid], "n": 2})).await;
    assert_eq!(stream.line().await["n"], json!(2));
}

#[tokio::test]
async fn who_may_hear_what_a_device_receives_may_read_along() {
    let bus = TestBus::open().await;
    let reader = bus.device(json!({})).await;
    let lists = json!({"message": {"from": [{"uuid": "*"}], "received": [{"uuid": reader.uuid}]}});
    let receiver = bus.device(lists).await;
    bus.subscribe(&receiver, &receiver, "message.received").await;
    let call = format!("GET /subscribe/{}/received", receiver.uuid);
    let mut stream = Stream(bus.by(&reader, &call).send().await.unwrap());
    message(&bus, &reader, &json!({"devices": [receiver.uuid], "n": 1})).await;
    assert_eq!(stream.line().await["n"], json!(1));
    let stranger = bus.device(json!({})).await;
    send(bus.by(&stranger, &call)).await.is(403, "null");
    let borrowed = bus.by(&stranger, &call).header("x-meshblu-as", &reader.uuid);
    send(borrowed).await.is(403, "null");
    send(bus.by(&reader, "GET /subscribe/nobody/received")).await.is(403, "null");
}

#[tokio::test]
async fn reading_along_ends_with_the_device_and_with_the_bus() {
    let bus = TestBus::open().await;
    let (goes, stays) = (bus.listener().await, bus.listener().await);
    let (mut first, mut second) = (Stream::of(&bus, &goes).await, Stream::of(&bus, &stays).await);
    send(bus.by(&goes, &format!("DELETE /devices/{}", goes.uuid))).await;
    assert_eq!(first.text().await, None);
    bus.bus.close_streams();
    assert_eq!(second.text().await, None);
}

#[tokio::test]
async fn only_so_many_read_along() {
    let bus = TestBus::with(ApiLimits { streams: 1, ..ApiLimits::default() }, None).await;
    let device = bus.listener().await;
    let stream = Stream::of(&bus, &device).await;
    let call = format!("GET /subscribe/{}/received", device.uuid);
    let refused = send(bus.by(&device, &call)).await;
    refused.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    drop(stream);
    // Nothing is said to the first reader meanwhile.
    while bus.by(&device, &call).send().await.unwrap().status() != 200 {}
}

#[tokio::test]
async fn a_reader_that_closes_its_half_is_let_go() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let login = BASE64_STANDARD.encode(format!("{}:{}", device.uuid, device.token));
    let head = format!(
        "GET /subscribe/{}/received HTTP/1.1\r\nhost: x\r\nauthorization: Basic {login}\r\n\r\n",
        device.uuid
    );
    let mut socket = TcpStream::connect(bus.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        answer.push(char::from(socket.read_u8().await.unwrap()));
    }
    socket.shutdown().await.unwrap();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_head_of_what_is_read_without_end_ends_at_once() {
    let bus = TestBus::with(ApiLimits { streams: 1, ..ApiLimits::default() }, None).await;
    let (device, other) = (bus.listener().await, bus.listener().await);
    let call = format!("HEAD /subscribe/{}/received", device.uuid);
    for _ in 0..2 {
        let answer = send(bus.by(&device, &call)).await;
        answer.is(200, "");
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    }
    assert_eq!(
        [send(bus.by(&other, &call)).await.status, send(bus.anonymous(&call)).await.status],
        [403, 403]
    );
}

#[tokio::test]
async fn whoever_reads_along_the_most_makes_room_for_whoever_does_not_yet() {
    let bus = TestBus::with(ApiLimits { streams: 2, ..ApiLimits::default() }, None).await;
    let (greedy, modest) = (bus.listener().await, bus.listener().await);
    let mut streams = [Stream::of(&bus, &greedy).await, Stream::of(&bus, &greedy).await];
    let mut stream = Stream::of(&bus, &modest).await;
    assert_eq!(streams[0].text().await, None);
    for (device, stream) in [(&modest, &mut stream), (&greedy, &mut streams[1])] {
        message(&bus, device, &json!({"devices": [device.uuid], "n": 1})).await;
        assert_eq!(stream.line().await["n"], json!(1));
    }
}

#[tokio::test]
async fn a_sender_is_never_told_who_does_not_receive() {
    let bus = TestBus::open().await;
    let (sender, refuses) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let receiver = bus.listener().await;
    let mut stream = Stream::of(&bus, &receiver).await;
    for devices in [json!(["nobody"]), json!("nobody"), json!([refuses.uuid]), json!(["", "a\u{0}b"])] {
        message(&bus, &sender, &json!({"devices": devices})).await;
    }
    let posing = bus.by(&sender, "POST /messages").header("x-meshblu-as", &refuses.uuid);
    send(posing.json(&json!({"devices": [receiver.uuid], "n": "posing"}))).await.is(204, "");
    message(&bus, &sender, &json!({"devices": [refuses.uuid, "nobody", receiver.uuid], "n": 1})).await;
    assert_eq!(stream.line().await["n"], json!(1));
}

#[tokio::test]
async fn a_message_without_recipients_is_refused() {
    let bus = TestBus::open().await;
    let sender = bus.device(json!({})).await;
    for body in [json!({}), json!({"devices": []}), json!([{"devices": ["*"]}]), json!({"devices": 1})] {
        let answer = send(bus.by(&sender, "POST /messages").json(&body)).await;
        answer.is(422, "null");
        assert_eq!(answer.header("x-meshblu-code"), Some("422"));
    }
    send(bus.by(&sender, "POST /messages")).await.is(422, "null");
}

#[tokio::test]
async fn a_recipient_listed_twice_receives_twice() {
    let bus = TestBus::open().await;
    let (sender, receiver) = (bus.device(json!({})).await, bus.listener().await);
    let mut stream = Stream::of(&bus, &receiver).await;
    message(&bus, &sender, &json!({"devices": [receiver.uuid, receiver.uuid], "n": 1})).await;
    message(&bus, &sender, &json!({"devices": receiver.uuid, "n": 2})).await;
    let lines = [stream.line().await, stream.line().await, stream.line().await];
    assert_eq!(lines.map(|line| line["n"].clone()), [json!(1), json!(1), json!(2)]);
}

#[tokio::test]
async fn a_form_is_a_message_too() {
    let bus = TestBus::open().await;
    let (sender, receiver) = (bus.device(json!({})).await, bus.listener().await);
    let mut stream = Stream::of(&bus, &receiver).await;
    let form = bus.by(&sender, "POST /messages").body(format!("devices[]={}&data[a]=1", receiver.uuid));
    send(form.header("content-type", "application/x-www-form-urlencoded")).await.is(204, "");
    assert_eq!(stream.line().await["data"], json!({"a": "1"}));
}

#[tokio::test]
async fn a_broadcast_goes_to_subscribers_whatever_it_says() {
    let bus = TestBus::open().await;
    let sender = bus.device(json!({"broadcast": {"sent": [{"uuid": "*"}]}})).await;
    let (receiver, bystander) = (bus.listener().await, bus.listener().await);
    bus.subscribe(&receiver, &sender, "broadcast.sent").await;
    let mut stream = Stream::of(&bus, &bystander).await;
    let call = bus.by(&sender, "POST /broadcasts").json(&json!({"devices": [bystander.uuid], "n": 1}));
    send(call).await.is(204, "");
    message(&bus, &sender, &json!({"devices": [bystander.uuid], "n": 2})).await;
    assert_eq!(stream.line().await["n"], json!(2));
}

#[tokio::test]
async fn whom_a_message_names_and_who_sends_it_is_not_logged_as_it_says() {
    log::capture();
    let bus = TestBus::open().await;
    let sender = bus.device(json!({})).await;
    let [named, acting] = ["5ec2e7a1-0000-4000-8000-0000000a4a3d", "5ec2e7a1-0000-4000-8000-0000000ac714"];
    let mut devices = vec!["x"; 10_000];
    devices.push(named);
    let request = bus.by(&sender, "POST /messages").json(&json!({"devices": devices}));
    send(request.header("x-meshblu-as", acting)).await.is(204, "");
    for secret in [named, acting] {
        assert!(log::lines_with(secret).is_empty(), "{:?}", log::lines_with(secret));
        let lines = log::lines_with(&DeviceUuid::from(secret).fingerprint());
        assert!(lines.iter().any(|line| line.contains("would have gone further")), "{lines:?}");
    }
}
