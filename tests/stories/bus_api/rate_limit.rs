//! How often a device may call (`spec/meshblu.md` 2.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::{Clock, Timestamp};
use endo::bus::embedded::api::ApiLimits;
use serde_json::json;

use crate::support::bus::{TestBus, WithJson, send};
use crate::support::gateway::TestGateway;

/// A bus with a limit, and what it takes for the time.
async fn limited(operations_per_minute: u32) -> (TestBus, Arc<AtomicI64>) {
    let millis = Arc::new(AtomicI64::new(59_999));
    let clock = {
        let millis = Arc::clone(&millis);
        Clock::from_fn(move || Timestamp::from_millis(millis.load(Ordering::SeqCst)))
    };
    let limits = ApiLimits { operations_per_minute, ..ApiLimits::default() };
    (TestBus::at(clock, limits, None).await, millis)
}

#[tokio::test]
async fn who_calls_too_often_waits_for_the_next_minute() {
    let (bus, time) = limited(3).await;
    let (caller, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let mut heard = bus.bus.listen(other.uuid.as_str().into());
    bus.subscribe(&other, &other, "message.received").await;
    let open = json!({"meshblu.whitelists.message.from": [{"uuid": "*"}]});
    send(bus.by(&other, &format!("PATCH /v2/devices/{}", other.uuid)).json(&open)).await.is(204, "");
    let message = |n: u8| bus.by(&caller, "POST /messages").json(&json!({"devices": [other.uuid], "n": n}));
    send(bus.by(&caller, "POST /authenticate")).await.is(204, "");
    assert_eq!(send(bus.by(&caller, "GET /mydevices")).await.status, 200);
    send(message(1)).await.is(204, "");
    for request in [message(2), bus.by(&caller, "GET /v2/whoami"), bus.by(&caller, "GET /v2/devices")] {
        let refused = send(request).await;
        refused.is(429, r#"{"message":"Too Many Requests"}"#);
        assert_eq!(refused.header("x-meshblu-code"), None);
    }
    send(bus.by(&other, "POST /authenticate")).await.is(204, "");
    time.store(60_000, Ordering::SeqCst);
    send(message(3)).await.is(204, "");
    for n in [1, 3] {
        let line: serde_json::Value = serde_json::from_str(&heard.next().await.unwrap().body).unwrap();
        assert_eq!(line["n"], json!(n));
    }
}

#[tokio::test]
async fn nobody_uses_up_the_calls_of_another() {
    let (bus, _) = limited(2).await;
    let victim = bus.device(json!({})).await;
    let stranger = bus.device(json!({})).await;
    for _ in 0..3 {
        let guess = bus.anonymous("POST /authenticate").basic_auth(&victim.uuid, Some("guessed"));
        send(guess).await.is(403, "null");
        let named = bus.by(&stranger, "POST /search/devices").header("x-meshblu-as", &victim.uuid);
        assert!([403, 429].contains(&send(named).await.status.as_u16()));
    }
    send(bus.by(&victim, "POST /authenticate")).await.is(204, "");
    assert_eq!(send(bus.by(&victim, "GET /v2/whoami")).await.status, 200);
}

#[tokio::test]
async fn the_limit_of_meshblu_refuses_the_call_after_the_twelve_hundredth() {
    let (bus, _) = limited(1200).await;
    let device = bus.device(json!({})).await;
    for _ in 0..1200 {
        send(bus.by(&device, "POST /authenticate")).await.is(204, "");
    }
    assert_eq!(send(bus.by(&device, "POST /authenticate")).await.status, 429);
}

#[tokio::test]
async fn without_the_setting_there_is_no_limit_and_with_it_there_is() {
    let unlimited = TestBus::open().await;
    let device = unlimited.device(json!({})).await;
    for _ in 0..1300 {
        send(unlimited.by(&device, "POST /authenticate")).await.is(204, "");
    }
    let gateway =
        TestGateway::with("http://127.0.0.1:9", |config| config.bus.operations_per_minute = 1).await;
    let owner = gateway.owner();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(send(gateway.by(&owner, "POST /authenticate")).await.status.as_u16());
    }
    // A minute may end between two calls, but not between all of them.
    assert!(statuses.contains(&429), "{statuses:?}");
}
