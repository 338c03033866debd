//! Updates over HTTP: the refusals' exact texts, what real clients send, and what changes nothing.

use endo::store::{StoreError, Work};
use serde_json::{Value, json};

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};

async fn put(bus: &TestBus, device: &Device, body: &Value) -> Answer {
    send(bus.by(device, &format!("PUT /v2/devices/{}", device.uuid)).json(body)).await
}

async fn whoami(bus: &TestBus, device: &Device) -> Value {
    send(bus.by(device, "GET /v2/whoami")).await.json()
}

#[tokio::test]
async fn what_is_no_update_is_refused_in_the_protocol_s_words() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for (body, error) in [
        (json!({}), "Update query must contain at least one key."),
        (json!({"$set": null}), "Update query may contain null value for a key that starts with '$'."),
        (json!({"$set": {"token": "x"}}), "Update query may not modify the token key."),
        (json!({"$set": {"uuid": "x"}}), "Update query may not modify the uuid key."),
        (json!({"$rename": {"a": "b"}}), "Update query may only contain authorized keys."),
        (json!({"name": "x"}), "Update query may only contain authorized keys."),
    ] {
        let answer = put(&bus, &device, &body).await;
        answer.is(422, &json!({"error": error}).to_string());
        assert_eq!(answer.header("x-meshblu-code"), Some("422"));
        let path = format!("PUT /v2/devices/{}/find-and-update", device.uuid);
        send(bus.by(&device, &path).json(&body)).await.is(422, &json!({"error": error}).to_string());
    }
}

#[tokio::test]
async fn an_update_that_does_not_fit_says_why_in_a_header_that_is_json() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"n\u{e9}": "text", "meshblu": {"version": "2.0.0"}})).await;
    let answer = put(&bus, &device, &json!({"$push": {"n\u{e9}": 1}})).await;
    answer.is(500, "null");
    let error: Value = serde_json::from_str(answer.header("x-meshblu-error").unwrap()).unwrap();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("The field 'né' must be an array but is of type string"), "{message}");
    let answer = put(&bus, &device, &json!({"$set": {"a..b": 1}})).await;
    answer.is(422, "null");
    assert!(answer.header("x-meshblu-error").is_some());
}

#[tokio::test]
async fn properties_are_set_with_dotted_paths_but_never_uuid_or_token() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for call in ["PATCH /v2/devices/", "PUT /devices/"] {
        let body = json!({"uuid": "x", "token": "y", "deep.er": call, "other": {"z": 1, "a": 2}});
        send(bus.by(&device, &format!("{call}{}", device.uuid)).json(&body)).await.is(204, "");
        let document = whoami(&bus, &device).await;
        assert_eq!(document["deep"], json!({"er": call}));
        assert_eq!(document["other"].to_string(), r#"{"z":1,"a":2}"#);
        assert_eq!(document["uuid"], json!(device.uuid));
        send(bus.by(&device, &format!("{call}{}", device.uuid))).await.is(204, "");
        let array = bus.by(&device, &format!("{call}{}", device.uuid)).json(&json!([]));
        let answer = send(array).await;
        answer.is(422, r#"{"message":"Invalid Request"}"#);
        assert_eq!(answer.header("x-meshblu-code"), None);
    }
    send(bus.by(&device, "POST /authenticate")).await.is(204, "");
}

#[tokio::test]
async fn an_update_that_changes_nothing_touches_nothing() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"a": {"b": 1}, "meshblu": {"version": "2.0.0"}})).await;
    let before = whoami(&bus, &device).await;
    put(&bus, &device, &json!({"$set": {"a.b": 1}})).await.is(204, "");
    put(&bus, &device, &json!({"$pull": {"none": 1}})).await.is(204, "");
    assert_eq!(whoami(&bus, &device).await.to_string(), before.to_string());
    put(&bus, &device, &json!({"$set": {"a.b": 2}})).await.is(204, "");
    let after = whoami(&bus, &device).await;
    assert_eq!(after["meshblu"]["updatedBy"], json!(device.uuid));
    assert!(after["meshblu"]["hash"] != before["meshblu"]["hash"]);
}

#[tokio::test]
async fn only_an_update_that_changes_something_is_an_event() {
    let bus = TestBus::open().await;
    let hook = json!({"type": "webhook", "url": "https://x.test/", "method": "POST"});
    let meshblu = json!({"version": "2.0.0", "forwarders": {"configure": {"sent": [hook]}}});
    let device = bus.register(json!({"a": 1, "meshblu": meshblu})).await;
    let waiting = async || {
        let store = bus.bus.store();
        store.read::<_, StoreError, _>(|view| view.waiting(Work::Webhook)).await.unwrap()
    };
    put(&bus, &device, &json!({"$set": {"a": 1}})).await.is(204, "");
    assert_eq!(waiting().await, 0);
    put(&bus, &device, &json!({"$set": {"a": 2}})).await.is(204, "");
    assert_eq!(waiting().await, 1);
}

#[tokio::test]
async fn find_and_update_answers_what_was_there_before() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"a": 1, "b": 2, "meshblu": {"version": "2.0.0"}})).await;
    let call = format!("PUT /v2/devices/{}/find-and-update", device.uuid);
    let body = json!({"$set": {"a": 3}});
    let before = send(bus.by(&device, &call).json(&body)).await;
    assert_eq!((before.status.as_u16(), &before.json()["a"]), (200, &json!(1)));
    let shown = bus.by(&device, &call).json(&body).header("x-meshblu-projection", r#"{"a":true}"#);
    send(shown).await.is(200, &json!({"a": 3, "uuid": device.uuid}).to_string());
}

#[tokio::test]
async fn the_updates_of_the_old_gateway_work() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let record = r#"{"$set":{"endo":{"authorizedKey":"k","idKey":"i+/=","credentialsDeviceUuid":"c","version":"1.0.0","encrypted":"e"},"endoSignature":"s"}}"#;
    let call = format!("PUT /v2/devices/{}", device.uuid);
    let request = bus.by(&device, &call).header("content-type", "application/json").body(record);
    send(request).await.is(204, "");
    let webhook = json!({"type": "webhook", "url": "https://x.test/v2/messages", "method": "POST"});
    let wiring = json!({
        "$set": {"meshblu.forwarders.version": "2.0.0"},
        "$addToSet": {"meshblu.forwarders.message.received": webhook},
    });
    put(&bus, &device, &wiring).await.is(204, "");
    put(&bus, &device, &wiring).await.is(204, "");
    let lend = json!({"$addToSet": {"meshblu.whitelists.discover.as": {"uuid": "svc"}}});
    put(&bus, &device, &lend).await.is(204, "");
    let errors: Vec<_> = (0..120).map(|n| json!({"code": n})).collect();
    let push = json!({"$push": {"status.errors": {"$each": errors, "$slice": -99}}});
    put(&bus, &device, &push).await.is(204, "");
    let document = whoami(&bus, &device).await;
    let endo = r#"{"authorizedKey":"k","idKey":"i+/=","credentialsDeviceUuid":"c","version":"1.0.0","encrypted":"e"}"#;
    assert_eq!(document["endo"].to_string(), endo);
    assert_eq!(document["meshblu"]["forwarders"]["message"]["received"], json!([webhook]));
    assert_eq!(document["meshblu"]["whitelists"]["discover"]["as"], json!([{"uuid": "svc"}]));
    assert_eq!(document["status"]["errors"][0], json!({"code": 21}));
    put(&bus, &device, &json!({"$pull": {"meshblu.forwarders.message.received": webhook}})).await.is(204, "");
    let document = whoami(&bus, &device).await;
    assert_eq!(document["meshblu"]["forwarders"]["message"]["received"], json!([]));
}

#[tokio::test]
async fn the_order_of_keys_survives_register_update_and_search() {
    let bus = TestBus::open().await;
    let text = r#"{"9":1,"z":{"2":0,"b":[{"y":null,"x":"é"}],"a":-0.5},"1":2}"#;
    let document: Value = serde_json::from_str(text).unwrap();
    let device = bus.register(json!({"kept": document, "meshblu": {"version": "2.0.0"}})).await;
    put(&bus, &device, &json!({"$set": {"again": document, "kept.new": 1}})).await.is(204, "");
    let query = bus.by(&device, "POST /search/devices").json(&json!({"uuid": device.uuid}));
    let found = send(query).await.json();
    assert_eq!(found[0]["again"].to_string(), text);
    assert_eq!(found[0]["kept"].to_string(), text.replace(r#""1":2}"#, r#""1":2,"new":1}"#));
}

#[tokio::test]
async fn finding_and_updating_is_a_change_even_if_nothing_changes() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"a": 1, "meshblu": {"version": "2.0.0"}})).await;
    let call = format!("PUT /v2/devices/{}/find-and-update", device.uuid);
    assert_eq!(send(bus.by(&device, &call).json(&json!({"$set": {"a": 1}}))).await.status, 200);
    assert_eq!(whoami(&bus, &device).await["meshblu"]["updatedBy"], json!(device.uuid));
}
