//! Searches over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, WithJson, send};

async fn search(bus: &TestBus, device: &Device, query: &Value) -> Vec<Value> {
    let answer = send(bus.by(device, "POST /search/devices").json(query)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn visible(rest: &Value) -> Value {
    let whitelists = json!({"discover": {"view": [{"uuid": "*"}]}});
    let mut document = json!({"meshblu": {"version": "2.0.0", "whitelists": whitelists}});
    for (name, value) in rest.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

#[tokio::test]
async fn the_newest_device_is_found_first() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    for n in 0..3 {
        bus.register(visible(&json!({"type": "t", "n": n, "endo": {"idKey": "a+/="}}))).await;
    }
    for query in [json!({"type": "t"}), json!({"endo.idKey": "a+/="}), json!({"n": {"$gte": 0}})] {
        let found = search(&bus, &caller, &query).await;
        assert_eq!(found.iter().map(|device| &device["n"]).collect::<Vec<_>>(), [2, 1, 0]);
    }
}

#[tokio::test]
async fn only_what_the_caller_may_see_is_found() {
    let bus = TestBus::open().await;
    let (caller, hidden) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let open = bus.register(json!({"type": "open"})).await;
    bus.register(json!({"meshblu": {"version": "3"}, "discoverWhitelist": ["*"]})).await;
    let owned = json!({"owner": caller.uuid, "discoverWhitelist": [], "type": "owned"});
    let owned = bus.register(owned).await;
    let wide = json!({"$or": [{"uuid": hidden.uuid}, {"uuid": {"$exists": true}}]});
    for query in [wide, json!({})] {
        let found = search(&bus, &caller, &query).await;
        let uuids: Vec<_> = found.iter().map(|device| device["uuid"].as_str().unwrap()).collect();
        assert_eq!(&uuids[..3], [&owned.uuid, &open.uuid, &caller.uuid]);
        assert!(!uuids.contains(&hidden.uuid.as_str()));
    }
    let all = send(bus.by(&caller, "POST /search/devices")).await;
    assert_eq!(all.json().as_array().unwrap().len(), search(&bus, &caller, &json!({})).await.len());
}

#[tokio::test]
async fn nothing_found_is_an_empty_list() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let answer = send(bus.by(&caller, "POST /search/devices").json(&json!({"type": "none"}))).await;
    answer.is(200, "[]");
}

#[tokio::test]
async fn a_projection_shows_what_it_names_and_the_uuid() {
    let bus = TestBus::open().await;
    let device = bus.register(visible(&json!({"a": 1, "b": {"c": 2, "d": 3}}))).await;
    let shown = |projection: &str| {
        let request = bus.by(&device, "POST /search/devices").json(&json!({"uuid": device.uuid}));
        request.header("x-meshblu-projection", projection)
    };
    let only = send(shown(r#"{"b.c":true}"#)).await;
    only.is(200, &json!([{"b": {"c": 2}, "uuid": device.uuid}]).to_string());
    let without = send(shown(r#"{"b":false,"uuid":false,"meshblu":false}"#)).await;
    without.is(200, r#"[{"online":false,"a":1}]"#);
    for nonsense in ["{", "[]", r#"{"a":"b"}"#] {
        let answer = send(shown(nonsense)).await;
        answer.is(422, "null");
        serde_json::from_str::<Value>(answer.header("x-meshblu-error").unwrap()).unwrap();
    }
}

#[tokio::test]
async fn an_operator_nobody_knows_is_a_data_error() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    for (query, status) in [
        (json!({"a": {"$unknown": 1}}), 500),
        (json!({"$where": "1"}), 500),
        (json!({"a": {"$regex": "("}}), 422),
        (json!({"$or": 1}), 422),
        (json!([]), 422),
    ] {
        let answer = send(bus.by(&caller, "POST /search/devices").json(&query)).await;
        answer.is(status, "null");
        let error: Value = serde_json::from_str(answer.header("x-meshblu-error").unwrap()).unwrap();
        assert!(error["message"].is_string(), "{query}");
    }
}

/// As in the original: its MongoDB calls that a bad value, which is none of the errors that it answers 422.
#[tokio::test]
async fn an_operator_nobody_knows_is_the_same_error_where_elements_are_pulled() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({"a": [1]})).await;
    for call in ["PUT /v2/devices/{}", "PUT /v2/devices/{}/find-and-update"] {
        let call = call.replace("{}", &caller.uuid);
        for (condition, status) in
            [(json!({"$unknown": 1}), 500), (json!({"b": {"$near": 1}}), 500), (json!({"$in": 1}), 422)]
        {
            let answer = send(bus.by(&caller, &call).json(&json!({"$pull": {"a": condition}}))).await;
            answer.is(status, "null");
            let error: Value = serde_json::from_str(answer.header("x-meshblu-error").unwrap()).unwrap();
            assert!(error["message"].is_string(), "{condition}");
        }
    }
}

#[tokio::test]
async fn a_query_may_stand_in_the_address() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let a = bus.register(visible(&json!({"type": "t", "name": "a b", "online": true}))).await;
    let b = bus.register(visible(&json!({"type": "t", "owner": caller.uuid}))).await;
    let uuids = |devices: &Value| -> Vec<String> {
        devices.as_array().unwrap().iter().map(|d| d["uuid"].as_str().unwrap().to_owned()).collect()
    };
    for (query, found) in [
        ("type=t&name=a+b".to_owned(), vec![&a.uuid]),
        ("type=t&online=true".to_owned(), vec![&a.uuid]),
        ("type=t&name=null".to_owned(), vec![&b.uuid]),
        ("type=t&name=".to_owned(), vec![&b.uuid]),
        (format!("uuid[$in][0]={}&uuid[$in][1]={}", a.uuid, b.uuid), vec![&b.uuid, &a.uuid]),
    ] {
        let v2 = send(bus.by(&caller, &format!("GET /v2/devices?{query}"))).await.json();
        let v1 = send(bus.by(&caller, &format!("GET /devices?{query}"))).await.json();
        assert_eq!(uuids(&v2).iter().collect::<Vec<_>>(), found, "{query}");
        assert_eq!(v1, json!({"devices": v2}));
    }
    let mine = send(bus.by(&caller, "GET /mydevices?type=t")).await.json();
    assert_eq!(uuids(&mine["devices"]), [&*b.uuid]);
    let other = send(bus.by(&caller, &format!("GET /mydevices?owner={}", a.uuid))).await.json();
    assert_eq!(uuids(&other["devices"]), [b.uuid]);
    let no_credentials = send(bus.by(&caller, &format!("GET /v2/devices?token={}", caller.token))).await;
    no_credentials.is(200, "[]");
    let credentials = format!("/v2/devices?uuid={}&token={}", caller.uuid, caller.token);
    let itself = send(bus.request(Method::GET, &credentials)).await.json();
    assert_eq!(uuids(&itself), [caller.uuid]);
}

#[tokio::test]
async fn a_query_may_stand_in_the_body_of_a_get_too() {
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let found = bus.register(visible(&json!({"type": "t", "n": 1}))).await;
    bus.register(visible(&json!({"type": "t", "n": 2}))).await;
    for call in ["GET /v2/devices?type=t", "GET /v2/devices?type=t&n[$exists]=true"] {
        let answer = send(bus.by(&caller, call).json(&json!({"n": 1, "type": "overruled"}))).await.json();
        let uuids: Vec<_> = answer.as_array().unwrap().iter().map(|device| &device["uuid"]).collect();
        let expected = if call.contains('&') { 2 } else { 1 };
        assert_eq!(uuids.len(), expected, "{call}");
        assert_eq!(uuids[expected - 1], &json!(found.uuid));
    }
    let form = bus.by(&caller, "GET /devices").body("type=t");
    let answer = send(form.header("content-type", "application/x-www-form-urlencoded")).await.json();
    assert_eq!(answer["devices"].as_array().unwrap().len(), 2);
}
