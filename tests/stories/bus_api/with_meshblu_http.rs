//! Every method of npm's `meshblu-http`, against the bus: what each callback is given (`spec/meshblu.md` 11).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, send};
use crate::support::real;

fn basic(device: &Device) -> Value {
    json!({"uuid": device.uuid, "token": device.token})
}

/// A call by `device`.
fn call(device: &Device, method: &str, args: Value) -> Value {
    json!({"options": basic(device), "method": method, "args": args})
}

/// What the callbacks of these calls are given, in turn.
async fn outcomes<const N: usize>(bus: &TestBus, calls: [Value; N]) -> [Value; N] {
    let server = json!({"protocol": "http", "hostname": "127.0.0.1", "port": bus.address.port()});
    let input = json!({"server": server, "calls": calls.to_vec()});
    let answer = tokio::task::spawn_blocking(move || real::node("meshblu-http.mjs", &input)).await.unwrap();
    answer.as_array().unwrap().clone().try_into().unwrap()
}

/// The one value after `null` for the error.
fn value(value: &Value) -> Value {
    json!({"values": [value]})
}

fn undefined() -> Value {
    value(&json!("undefined"))
}

fn failure(code: u16, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}

async fn whoami(bus: &TestBus, device: &Device) -> Value {
    send(bus.by(device, "GET /v2/whoami")).await.json()
}

async fn authenticates(bus: &TestBus, uuid: &Value, token: &Value) -> bool {
    let device =
        Device { uuid: uuid.as_str().unwrap().to_owned(), token: token.as_str().unwrap().to_owned() };
    send(bus.by(&device, "POST /authenticate")).await.status == 204
}

#[tokio::test]
async fn register_and_unregister() {
    if !real::on("register_and_unregister") {
        return;
    }
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let document = json!({"type": "t", "schemas": {"form": {"$ref": "x"}}, "meshblu": {"version": "2.0.0"}});
    let stranger = json!({"options": {}, "method": "register", "args": [document]});
    let by_itself = json!({"uuid": "$0.uuid", "token": "$0.token"});
    let [registered, by_caller, itself, gone, again] = outcomes(
        &bus,
        [
            stranger,
            call(&caller, "register", json!([document])),
            json!({"options": by_itself, "method": "whoami", "args": []}),
            json!({"options": by_itself, "method": "unregister", "args": [{"uuid": "$0.uuid"}]}),
            json!({"options": by_itself, "method": "unregister", "args": [{"uuid": "$0.uuid"}]}),
        ],
    )
    .await;
    let mut device = registered["values"][0].clone();
    assert_eq!((&device["type"], &device["schemas"]["form"]["$ref"]), (&json!("t"), &json!("x")));
    assert!(by_caller["values"][0]["token"].is_string());
    device.as_object_mut().unwrap().shift_remove("token").unwrap();
    assert_eq!(itself, value(&device));
    assert_eq!(gone, value(&json!({"uuid": device["uuid"]})));
    assert_eq!(again, failure(403, "Invalid Response Code 403"));
}

#[tokio::test]
async fn whoami_device_and_authenticate() {
    if !real::on("whoami_device_and_authenticate") {
        return;
    }
    let bus = TestBus::open().await;
    let (caller, hidden) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let bearer = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", caller.uuid, caller.token))
    };
    let wrong = Device { token: "wrong".to_owned(), ..caller.clone() };
    let [me, device, nobody, fine, refused, by_bearer, unknown] = outcomes(
        &bus,
        [
            call(&caller, "whoami", json!([])),
            call(&caller, "device", json!([caller.uuid, {}])),
            call(&caller, "device", json!([hidden.uuid])),
            call(&caller, "authenticate", json!([])),
            call(&wrong, "authenticate", json!([])),
            json!({"options": {"bearerToken": bearer, "serviceName": "x"}, "method": "whoami", "args": []}),
            call(&wrong, "whoami", json!([])),
        ],
    )
    .await;
    let document = whoami(&bus, &caller).await;
    assert_eq!((me, device, by_bearer), (value(&document), value(&document), value(&document)));
    assert_eq!(nobody, failure(404, "Invalid Response Code 404"));
    assert_eq!(fine, undefined());
    assert_eq!(refused, failure(403, "Invalid Response Code 403"));
    assert_eq!(unknown, failure(403, "Invalid Response Code 403"));
}

#[tokio::test]
async fn devices_mydevices_and_search() {
    if !real::on("devices_mydevices_and_search") {
        return;
    }
    let bus = TestBus::open().await;
    let caller = bus.device(json!({})).await;
    let lender = bus.device(json!({"discover": {"as": [{"uuid": caller.uuid}]}})).await;
    let owned = bus.register(json!({"type": "t", "owner": caller.uuid, "n": 1, "a": {"b": 2}})).await;
    let owned = whoami(&bus, &owned).await;
    let [devices, bracketed, none, mine, searched, projected, acting, unknown] = outcomes(
        &bus,
        [
            call(&caller, "devices", json!([{"type": "t"}])),
            call(&caller, "devices", json!([{"type": {"$in": ["t", "u"]}}, {}])),
            call(&caller, "devices", json!([{"type": "none"}])),
            call(&caller, "mydevices", json!([{"type": "t"}])),
            call(&caller, "search", json!([{"n": {"$gt": 0}}])),
            call(&caller, "search", json!([{"n": 1}, {"projection": {"a.b": true}}])),
            call(&caller, "search", json!([{"uuid": lender.uuid}, {"as": lender.uuid}])),
            call(&caller, "search", json!([{"n": {"$near": 1}}, {}])),
        ],
    )
    .await;
    for found in [devices, bracketed, searched] {
        assert_eq!(found, value(&json!([owned])));
    }
    assert_eq!(none, value(&json!([])));
    assert_eq!(mine, value(&json!({"devices": [owned]})));
    assert_eq!(projected, value(&json!([{"a": {"b": 2}, "uuid": owned["uuid"]}])));
    assert_eq!(acting, value(&json!([whoami(&bus, &lender).await])));
    assert_eq!(unknown, failure(500, "unknown operator: $near"));
}

#[tokio::test]
async fn update_update_dangerously_and_find_and_update() {
    if !real::on("update_update_dangerously_and_find_and_update") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.register(json!({"n": 1, "text": "x", "meshblu": {"version": "2.0.0"}})).await;
    let uuid = &device.uuid;
    let [set, pushed, refused, unfit, before, shown, foreign] = outcomes(
        &bus,
        [
            call(&device, "update", json!([uuid, {"a.b": 1, "token": "x"}])),
            call(
                &device,
                "updateDangerously",
                json!([uuid, {"$push": {"list": {"$each": [1, 2], "$slice": -1}}}]),
            ),
            call(&device, "updateDangerously", json!([uuid, {"$rename": {"a": "b"}}, {}])),
            call(&device, "updateDangerously", json!([uuid, {"$push": {"text": 1}}])),
            call(&device, "findAndUpdate", json!([uuid, {"$inc": {"n": 1}}])),
            call(&device, "findAndUpdate", json!([uuid, {"$inc": {"n": 1}}, {"projection": {"n": true}}])),
            call(&device, "update", json!(["nobody", {"a": 1}])),
        ],
    )
    .await;
    assert_eq!((set, pushed), (undefined(), undefined()));
    assert_eq!(refused, failure(422, "Update query may only contain authorized keys."));
    let message = unfit["error"]["message"].as_str().unwrap();
    assert!(message.contains("must be an array but is of type string"), "{message}");
    assert_eq!(unfit["error"]["code"], json!(500));
    let before = &before["values"][0];
    assert_eq!((&before["n"], &before["a"], &before["list"]), (&json!(1), &json!({"b": 1}), &json!([2])));
    assert_eq!(shown, value(&json!({"n": 2, "uuid": uuid})));
    assert_eq!(whoami(&bus, &device).await["n"], json!(3));
    assert_eq!(foreign, failure(403, "Invalid Response Code 403"));
}

#[tokio::test]
async fn create_hook() {
    if !real::on("create_hook") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let kinds = ["broadcast.received", "configure.sent", "message.received", "message.sent"];
    let hook = |kind: &&str| call(&device, "createHook", json!([device.uuid, kind, "https://x.test/"]));
    let [legacy, outcomes @ ..] = outcomes(
        &bus,
        [hook(&"received"), hook(&kinds[0]), hook(&kinds[1]), hook(&kinds[2]), hook(&kinds[3])],
    )
    .await;
    assert_eq!((legacy, outcomes.to_vec()), (undefined(), vec![undefined(); 4]));
    let expected = json!([{
        "type": "webhook",
        "url": "https://x.test/",
        "method": "POST",
        "generateAndForwardMeshbluCredentials": true,
    }]);
    let forwarders = whoami(&bus, &device).await["meshblu"]["forwarders"].clone();
    for kind in kinds {
        assert_eq!(forwarders.pointer(&format!("/{}", kind.replace('.', "/"))), Some(&expected), "{kind}");
    }
    assert_eq!(forwarders["received"], expected);
}

#[tokio::test]
async fn tokens() {
    if !real::on("tokens") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let uuid = &device.uuid;
    let [plain, tagged, kept, listed, revoked, by_query, left, reset] = outcomes(
        &bus,
        [
            call(&device, "generateAndStoreToken", json!([uuid])),
            call(&device, "generateAndStoreTokenWithOptions", json!([uuid, {"tag": "a"}])),
            call(&device, "generateAndStoreTokenWithOptions", json!([uuid, {"tag": "b"}, {}])),
            call(&device, "searchTokens", json!([{"metadata.tag": "a"}, {}])),
            call(&device, "revokeToken", json!([uuid, "$0.token"])),
            call(&device, "revokeTokenByQuery", json!([uuid, {"tag": "a"}])),
            call(&device, "searchTokens", json!([{}, {"projection": {"metadata": true}}])),
            call(&device, "resetToken", json!([uuid])),
        ],
    )
    .await;
    let token = |outcome: &Value| outcome["values"][0]["token"].clone();
    assert_eq!(plain, value(&json!({"uuid": uuid, "token": token(&plain)})));
    assert_eq!(tagged, value(&json!({"tag": "a", "uuid": uuid, "token": token(&tagged)})));
    assert_eq!(listed, value(&json!([{"uuid": uuid, "metadata": {"tag": "a"}}])));
    assert_eq!((revoked, by_query), (value(&json!({})), value(&json!({}))));
    let entry = |metadata: Value| json!({"uuid": uuid, "metadata": metadata});
    assert_eq!(left, value(&json!([entry(json!({"tag": "b"})), entry(json!({}))])));
    assert_eq!(reset, value(&json!({"uuid": uuid, "token": token(&reset)})));
    for (outcome, works) in [(&plain, false), (&tagged, false), (&kept, true), (&reset, true)] {
        assert_eq!(authenticates(&bus, &json!(uuid), &token(outcome)).await, works, "{outcome}");
    }
    assert!(!authenticates(&bus, &json!(uuid), &json!(device.token)).await);
}

#[tokio::test]
async fn subscriptions() {
    if !real::on("subscriptions") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let uuid = &device.uuid;
    let of = |kind: &str| json!({"subscriberUuid": uuid, "emitterUuid": "e", "type": kind});
    let by = |method: &str, kind: &str| call(&device, method, json!([of(kind)]));
    let [first, second, third, listed, unknown, one, some, all, none] = outcomes(
        &bus,
        [
            by("createSubscription", "message.received"),
            by("createSubscription", "unregister.sent"),
            by("createSubscription", "broadcast.sent"),
            call(&device, "subscriptions", json!([uuid, {}])),
            by("createSubscription", "nothing.sent"),
            by("deleteSubscription", "message.received"),
            by("deleteSubscriptions", "unregister.sent"),
            call(&device, "deleteSubscriptions", json!([{"subscriberUuid": uuid}, {}])),
            call(&device, "subscriptions", json!([uuid])),
        ],
    )
    .await;
    for done in [first, second, third, one, some, all] {
        assert_eq!(done, undefined());
    }
    let kinds = listed["values"][0].as_array().unwrap();
    for kind in ["message.received", "unregister.sent", "broadcast.sent"] {
        assert!(kinds.contains(&of(kind)), "{listed}");
    }
    assert_eq!(unknown, failure(422, "Invalid Response Code 422"));
    assert_eq!(none, value(&json!([])));
}

#[tokio::test]
async fn message() {
    if !real::on("message") {
        return;
    }
    let bus = TestBus::open().await;
    let sender = bus.device(json!({})).await;
    let lender = bus.device(json!({"message": {"as": [{"uuid": sender.uuid}]}})).await;
    let receiver = bus.listener().await;
    let mut heard = bus.bus.listen(receiver.uuid.as_str().into());
    let body = |n: u8| json!({"devices": [receiver.uuid], "n": n});
    let mut raw = basic(&sender);
    raw["raw"] = json!(true);
    let [plain, acting, raw, refused] = outcomes(
        &bus,
        [
            call(&sender, "message", json!([body(1)])),
            call(&sender, "message", json!([body(2), {"as": lender.uuid}])),
            json!({"options": raw, "method": "message", "args": [body(3).to_string()]}),
            call(&sender, "message", json!([{"devices": []}, {}])),
        ],
    )
    .await;
    assert_eq!((plain, acting, raw), (undefined(), undefined(), value(&json!(""))));
    assert_eq!(refused, failure(422, "Invalid Response Code 422"));
    for (n, from) in [(1, &sender), (2, &lender), (3, &sender)] {
        let event = heard.next().await.unwrap();
        assert_eq!(*event.body, *body(n).to_string());
        assert_eq!(event.route.as_ref().unwrap().hops()[0].from.as_str(), from.uuid);
    }
}

#[tokio::test]
async fn public_keys_and_health() {
    if !real::on("public_keys_and_health") {
        return;
    }
    let bus = TestBus::open().await;
    let keyed = bus.register(json!({"publicKey": "PEM"})).await;
    let bare = bus.device(json!({})).await;
    let [with, without, nobody, server, health] = outcomes(
        &bus,
        [
            call(&bare, "publicKey", json!([keyed.uuid])),
            call(&bare, "publicKey", json!([bare.uuid])),
            call(&bare, "publicKey", json!(["nobody"])),
            call(&bare, "getServerPublicKey", json!([])),
            call(&bare, "healthcheck", json!([])),
        ],
    )
    .await;
    assert_eq!(with, value(&json!({"uuid": keyed.uuid, "publicKey": "PEM"})));
    assert_eq!(without, value(&json!({"uuid": bare.uuid})));
    assert_eq!(nobody, failure(404, "Invalid Response Code 404"));
    let raw = send(bus.request(Method::GET, "/publickey")).await;
    assert!(raw.json()["publicKey"].as_str().unwrap().starts_with("-----BEGIN"));
    assert_eq!(server, value(&raw.json()["publicKey"]));
    assert_eq!(health, json!({"values": [true, 200]}));
}
