//! The calls that the old gateway makes, in its order and with its bodies (`spec/meshblu.md` 8.1), by hand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Random, Timestamp};
use endo::vault::{
    Contents, Format, KeyRing, Owners, PrivateKey, RememberSettings, ResourceOwnerId, SealedText, SecretText,
    Vault,
};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};
use crate::support::desk::fixture_key;

struct OldGateway {
    bus: TestBus,
    vault: Vault,
    service: Device,
    user: Device,
}

fn account() -> ResourceOwnerId {
    ResourceOwnerId::Text("resource owner".to_owned())
}

fn text(answer: &Answer, member: &str) -> String {
    answer.json()[member].as_str().unwrap().to_owned()
}

/// As its client sends what has no body.
fn empty(request: RequestBuilder) -> RequestBuilder {
    request.header("content-length", "0")
}

async fn line(stream: &mut Response) -> Value {
    serde_json::from_slice(&stream.chunk().await.unwrap().unwrap()).unwrap()
}

impl OldGateway {
    /// A user, and a service device that the doctor sets up for it.
    async fn set_up() -> Self {
        let bus = TestBus::open().await;
        let user = bus.register(json!({"type": "octoblu:user"})).await;
        let whitelist = json!([user.uuid]);
        let service = bus.register(json!({
            "owner": user.uuid, "type": "device:oauth", "name": "endo-github",
            "discoverWhitelist": whitelist, "configureWhitelist": whitelist,
        }));
        let service = service.await;
        let remember = RememberSettings { capacity: 8, life: std::time::Duration::from_secs(60) };
        let ring = KeyRing::new(PrivateKey::parse(&fixture_key(), &Random::system()).unwrap(), vec![]);
        let gateway = Self { bus, vault: Vault::new(ring, Random::system(), remember), service, user };
        let hook = json!({"type": "webhook", "url": "https://x.test/v2/messages", "method": "POST", "signRequest": true});
        for update in [
            json!({"$addToSet": {"discoverWhitelist": "*"}}),
            json!({"$set": {"optionsSchema": {"type": "object", "required": ["name", "imageUrl", "callbackUrl"]}}}),
            json!({"$set": {"options": {"name": "GitHub", "imageUrl": "https://x.test/logo", "callbackUrl": "https://x.test"}}}),
            json!({
                "$set": {"meshblu.forwarders.version": "2.0.0"},
                "$addToSet": {"meshblu.forwarders.message.received": hook},
            }),
        ] {
            gateway.put(&gateway.service, &gateway.service.uuid, update).await.is(204, "");
        }
        let list = format!("GET /v2/devices/{}/subscriptions", gateway.service.uuid);
        send(gateway.bus.by(&gateway.service, &list)).await.is(200, "[]");
        gateway.bus.subscribe(&gateway.service, &gateway.service, "message.received").await;
        gateway
    }

    async fn put(&self, by: &Device, uuid: &str, update: Value) -> Answer {
        send(self.bus.by(by, &format!("PUT /v2/devices/{uuid}")).json(&update)).await
    }

    async fn search(&self, by: &Device, query: Value) -> Vec<Value> {
        let answer = send(self.bus.by(by, "POST /search/devices").json(&query)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().unwrap().clone()
    }

    /// The record of a device as it was read, opened: its signature covers the order of its keys.
    fn token_in(&self, device: &Value) -> String {
        let (endo, signature) = (device["endo"].to_string(), device["endoSignature"].as_str().unwrap());
        let uuid = device["uuid"].as_str().unwrap().into();
        let record = SealedText { endo: &endo, signature };
        let opened = self.vault.open(&uuid, record, Timestamp::from_millis(0)).unwrap();
        opened.credentials_device_token().unwrap().expose().to_owned()
    }

    async fn token(&self, uuid: &str) -> Device {
        let call = format!("POST /devices/{uuid}/tokens");
        let answer = send(empty(self.bus.by(&self.service, &call))).await;
        assert_eq!(answer.status, 201);
        Device { uuid: uuid.to_owned(), token: text(&answer, "token") }
    }

    /// The credentials device of the account, found or made, with a new token.
    async fn find_or_create(&self) -> Device {
        let query = json!({"endo.idKey": self.vault.id_keys(&account()).newest()});
        let found = self.search(&self.service, query).await;
        if let Some(device) = found.first() {
            assert_eq!(found.len(), 1);
            return self.token(device["uuid"].as_str().unwrap()).await;
        }
        let service = json!([{"uuid": self.service.uuid}]);
        let whitelists = json!({
            "discover": {"view": service, "as": service},
            "configure": {"update": service},
            "message": {"received": service},
        });
        let document = json!({"meshblu": {"version": "2.0.0", "whitelists": whitelists}});
        let uuid = text(&send(self.bus.by(&self.service, "POST /devices").json(&document)).await, "uuid");
        let wire = format!("POST /v2/devices/{}/subscriptions/{uuid}/message.received", self.service.uuid);
        send(empty(self.bus.by(&self.service, &wire))).await.is(204, "");
        self.token(&uuid).await
    }

    /// Seals the account's secrets for this owner and stores them in the name of the credentials device.
    async fn store(&self, credentials: &Device, owner: &str) {
        let contents = Contents {
            username: Some("octocat".to_owned()),
            refresh_token: Some(SecretText::from("refresh")),
            credentials_device_token: Some(SecretText::from(credentials.token.as_str())),
            owners: Owners::named([owner]),
            ..Contents::new(account(), SecretText::from("secret"))
        };
        let record = self.vault.seal(&credentials.uuid.as_str().into(), &contents, Format::One).unwrap();
        let update = json!({"$set": {"endo": record.endo, "endoSignature": record.signature}});
        self.put(credentials, &credentials.uuid, update).await.is(204, "");
    }

    /// The user comes back from the API.
    async fn sign_in(&self) -> Device {
        let credentials = self.find_or_create().await;
        self.store(&credentials, &self.user.uuid).await;
        credentials
    }

    /// What each call of the owner's API begins with.
    async fn authorized(&self, uuid: &str) -> Device {
        let bearer = STANDARD.encode(format!("{}:{}", self.user.uuid, self.user.token));
        let whoami = self.bus.anonymous("GET /v2/whoami").header("authorization", format!("Bearer {bearer}"));
        assert_eq!(text(&send(whoami).await, "uuid"), self.user.uuid);
        send(empty(self.bus.by(&self.user, "POST /authenticate"))).await.is(204, "");
        let key = &self.vault.authorized_keys(&self.user.uuid.as_str().into())[0];
        let query = json!({"uuid": uuid, "endo.authorizedKey": key});
        let found = self.search(&self.service, query).await;
        self.token_in(&found[0]);
        self.token(uuid).await
    }

    /// A user device and its status device, as the original registers them.
    async fn add_user_device(&self, credentials: &str) -> (Device, Device) {
        let credentials = self.authorized(credentials).await;
        let (o, c) = (json!({"uuid": self.user.uuid}), json!({"uuid": credentials.uuid}));
        let document = json!({
            "name": "octocat", "type": "endo-github", "logo": "https://x.test/logo", "owner": self.user.uuid,
            "online": true, "octoblu": {"flow": {"forwardMetadata": true}},
            "schemas": {
                "version": "2.0.0",
                "form": {"$ref": "https://x.test/v1/form-schema"},
                "message": {"$ref": "https://x.test/v1/message-schema"},
                "response": {"$ref": "https://x.test/v1/response-schema"},
            },
            "meshblu": {"version": "2.0.0", "whitelists": {
                "broadcast": {"as": [o], "received": [o], "sent": [o]},
                "configure": {"as": [o, c], "received": [o], "sent": [o], "update": [o]},
                "discover": {"view": [o, c], "as": [o]},
                "message": {"as": [o, c], "received": [o, c], "sent": [o], "from": [o]},
            }},
        });
        let register = async |document: &Value| {
            let made = send(self.bus.by(&credentials, "POST /devices").json(document)).await;
            assert_eq!(made.status, 201);
            Device { uuid: text(&made, "uuid"), token: text(&made, "token") }
        };
        let device = register(&document).await;
        self.bus.subscribe(&credentials, &device, "message.received").await;
        let both = json!([{"uuid": device.uuid}, o]);
        // The version stands in the wrong place, which makes it a device of version 1.
        let whitelists = json!({
            "version": "2.0.0",
            "configure": {"update": both, "sent": both},
            "discover": {"view": both},
        });
        let status = json!({
            "type": "status-device", "owner": device.uuid,
            "meshblu": {"whitelists": whitelists}, "status": {"errors": []},
        });
        let status = register(&status).await;
        self.put(&device, &device.uuid, json!({"$set": {"statusDevice": status.uuid}})).await.is(204, "");
        (device, status)
    }

    /// The record behind a message: read by the service as the credentials device, which lends itself for that.
    async fn look_up(&self, uuid: &str) -> Device {
        let search = || {
            let request = self.bus.by(&self.service, "POST /search/devices");
            send(request.header("x-meshblu-as", uuid).json(&json!({"uuid": uuid})))
        };
        let mut found = search().await;
        if found.status == 403 {
            let lend = json!({"$addToSet": {"meshblu.whitelists.discover.as": {"uuid": self.service.uuid}}});
            self.put(&self.service, uuid, lend).await.is(204, "");
            found = search().await;
        }
        Device { uuid: uuid.to_owned(), token: self.token_in(&found.json()[0]) }
    }

    async fn reads(&self, device: &Device) -> Response {
        let call = format!("GET /subscribe/{}/received", device.uuid);
        let stream = self.bus.by(device, &call).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        stream
    }

    /// A flow that knows the user device, and is known to it.
    async fn flow(&self, device: &Device) -> Device {
        let flow = self.bus.register(json!({"type": "octoblu:flow", "sendWhitelist": [device.uuid]})).await;
        let open = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": flow.uuid}}});
        self.put(&self.user, &device.uuid, open).await.is(204, "");
        for kind in ["broadcast.received", "message.received", "configure.received"] {
            self.bus.subscribe(&flow, &flow, kind).await;
        }
        flow
    }

    async fn reply(&self, by: &Device, acting: &Device, reply: Value) {
        let request = self.bus.by(by, "POST /messages").header("x-meshblu-as", &acting.uuid);
        send(request.json(&reply)).await.is(204, "");
    }
}

#[tokio::test]
async fn the_old_gateway_signs_users_in_and_finds_their_records_again() {
    let old = OldGateway::set_up().await;
    let whoami = send(old.bus.by(&old.service, "GET /v2/whoami")).await.json();
    assert_eq!(whoami["options"]["imageUrl"], json!("https://x.test/logo"));
    let key = send(old.bus.by(&old.service, "GET /publickey")).await;
    assert!(text(&key, "publicKey").starts_with("-----BEGIN"));
    let first = old.sign_in().await;
    let second = old.sign_in().await;
    assert_eq!(first.uuid, second.uuid);
    assert_ne!(first.token, second.token);
    for credentials in [&first, &second, &old.look_up(&first.uuid).await] {
        let service = send(old.bus.by(credentials, &format!("GET /v2/devices/{}", old.service.uuid))).await;
        assert_eq!(service.json()["options"]["name"], json!("GitHub"));
    }
    assert_eq!(old.look_up(&first.uuid).await.token, second.token);
}

#[tokio::test]
async fn the_old_gateway_answers_messages_and_notes_its_errors() {
    let old = OldGateway::set_up().await;
    let uuid = old.sign_in().await.uuid;
    let (device, status) = old.add_user_device(&uuid).await;
    let flow = old.flow(&device).await;
    let (mut jobs, mut replies) = (old.reads(&old.service).await, old.reads(&flow).await);
    let message = json!({"devices": [device.uuid], "metadata": {"jobType": "X", "respondTo": 7}, "data": 1});
    send(old.bus.by(&flow, "POST /messages").json(&message)).await.is(204, "");
    assert_eq!(line(&mut jobs).await["metadata"], message["metadata"]);
    let credentials = old.look_up(&uuid).await;
    let answer =
        json!({"devices": [flow.uuid], "metadata": {"to": 7, "code": 200, "status": "OK"}, "data": null});
    old.reply(&credentials, &device, answer.clone()).await;
    let mut expected = answer;
    expected["fromUuid"] = json!(device.uuid);
    assert_eq!(line(&mut replies).await.to_string(), expected.to_string());

    let error =
        json!({"devices": [flow.uuid], "metadata": {"code": 500, "to": 7, "error": {"message": "no"}}});
    old.reply(&credentials, &device, error).await;
    assert_eq!(line(&mut replies).await["metadata"]["error"], json!({"message": "no"}));
    let read = send(old.bus.by(&credentials, &format!("GET /v2/devices/{}", device.uuid))).await.json();
    assert_eq!(read["statusDevice"], json!(status.uuid));
    let entry = json!({
        "senderUuid": flow.uuid, "date": "2016-09-28T15:00:00Z", "metadata": {"to": 7}, "code": 500, "message": "no",
    });
    let push = json!({"$push": {"status.errors": {"$each": [entry], "$slice": -99}}});
    let noting = || {
        let request = old.bus.by(&credentials, &format!("PUT /v2/devices/{}", status.uuid));
        send(request.header("x-meshblu-as", &device.uuid).json(&push))
    };
    noting().await.is(204, "");
    let noted = send(old.bus.by(&status, "GET /v2/whoami")).await.json();
    assert_eq!(noted["status"]["errors"].to_string(), json!([entry]).to_string());

    // A status device that is damaged is repaired by whoever may, which the text of the refusal leads to.
    old.put(&status, &status.uuid, json!({"$set": {"status.errors": "none"}})).await.is(204, "");
    assert!(noting().await.header("x-meshblu-error").unwrap().contains("must be an array but is of type"));
}

#[tokio::test]
async fn the_old_gateway_renews_secrets_and_gives_up_devices() {
    let old = OldGateway::set_up().await;
    let before = old.sign_in().await;
    let (device, _) = old.add_user_device(&before.uuid).await;
    let credentials = old.find_or_create().await;
    let found = old.search(&credentials, json!({"uuid": device.uuid})).await;
    old.store(&credentials, found[0]["owner"].as_str().unwrap()).await;
    assert_eq!(old.look_up(&before.uuid).await.token, credentials.token);
    let list = format!("GET /v2/devices/{}/subscriptions", credentials.uuid);
    let listed = send(old.bus.by(&old.authorized(&before.uuid).await, &list)).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["emitterUuid"], json!(device.uuid));
    let cut =
        format!("DELETE /v2/devices/{}/subscriptions/{}/message.received", credentials.uuid, device.uuid);
    send(old.bus.by(&before, &cut)).await.is(204, "");
    send(old.bus.by(&credentials, &list)).await.is(200, "[]");
}

#[tokio::test]
async fn a_credentials_device_that_lends_itself_to_nobody_is_repaired_on_403() {
    let old = OldGateway::set_up().await;
    let credentials = old.sign_in().await;
    let take = json!({"$pull": {"meshblu.whitelists.discover.as": {"uuid": old.service.uuid}}});
    old.put(&credentials, &credentials.uuid, take).await.is(204, "");
    let search = old.bus.by(&old.service, "POST /search/devices").header("x-meshblu-as", &credentials.uuid);
    send(search.json(&json!({"uuid": credentials.uuid}))).await.is(403, "null");
    assert_eq!(old.look_up(&credentials.uuid).await.token, credentials.token);
}
