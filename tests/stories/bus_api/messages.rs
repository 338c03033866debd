//! Sending, and reading along.

use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, WithJson, send};

async fn read_along(bus: &TestBus, device: &Device) -> reqwest::Response {
    let stream = bus.by(device, &format!("GET /subscribe/{}/received", device.uuid)).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    stream
}

async fn line(stream: &mut reqwest::Response) -> Value {
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        text.extend_from_slice(&stream.chunk().await.unwrap().unwrap());
    }
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test]
async fn what_arrives_is_read_along_from_then_on() {
    let bus = TestBus::open().await;
    let (sender, receiver) = (bus.device(json!({})).await, bus.listener().await);
    let mut stream = read_along(&bus, &receiver).await;
    let message = json!({"devices": [receiver.uuid], "z": 1, "a": 2});
    send(bus.by(&sender, "POST /messages").json(&message)).await.is(204, "");
    let expected = json!({"devices": [receiver.uuid], "z": 1, "a": 2, "fromUuid": sender.uuid});
    assert_eq!(line(&mut stream).await.to_string(), expected.to_string());
}
