//! Registering, reading and removing devices.

use std::net::TcpListener;

use endo::bus::embedded::api::{ApiLimits, Registration, serve};
use endo::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, WithJson, send};

#[tokio::test]
async fn a_registration_answers_the_document_in_its_order_with_the_token() {
    let bus = TestBus::open().await;
    let body = r#"{"z":{"b":1,"a":[{"y":1.0,"x":1e2}]},"schemas":{"form":{"$ref":"x"}},"meshblu":{"version":"2.0.0"},"a":null}"#;
    let request = bus.anonymous("POST /devices").header("content-type", "application/json").body(body);
    let answer = send(request).await;
    assert_eq!(answer.status, 201);
    let kept = r#"{"online":false,"z":{"b":1,"a":[{"y":1.0,"x":100.0}]},"schemas":{"form":{"$ref":"x"}},"meshblu":{"version":"2.0.0","createdAt":""#;
    assert!(answer.text.starts_with(kept), "{}", answer.text);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.len() == 40 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
}

#[tokio::test]
async fn whatever_a_registration_claims_to_be_it_gets_a_uuid_and_a_token_of_the_bus() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"uuid": "mine", "token": "mine", "_id": 1})).await;
    assert!(device.uuid != "mine" && device.token != "mine");
    for request in [
        bus.anonymous("POST /devices"),
        bus.anonymous("POST /devices").json(&json!([1, 2])),
        bus.anonymous("POST /devices").body("not read").header("content-type", "text/plain"),
        bus.anonymous("POST /devices").json(&json!({})).basic_auth("nobody", Some("nothing")),
    ] {
        assert_eq!(send(request).await.status, 201);
    }
}

#[tokio::test]
async fn a_form_registers_a_device_too() {
    let bus = TestBus::open().await;
    let form = "type=drone&name=a+b%26c&tags[]=x&tags[]=y&deep[er][est]=1&__proto__[x]=1";
    let request = bus.anonymous("POST /devices").body(form);
    let document = send(request.header("content-type", "application/x-www-form-urlencoded")).await.json();
    assert_eq!(document["type"], json!("drone"));
    assert_eq!(document["name"], json!("a b&c"));
    assert_eq!(document["tags"], json!(["x", "y"]));
    assert_eq!(document["deep"], json!({"er": {"est": "1"}}));
    assert_eq!(document["discoverWhitelist"], json!(["*"]));
}

#[tokio::test]
async fn registering_takes_credentials_when_strangers_may_not() {
    let limits = ApiLimits { registration: Registration::ByDevices, ..ApiLimits::default() };
    let bus = TestBus::with(limits, None).await;
    send(bus.anonymous("POST /devices").json(&json!({}))).await.is(403, "null");
    let known = bus.bus.change(|bus, transaction| bus.register(transaction, json!({}))).await.unwrap();
    let request = bus.anonymous("POST /devices").json(&json!({"type": "x"}));
    let answer = send(request.basic_auth(&known.uuid, Some(known.token.as_str()))).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn registering_is_for_the_devices_that_the_operator_names() {
    let mut bus = TestBus::open().await;
    let (named, other) = (bus.register(json!({})).await, bus.register(json!({})).await);
    let mut config = Config::default();
    // Capitals are the same uuid.
    config.bus.registrars = vec![named.uuid.to_uppercase()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    bus.address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, bus.bus.clone(), ApiLimits::from(&config), None).unwrap());
    let wrong = Device { token: other.token.clone(), ..named.clone() };
    send(bus.anonymous("POST /devices")).await.is(403, "null");
    for device in [&other, &wrong] {
        send(bus.by(device, "POST /devices")).await.is(403, "null");
        let acting = bus.by(device, "POST /devices").header("x-meshblu-as", &named.uuid);
        send(acting).await.is(403, "null");
    }
    assert_eq!(send(bus.by(&named, "POST /devices")).await.status, 201);
}

#[tokio::test]
async fn a_device_is_read_in_every_form_but_never_with_its_token() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"type": "t", "meshblu": {"version": "2.0.0"}})).await;
    let whoami = send(bus.by(&device, "GET /v2/whoami")).await;
    let v2 = send(bus.by(&device, &format!("GET /v2/devices/{}", device.uuid))).await;
    let v3 = send(bus.by(&device, &format!("GET /v3/devices/{}", device.uuid))).await;
    let v1 = send(bus.by(&device, &format!("GET /devices/{}", device.uuid))).await;
    assert_eq!((&whoami.text, &v2.text), (&v2.text, &v3.text));
    assert_eq!(v1.text, format!(r#"{{"devices":[{}]}}"#, whoami.text));
    assert!(!whoami.text.contains("token") && !whoami.text.contains(&device.token));
    assert_eq!(whoami.header("x-meshblu-code"), Some("200"));
}

#[tokio::test]
async fn a_public_key_is_everybody_s() {
    let bus = TestBus::open().await;
    let keyed = bus.register(json!({"publicKey": "PEM", "meshblu": {"version": "2.0.0"}})).await;
    let bare = bus.device(json!({})).await;
    let path = |uuid: &str| format!("/devices/{uuid}/publickey");
    let answer = send(bus.request(Method::GET, &path(&keyed.uuid))).await;
    answer.is(200, &json!({"uuid": keyed.uuid, "publicKey": "PEM"}).to_string());
    let empty = bus.register(json!({"publicKey": null, "meshblu": {"version": "2.0.0"}})).await;
    let answer = send(bus.request(Method::GET, &path(&empty.uuid))).await;
    answer.is(200, &json!({"uuid": empty.uuid, "publicKey": null}).to_string());
    let answer = send(bus.request(Method::GET, &path(&bare.uuid))).await;
    answer.is(200, &json!({"uuid": bare.uuid}).to_string());
}

#[tokio::test]
async fn a_top_level_error_of_a_document_shows_in_searches_alone() {
    let bus = TestBus::open().await;
    let body = json!({"error": {"message": "kept"}, "meshblu": {"version": "2.0.0"}});
    let registered = send(bus.anonymous("POST /devices").json(&body)).await;
    assert!(registered.json().get("error").is_none());
    let device = bus.register(body).await;
    for call in ["GET /v2/whoami".to_owned(), format!("GET /v2/devices/{}", device.uuid)] {
        assert!(send(bus.by(&device, &call)).await.json().get("error").is_none());
    }
    let found = send(bus.by(&device, "POST /search/devices").json(&json!({"uuid": device.uuid}))).await;
    assert_eq!(found.json()[0]["error"], json!({"message": "kept"}));
}

#[tokio::test]
async fn an_unregistered_device_leaves_nothing_behind() {
    let bus = TestBus::open().await;
    let (goes, stays) = (bus.listener().await, bus.device(json!({})).await);
    bus.subscribe(&stays, &goes, "message.received").await;
    let call = format!("DELETE /devices/{}", goes.uuid);
    send(bus.by(&stays, &call)).await.is(403, "null");
    send(bus.by(&goes, &call)).await.is(200, &json!({"uuid": goes.uuid}).to_string());
    send(bus.by(&goes, "POST /authenticate")).await.is(403, "null");
    send(bus.by(&stays, &call)).await.is(403, "null");
    let list = format!("GET /v2/devices/{}/subscriptions", stays.uuid);
    send(bus.by(&stays, &list)).await.is(200, "[]");
}

#[tokio::test]
async fn who_may_not_see_a_device_cannot_tell_whether_it_exists() {
    let bus = TestBus::open().await;
    let (hidden, stranger) = (bus.device(json!({})).await, bus.device(json!({})).await);
    for version in ["/v2/devices", "/v3/devices", "/devices"] {
        let there = send(bus.by(&stranger, &format!("GET {version}/{}", hidden.uuid))).await;
        let nowhere = send(bus.by(&stranger, &format!("GET {version}/nobody"))).await;
        let strange = send(bus.by(&stranger, &format!("GET {version}/a%00b"))).await;
        assert_eq!((there.status, &there.text), (nowhere.status, &nowhere.text));
        assert_eq!((there.status, &there.text), (strange.status, &strange.text));
    }
    let seen: Value = json!({"discover": {"view": [{"uuid": stranger.uuid}]}});
    let shown = bus.device(seen).await;
    let answer = send(bus.by(&stranger, &format!("GET /v2/devices/{}", shown.uuid))).await;
    assert_eq!(answer.json()["uuid"], json!(shown.uuid));
}

#[tokio::test]
async fn a_device_that_lets_itself_be_configured_can_be_claimed() {
    let bus = TestBus::open().await;
    let (user, rival) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let free = bus.register(json!({"type": "lamp", "configureWhitelist": ["*"]})).await;
    let call = format!("POST /claimdevice/{}", free.uuid);
    send(bus.by(&user, &call).header("content-length", "0")).await.is(204, "");
    let document = send(bus.by(&free, "GET /v2/whoami")).await.json();
    assert_eq!(document["owner"], json!(user.uuid));
    for list in ["discoverWhitelist", "configureWhitelist"] {
        assert_eq!(document[list], json!(["*", user.uuid]));
    }
    let mine = send(bus.by(&user, "GET /mydevices")).await.json();
    assert_eq!(mine["devices"][0]["uuid"], json!(free.uuid));
    let close = json!({"configureWhitelist": [user.uuid]});
    send(bus.by(&user, &format!("PATCH /v2/devices/{}", free.uuid)).json(&close)).await.is(204, "");
    send(bus.by(&rival, &call)).await.is(403, "null");
    send(bus.by(&rival, "POST /claimdevice/nobody")).await.is(403, "null");
}

#[tokio::test]
async fn a_projection_is_for_searches_and_other_headers_of_the_protocol_for_nothing() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let bare = send(bus.by(&device, "GET /v2/whoami")).await.text;
    for (name, value) in [
        ("x-meshblu-projection", "{\"uuid\":true}"),
        ("x-meshblu-projection", "{"),
        ("x-meshblu-service-name", "some-service"),
        ("x-meshblu-n", "1"),
        ("x-meshblu-list", "[1,2]"),
    ] {
        for call in ["GET /v2/whoami".to_owned(), format!("GET /v2/devices/{}", device.uuid)] {
            send(bus.by(&device, &call).header(name, value)).await.is(200, &bare);
        }
    }
}
