//! The owner's API: who may use these credentials (`spec/endo.md` 2.10).

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::bus::{Answer, Device, send};
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::{Chain, TestGateway};

/// A gateway with credentials of its first owner.
struct House {
    gateway: TestGateway,
    chain: Chain,
}

impl House {
    async fn open() -> Self {
        let api = FakeApi::answering(ApiAnswer::Stall(Vec::new())).await;
        let gateway = TestGateway::open(&api.url("")).await;
        let chain = gateway.chain(42).await;
        let options = json!({"$set": {"options": {"name": "GitHub", "username": "not-the-account"}}});
        let service = gateway.gateway.bus.service().to_string();
        gateway.update_itself(&service, &options).await;
        Self { gateway, chain }
    }

    async fn ask(&self, method: Method, path: &str, by: Option<&Device>) -> Answer {
        let url =
            format!("http://{}/credentials/{}{path}", self.gateway.running.gateway(), self.chain.credentials);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut request = client.request(method, url);
        if let Some(device) = by {
            request = request.basic_auth(&device.uuid, Some(&device.token));
        }
        send(request).await
    }

    async fn devices(&self) -> Vec<String> {
        let listed = self.ask(Method::GET, "/user-devices", Some(&self.gateway.owner())).await.json();
        listed.as_array().unwrap().iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_owner_sees_account_and_service() {
    let house = House::open().await;
    let answer = house.ask(Method::GET, "", Some(&house.gateway.owner())).await;
    answer.is(200, r#"{"username":"octocat","name":"GitHub"}"#);
}

#[tokio::test]
async fn an_owner_adds_a_device_that_is_his_and_works() {
    let house = House::open().await;
    let added = house.ask(Method::POST, "/user-devices", Some(&house.gateway.owner())).await;
    assert_eq!(added.status, 201, "{added:?}");
    let document = added.json();
    let device = Device {
        uuid: document["uuid"].as_str().unwrap().to_owned(),
        token: document["token"].as_str().unwrap().to_owned(),
    };
    assert_eq!(document["owner"], json!(house.gateway.owner().uuid));
    assert_eq!(document["name"], "octocat");
    assert_eq!(house.gateway.device(&device, &device.uuid).await["type"], "endo:github");
    assert_eq!(house.devices().await, [house.chain.user.uuid.to_string(), device.uuid]);
}

#[tokio::test]
async fn a_device_is_called_as_the_program_says_or_not_made() {
    let house = House::open().await;
    let (owner, client) = (house.gateway.owner(), reqwest::Client::builder().no_proxy().tls_certs_only([]));
    let client = client.build().unwrap();
    let credentials = &house.chain.credentials;
    let url = format!("http://{}/credentials/{credentials}/user-devices", house.gateway.running.gateway());
    let add = async |body: &str| {
        let request = client.post(&url).basic_auth(&owner.uuid, Some(&owner.token));
        send(request.header("content-type", "application/json").body(body.to_owned())).await
    };
    for (body, name) in [(r#"{"name": "kitchen"}"#, "kitchen"), ("{}", "octocat"), ("no JSON", "octocat")] {
        let added = add(body).await;
        assert_eq!((added.status.as_u16(), &added.json()["name"]), (201, &json!(name)), "{body}");
    }
    for body in [r#"{"name": 7}"#, r#"{"name": ""}"#, "{\"name\": \"a\\u202eb\"}"] {
        let refused = add(body).await;
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(refused.text.contains("othing was done"), "{refused:?}");
    }
    assert_eq!(house.devices().await.len(), 4);
}

#[tokio::test]
async fn whoever_sends_no_login_is_told_what_to_send() {
    let house = House::open().await;
    let told = house.ask(Method::GET, "", None).await;
    assert_eq!(told.status, 401, "{told:?}");
    assert!(
        told.text.contains("`Authorization: Bearer` and the base64 of its uuid, a colon and its token"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_device_that_an_owner_cuts_off_reaches_nobody_from_the_answer_on() {
    let mut house = House::open().await;
    house.gateway.prove(&house.gateway.owner(), &house.chain.credentials).await;
    let path = format!("/user-devices/{}", house.chain.user.uuid);
    house.ask(Method::DELETE, &path, Some(&house.gateway.owner())).await.is(204, "");
    assert!(house.devices().await.is_empty());
    house.gateway.send(&house.chain, json!({"metadata": {"jobType": "Nothing"}})).await;
    assert!(house.gateway.arrived(&mut house.chain.flow).await.is_empty());
    assert_eq!(house.gateway.waiting().await, 0);
    let itself = format!("/user-devices/{}", house.chain.credentials);
    let refused = house.ask(Method::DELETE, &itself, Some(&house.gateway.owner())).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"], "Cannot remove the credentials subscription to itself");
}

#[tokio::test]
async fn whoever_is_no_owner_learns_nothing_and_changes_nothing() {
    let house = House::open().await;
    let cut_off = format!("/user-devices/{}", house.chain.user.uuid);
    let wrong = Device { token: "wrong".to_owned(), ..house.gateway.owner() };
    for (method, path) in [
        (Method::GET, ""),
        (Method::GET, "/user-devices"),
        (Method::POST, "/user-devices"),
        (Method::GET, "/owners"),
        (Method::GET, "/receipts"),
        (Method::DELETE, &*cut_off),
        (Method::DELETE, "/user-devices"),
        (Method::DELETE, ""),
    ] {
        let stranger = house.ask(method.clone(), path, Some(&house.chain.flow.device)).await;
        assert_eq!(stranger.status, 404, "{method} {path}");
        assert_eq!(stranger.json()["error"], "credentials device not found");
        for nobody in [None, Some(&wrong)] {
            assert_eq!(house.ask(method.clone(), path, nobody).await.status, 401, "{method} {path}");
        }
    }
    assert_eq!(house.devices().await, [house.chain.user.uuid.to_string()]);
}

#[tokio::test]
async fn a_user_device_that_was_given_away_gives_its_new_owner_no_management() {
    let mut house = House::open().await;
    let flow = house.chain.flow.device.clone();
    let give = json!({"$set": {"owner": flow.uuid}});
    house.gateway.update(&house.gateway.owner(), house.chain.user.uuid.as_str(), give).await;
    for path in ["", "/user-devices", "/owners", "/receipts"] {
        assert_eq!(house.ask(Method::GET, path, Some(&flow)).await.status, 404, "{path}");
    }
    assert_eq!(house.devices().await, [house.chain.user.uuid.to_string()]);
    let message = json!({"metadata": {"jobType": "Nothing"}});
    let reply = house.gateway.exchange(&mut house.chain, message).await;
    assert_eq!(reply["metadata"]["code"], 404, "the device keeps working: {reply}");
}

#[tokio::test]
async fn other_methods_are_told_what_there_is() {
    let house = House::open().await;
    let answer = house.ask(Method::PUT, "/user-devices", Some(&house.gateway.owner())).await;
    let allowed = "GET, HEAD, POST, DELETE, OPTIONS";
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allowed)));
    let _: Value = answer.json();
}
