//! The calls that the old gateway makes, in its order (`spec/meshblu.md` 8.1), by hand.

use serde_json::{Value, json};

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};

/// The old gateway's service device, wired as its doctor does it, and a user.
async fn world(bus: &TestBus) -> (Device, Device) {
    let service = json!({"type": "device:oauth", "discoverWhitelist": ["*"], "configureWhitelist": []});
    let service = bus.register(service).await;
    bus.subscribe(&service, &service, "message.received").await;
    (service, bus.register(json!({"type": "octoblu:user"})).await)
}

fn text(answer: &Answer, member: &str) -> String {
    answer.json()[member].as_str().unwrap().to_owned()
}

async fn session(bus: &TestBus, service: &Device, uuid: &str) -> Device {
    let request = bus.by(service, &format!("POST /devices/{uuid}/tokens"));
    let answer = send(request.header("content-length", "0")).await;
    assert_eq!(answer.status, 201);
    Device { uuid: uuid.to_owned(), token: text(&answer, "token") }
}

/// A new account signs in: its credentials device is made and sealed.
async fn credentials(bus: &TestBus, service: &Device) -> Device {
    let query = json!({"endo.idKey": "c2lnbmVk+/="});
    send(bus.by(service, "POST /search/devices").json(&query)).await.is(200, "[]");
    let entry = json!([{"uuid": service.uuid}]);
    let whitelists = json!({
        "discover": {"view": entry, "as": entry},
        "configure": {"update": entry},
        "message": {"received": entry},
    });
    let document = json!({"type": "endo", "meshblu": {"version": "2.0.0", "whitelists": whitelists}});
    let made = send(bus.by(service, "POST /devices").json(&document)).await;
    let uuid = text(&made, "uuid");
    let wire = format!("POST /v2/devices/{}/subscriptions/{uuid}/message.received", service.uuid);
    send(bus.by(service, &wire)).await.is(204, "");
    let device = session(bus, service, &uuid).await;
    let record = json!({"$set": {
        "endo": {"authorizedKey": "a", "idKey": "c2lnbmVk+/=", "credentialsDeviceUuid": uuid, "encrypted": "e"},
        "endoSignature": "s",
    }});
    send(bus.by(&device, &format!("PUT /v2/devices/{uuid}")).json(&record)).await.is(204, "");
    let found = send(bus.by(service, "POST /search/devices").json(&query)).await.json();
    assert_eq!(found[0]["uuid"], json!(uuid));
    assert_eq!(found[0]["endo"].as_object().unwrap().keys().next_back().unwrap(), "encrypted");
    device
}

/// The owner adds a user device.
async fn user_device(bus: &TestBus, credentials: &Device, owner: &Device) -> (Device, Device) {
    let both = json!([{"uuid": owner.uuid}, {"uuid": credentials.uuid}]);
    let whitelists = json!({
        "discover": {"view": both, "as": both},
        "configure": {"update": both, "as": both},
        "message": {"as": both, "received": both, "from": [{"uuid": "*"}]},
    });
    let document = json!({
        "owner": owner.uuid,
        "schemas": {"form": {"$ref": "https://x.test/v1/form-schema"}},
        "meshblu": {"version": "2.0.0", "whitelists": whitelists},
    });
    let device = bus.register(document).await;
    bus.subscribe(credentials, &device, "message.received").await;
    let status = bus.register(json!({"owner": device.uuid, "type": "status-device"})).await;
    let link = json!({"$set": {"statusDevice": status.uuid}});
    send(bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&link)).await.is(204, "");
    (device, status)
}

#[tokio::test]
async fn the_old_gateway_could_work_here() {
    let bus = TestBus::open().await;
    let (service, user) = world(&bus).await;
    assert_eq!(send(bus.by(&service, "GET /v2/whoami")).await.status, 200);
    send(bus.by(&user, "POST /authenticate").header("content-length", "0")).await.is(204, "");
    let credentials = credentials(&bus, &service).await;
    let service_document = format!("GET /v2/devices/{}", service.uuid);
    assert_eq!(send(bus.by(&credentials, &service_document)).await.json()["uuid"], json!(service.uuid));
    let (device, status) = user_device(&bus, &credentials, &user).await;
    let list = format!("GET /v2/devices/{}/subscriptions", credentials.uuid);
    assert_eq!(send(bus.by(&credentials, &list)).await.json()[0]["emitterUuid"], json!(device.uuid));

    let flow = bus.register(json!({"type": "octoblu:flow"})).await;
    bus.subscribe(&flow, &flow, "message.received").await;
    let at_service = format!("GET /subscribe/{}/received", service.uuid);
    let mut jobs = bus.by(&service, &at_service).send().await.unwrap();
    let at_flow = format!("GET /subscribe/{}/received", flow.uuid);
    let mut replies = bus.by(&flow, &at_flow).send().await.unwrap();

    let message = json!({"devices": [device.uuid], "metadata": {"jobType": "X", "respondTo": 7}});
    send(bus.by(&flow, "POST /messages").json(&message)).await.is(204, "");
    let job: Value = serde_json::from_slice(&jobs.chunk().await.unwrap().unwrap()).unwrap();
    assert_eq!(job["metadata"]["jobType"], json!("X"));

    let query = json!({"uuid": credentials.uuid});
    let search = bus.by(&service, "POST /search/devices").header("x-meshblu-as", &credentials.uuid);
    assert_eq!(send(search.json(&query)).await.json()[0]["endoSignature"], json!("s"));
    let reply =
        json!({"devices": [flow.uuid], "metadata": {"code": 500, "to": 7, "error": {"message": "no"}}});
    let sending = bus.by(&credentials, "POST /messages").header("x-meshblu-as", &device.uuid);
    send(sending.json(&reply)).await.is(204, "");
    let received: Value = serde_json::from_slice(&replies.chunk().await.unwrap().unwrap()).unwrap();
    assert_eq!((&received["metadata"]["to"], &received["fromUuid"]), (&json!(7), &json!(device.uuid)));

    let push = json!({"$push": {"status.errors": {"$each": [{"code": 500}], "$slice": -99}}});
    let noting = bus.by(&credentials, &format!("PUT /v2/devices/{}", status.uuid));
    send(noting.header("x-meshblu-as", &device.uuid).json(&push)).await.is(204, "");
    let noted = send(bus.by(&status, "GET /v2/whoami")).await.json();
    assert_eq!(noted["status"]["errors"], json!([{"code": 500}]));

    let cut =
        format!("DELETE /v2/devices/{}/subscriptions/{}/message.received", credentials.uuid, device.uuid);
    send(bus.by(&credentials, &cut)).await.is(204, "");
    send(bus.by(&credentials, &list)).await.is(200, "[]");
}

#[tokio::test]
async fn a_credentials_device_that_lends_itself_to_nobody_is_repaired_on_403() {
    let bus = TestBus::open().await;
    let (service, _) = world(&bus).await;
    let credentials = credentials(&bus, &service).await;
    let path = format!("PUT /v2/devices/{}", credentials.uuid);
    let entry = json!({"uuid": service.uuid});
    let take = json!({"$pull": {"meshblu.whitelists.discover.as": entry}});
    send(bus.by(&credentials, &path).json(&take)).await.is(204, "");
    let search = || {
        let request = bus.by(&service, "POST /search/devices").header("x-meshblu-as", &credentials.uuid);
        send(request.json(&json!({"uuid": credentials.uuid})))
    };
    search().await.is(403, "null");
    let give = json!({"$addToSet": {"meshblu.whitelists.discover.as": entry}});
    send(bus.by(&service, &path).json(&give)).await.is(204, "");
    assert_eq!(search().await.status, 200);
}
