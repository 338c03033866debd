//! Acting as another device (`x-meshblu-as`).

use serde_json::json;

use crate::support::bus::{TestBus, WithJson, send};

#[tokio::test]
async fn searching_as_a_device_finds_that_device_but_reading_as_it_does_not() {
    let bus = TestBus::open().await;
    let service = bus.device(json!({})).await;
    let lender = bus.device(json!({"discover": {"as": [{"uuid": service.uuid}]}})).await;
    let search = bus.by(&service, "POST /search/devices").header("x-meshblu-as", &lender.uuid);
    let found = send(search.json(&json!({"uuid": lender.uuid}))).await;
    assert_eq!(found.json()[0]["uuid"], json!(lender.uuid));
    let path = format!("GET /v3/devices/{}", lender.uuid);
    send(bus.by(&service, &path).header("x-meshblu-as", &lender.uuid)).await.is(403, "null");
}

#[tokio::test]
async fn acting_as_somebody_takes_that_device_s_consent() {
    let bus = TestBus::open().await;
    let (stranger, lender) = (bus.device(json!({})).await, bus.device(json!({})).await);
    for (call, body) in [("POST /search/devices", json!({})), ("POST /search/tokens", json!({}))] {
        let request = bus.by(&stranger, call).json(&body).header("x-meshblu-as", &lender.uuid);
        send(request).await.is(403, "null");
    }
    let list = format!("GET /v2/devices/{}/subscriptions", lender.uuid);
    send(bus.by(&stranger, &list).header("x-meshblu-as", &lender.uuid)).await.is(403, "null");
}

#[tokio::test]
async fn whoever_says_unreadably_as_whom_it_acts_does_not_act_as_itself() {
    let bus = TestBus::open().await;
    let (device, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let whoami = || bus.by(&device, "GET /v2/whoami");
    send(whoami().header("x-meshblu-as", &b"\xff"[..])).await.is(403, "null");
    let twice = whoami().header("x-meshblu-as", &device.uuid).header("x-meshblu-as", &other.uuid);
    send(twice).await.is(403, "null");
    assert_eq!(send(whoami().header("x-meshblu-as", "")).await.status, 200);
}

#[tokio::test]
async fn acting_as_itself_changes_nothing() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for name in [device.uuid.clone(), format!(" {} ", device.uuid), String::new()] {
        let request = bus.by(&device, &format!("GET /v3/devices/{}", device.uuid));
        assert_eq!(send(request.header("x-meshblu-as", name)).await.status, 200);
    }
}

#[tokio::test]
async fn whoami_under_as_is_the_caller_if_the_other_may_see_it() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let lender = bus.device(json!({"discover": {"as": [{"uuid": caller.uuid}]}})).await;
    let whoami = || bus.by(&caller, "GET /v2/whoami").header("x-meshblu-as", &lender.uuid);
    send(whoami()).await.is(403, "null");
    let shows = json!({"$set": {"meshblu.whitelists.discover.view": [{"uuid": lender.uuid}]}});
    send(bus.by(&caller, &format!("PUT /v2/devices/{}", caller.uuid)).json(&shows)).await.is(204, "");
    assert_eq!(send(whoami()).await.json()["uuid"], json!(caller.uuid));
}

#[tokio::test]
async fn an_update_as_somebody_takes_both_lists_and_never_reaches_the_lender() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let lender = bus.device(json!({"configure": {"as": [{"uuid": caller.uuid}]}})).await;
    let target = bus.device(json!({"configure": {"update": [{"uuid": lender.uuid}]}})).await;
    let update = |uuid: &str| {
        let request = bus.by(&caller, &format!("PUT /v2/devices/{uuid}")).json(&json!({"$set": {"a": 1}}));
        request.header("x-meshblu-as", &lender.uuid)
    };
    send(update(&target.uuid)).await.is(204, "");
    send(update(&lender.uuid)).await.is(403, "null");
    let itself = bus.by(&caller, &format!("PUT /v2/devices/{}", target.uuid));
    send(itself.json(&json!({"$set": {"a": 2}}))).await.is(403, "null");
    let document = send(bus.by(&target, "GET /v2/whoami")).await.json();
    assert_eq!((&document["a"], &document["meshblu"]["updatedBy"]), (&json!(1), &json!(lender.uuid)));
}

#[tokio::test]
async fn a_name_that_can_be_none_is_refused() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let long = "x".repeat(300);
    send(bus.by(&device, "GET /v2/whoami").header("x-meshblu-as", long)).await.is(403, "null");
}
