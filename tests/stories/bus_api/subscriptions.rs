//! Subscriptions over HTTP.

use endo::bus::embedded::subscription::SubscriptionType;
use endo::bus::embedded::{Caller, EmbeddedBus};
use endo::message::DeviceUuid;
use endo::store::{StoredSubscription, Transaction};
use serde_json::json;

use crate::support::bus::{Device, TestBus, WithJson, send};

fn one(subscriber: &Device, emitter: &str, kind: &str) -> String {
    format!("/v2/devices/{}/subscriptions/{emitter}/{kind}", subscriber.uuid)
}

async fn listed(bus: &TestBus, device: &Device) -> Vec<String> {
    let answer = send(bus.by(device, &format!("GET /v2/devices/{}/subscriptions", device.uuid))).await;
    answer.json().as_array().unwrap().iter().map(|entry| entry["type"].as_str().unwrap().into()).collect()
}

#[tokio::test]
async fn every_type_can_be_subscribed_to_even_of_a_device_that_is_not_there() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for kind in SubscriptionType::ALL {
        let path = one(&device, "nobody", kind.as_str());
        for status in ["Created", "Not Modified"] {
            let answer = send(bus.by(&device, &format!("POST {path}"))).await;
            answer.is(204, "");
            assert_eq!(answer.header("x-meshblu-status"), Some(status));
        }
    }
    assert_eq!(listed(&bus, &device).await.len(), 12);
    let answer = send(bus.by(&device, &format!("POST {}", one(&device, "nobody", "message.other")))).await;
    answer.is(422, "null");
    assert_eq!(answer.header("x-meshblu-status"), Some("Unprocessable Entity"));
}

#[tokio::test]
async fn very_many_subscriptions_end_piece_by_piece() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let uuid = DeviceUuid::from(device.uuid.as_str());
    let caller = Caller::itself(uuid.clone());
    let (to, by) = (uuid.clone(), caller.clone());
    let many = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        (0..2500).try_for_each(|n| {
            let subscription = StoredSubscription::to_messages(&to, &n.to_string().into());
            bus.changing(transaction, &by).subscribe(&subscription).map(drop)
        })
    };
    bus.bus.change::<()>(many).await.unwrap();
    let first_piece = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        bus.changing(transaction, &caller).unsubscribe_all(&uuid, None, None)
    };
    assert!(bus.bus.change(first_piece).await.unwrap().is_some());
    assert_eq!(listed(&bus, &device).await.len(), 1500);
    let end = format!("DELETE /v2/devices/{}/subscriptions", device.uuid);
    let one = json!({"emitterUuid": "3", "type": "message.received"});
    send(bus.by(&device, &end).json(&one)).await.is(204, "");
    assert_eq!(listed(&bus, &device).await.len(), 1499);
    send(bus.by(&device, &end)).await.is(204, "");
    assert!(listed(&bus, &device).await.is_empty());
}

#[tokio::test]
async fn a_listing_has_exactly_the_three_keys() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let list = format!("GET /v2/devices/{}/subscriptions", device.uuid);
    send(bus.by(&device, &list)).await.is(200, "[]");
    bus.subscribe(&device, &device, "message.received").await;
    let entry =
        format!(r#"[{{"subscriberUuid":"{0}","emitterUuid":"{0}","type":"message.received"}}]"#, device.uuid);
    send(bus.by(&device, &list)).await.is(200, &entry);
}

#[tokio::test]
async fn subscriptions_end_one_by_one_or_by_what_they_have_in_common() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for kind in ["message.received", "message.sent", "broadcast.sent"] {
        send(bus.by(&device, &format!("POST {}", one(&device, "a", kind)))).await.is(204, "");
        send(bus.by(&device, &format!("POST {}", one(&device, "b", kind)))).await.is(204, "");
    }
    for _ in 0..2 {
        send(bus.by(&device, &format!("DELETE {}", one(&device, "a", "message.sent")))).await.is(204, "");
    }
    assert_eq!(listed(&bus, &device).await.len(), 5);
    let all = format!("DELETE /v2/devices/{}/subscriptions", device.uuid);
    for (filter, left) in [
        (json!({"emitterUuid": "a", "type": "message.received"}), 4),
        (json!({"type": "broadcast.sent"}), 2),
        (json!({"emitterUuid": "nobody"}), 2),
    ] {
        send(bus.by(&device, &all).json(&filter)).await.is(204, "");
        assert_eq!(listed(&bus, &device).await.len(), left, "{filter}");
    }
    for slip in [json!({"emitterUuid": {"$ne": "a"}}), json!([]), json!([{"type": "message.sent"}])] {
        let refused = send(bus.by(&device, &all).json(&slip)).await;
        refused.is(422, r#"{"message":"Invalid Request"}"#);
        assert_eq!(listed(&bus, &device).await.len(), 2, "{slip}");
    }
    send(bus.by(&device, &all)).await.is(204, "");
    assert!(listed(&bus, &device).await.is_empty());
}

#[tokio::test]
async fn nobody_subscribes_for_a_device_it_may_not_configure() {
    let bus = TestBus::open().await;
    let (caller, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    for call in ["POST", "DELETE"] {
        let path = one(&other, &caller.uuid, "message.received");
        send(bus.by(&caller, &format!("{call} {path}"))).await.is(403, "null");
    }
    let all = format!("/v2/devices/{}/subscriptions", other.uuid);
    send(bus.by(&caller, &format!("GET {all}"))).await.is(403, "null");
    send(bus.by(&caller, &format!("DELETE {all}"))).await.is(403, "null");
}
