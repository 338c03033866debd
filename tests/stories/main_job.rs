//! The main job, over real HTTP from a flow's message to the reply that the flow reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use endo::config::Config;
use endo::message::DeviceUuid;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::support::desk::SECRET;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::gateway::{Chain, TestGateway};
use crate::support::log;

const EVENTS: &str = r#"[{"type": "PushEvent", "repo": {"name": "octocat/Hello-World"}, "unknown": 1}]"#;

fn events() -> Answer {
    Answer::new(200, &["content-type: application/json"], EVENTS)
}

fn not_found() -> Answer {
    Answer::new(404, &["content-type: application/json"], r#"{"message": "Not Found"}"#)
}

async fn api() -> FakeApi {
    FakeApi::answering(events()).await
}

fn list_events(respond_to: impl Into<Value>) -> Value {
    let respond_to: Value = respond_to.into();
    let metadata = json!({"jobType": "ListEventsByUser", "respondTo": respond_to});
    json!({"metadata": metadata, "data": {"username": "octocat"}})
}

#[tokio::test]
async fn a_flow_s_message_is_answered_by_the_user_device() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    let reply = gateway.exchange(&mut chain, list_events("m1")).await;
    let expected = json!({
        "devices": [chain.flow.device.uuid],
        "metadata": {"to": "m1", "code": 200, "status": "OK"},
        "data": [{"repoName": "octocat/Hello-World", "type": "PushEvent"}],
        "fromUuid": chain.user.uuid,
    });
    assert_eq!(reply, expected);
    let seen = api.seen();
    assert_eq!((seen.len(), seen[0].target.as_str()), (1, "/users/octocat/events"));
    assert_eq!(seen[0].header("authorization"), [format!("Bearer {SECRET}")]);
    assert_eq!(gateway.waiting().await, 0);
}

#[tokio::test]
async fn data_that_break_the_schema_are_answered_with_the_field_s_name() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    let mut message = list_events("m1");
    message["data"] = json!({"username": 42});
    let reply = gateway.exchange(&mut chain, message).await;
    assert_eq!(reply["metadata"], json!({"to": "m1", "code": 422, "status": "Unprocessable Entity"}));
    assert_eq!(reply["data"], json!({"errors": ["message.data.username is not of a type(s) string"]}));
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn an_unknown_job_type_is_answered_404() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    for name in ["Unheard", "constructor", "toString", ""] {
        let message = json!({"metadata": {"jobType": name, "respondTo": name}, "data": {}});
        let reply = gateway.exchange(&mut chain, message).await;
        assert_eq!(reply["metadata"], json!({"to": name, "code": 404, "status": "Not Found"}));
    }
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn an_api_s_error_is_told_to_the_flow_and_noted_on_the_status_device() {
    let api = FakeApi::answering(not_found()).await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    for count in 1..=101 {
        let reply = gateway.exchange(&mut chain, list_events(count)).await;
        let expected = json!({"code": 404, "to": count, "error": {"message": "Not Found"}});
        assert_eq!(reply["metadata"], expected);
    }
    let status = gateway.device(&gateway.owner(), chain.user.status_device.as_str()).await;
    let errors = status["status"]["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 99);
    assert_eq!((&errors[0]["metadata"]["to"], &errors[98]["metadata"]["to"]), (&json!(3), &json!(101)));
    assert_eq!(errors[98]["senderUuid"], json!(chain.flow.device.uuid));
    assert_eq!((&errors[98]["code"], &errors[98]["message"]), (&json!(404), &json!("Not Found")));
}

#[tokio::test]
async fn a_call_that_may_not_be_made_is_logged_once_with_its_reason() {
    log::capture();
    let only_elsewhere = |config: &mut Config| config.source.hosts = vec!["listed.example".to_owned()];
    let gateway = TestGateway::with("https://unlisted.example", only_elsewhere).await;
    let mut chain = gateway.chain(1).await;
    let reply = gateway.exchange(&mut chain, list_events("m1")).await;
    let error = json!({"message": "GitHub cannot be called"});
    assert_eq!(reply["metadata"], json!({"code": 502, "to": "m1", "error": error}));
    let mut lines = log::lines_with("calls to this host are not allowed");
    let told = |line: &String| line.contains("GitHub gave no answer") && !line.contains("unlisted");
    assert!(lines.iter().all(told) && log::lines_with("unlisted.example").is_empty(), "{lines:?}");
    let delivery =
        |line: &String| serde_json::from_str::<Value>(line).unwrap()["spans"][0]["delivery.id"].to_string();
    // Jobs of other stories run without a delivery.
    lines.retain(|line| line.contains("delivery.id"));
    let deliveries: Vec<_> = lines.iter().map(delivery).collect();
    let each: BTreeSet<_> = deliveries.iter().collect();
    assert!(!each.is_empty() && each.len() == lines.len(), "{lines:?}");
    assert!(log::lines_with(SECRET).is_empty(), "{lines:?}");
}

#[tokio::test]
async fn a_revoked_device_is_not_answered_and_opens_nothing() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    assert!(gateway.revoke(&chain).await);
    gateway.send(&chain, list_events("m1")).await;
    assert_eq!(gateway.waiting().await, 0);
    assert_eq!(gateway.arrived(&mut chain.flow).await, [] as [Value; 0]);
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_queued_message_whose_binding_ended_meanwhile_is_answered_403() {
    let (asked, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (ask, open) = (asked.clone(), gate.clone());
    let script = move |_: &_| {
        ask.notify_one();
        events().behind(&open)
    };
    let api = FakeApi::start(script).await;
    let gateway = TestGateway::with(&api.url(""), |config| config.jobs.concurrency = 1).await;
    let mut chain = gateway.chain(1).await;
    gateway.send(&chain, list_events("running")).await;
    asked.notified().await;
    gateway.send(&chain, list_events("queued")).await;
    gateway.revoke(&chain).await;
    gate.add_permits(1);
    let (first, second) = (chain.flow.next().await, chain.flow.next().await);
    assert_eq!(first["metadata"], json!({"to": "running", "code": 200, "status": "OK"}));
    let refusal = json!({"message": "this device may not use these credentials"});
    assert_eq!(second["metadata"], json!({"code": 403, "to": "queued", "error": refusal}));
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn whatever_the_sender_wants_to_find_it_finds_in_the_reply() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    for respond_to in [
        json!("text"),
        json!(7),
        json!(1.5),
        json!(null),
        json!(false),
        json!([1, "a"]),
        json!({"z": 1, "a": 2}),
    ] {
        let reply = gateway.exchange(&mut chain, list_events(respond_to.clone())).await;
        assert_eq!(reply["metadata"].get("to"), Some(&respond_to));
        assert_eq!(reply["metadata"]["to"].to_string(), respond_to.to_string());
    }
    let mut without = list_events("x");
    without["metadata"].as_object_mut().unwrap().remove("respondTo");
    let reply = gateway.exchange(&mut chain, without).await;
    assert_eq!(reply["metadata"], json!({"code": 200, "status": "OK"}));
}

#[tokio::test]
async fn a_message_without_metadata_is_answered_in_the_original_s_words() {
    let api = api().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(1).await;
    let reply = gateway.exchange(&mut chain, json!({"data": {"username": "octocat"}})).await;
    let message = "Message is missing required property \"metadata\"";
    assert_eq!(reply["metadata"], json!({"code": 422, "error": {"message": message}}));
}

/// A right or a subscription that the way of a message, or of its reply, needs.
enum Link {
    /// An entry of a whitelist: whose, which, and for whom.
    Entry(String, &'static str, String),
    /// Who is subscribed to what whom receives.
    Subscription(String, String),
}

impl Link {
    fn all(chain: &Chain, service: &DeviceUuid) -> Vec<(&'static str, Self)> {
        let (user, credentials) = (chain.user.uuid.to_string(), chain.credentials.to_string());
        let (flow, service) = (chain.flow.device.uuid.clone(), service.to_string());
        let entry = |of: &String, list, to: &String| Self::Entry(of.clone(), list, to.clone());
        let subscription = |who: &String, to: &String| Self::Subscription(who.clone(), to.clone());
        vec![
            ("the user device accepts the flow", entry(&user, "message.from", &flow)),
            ("credentials may hear the user device", entry(&user, "message.received", &credentials)),
            ("the service may hear the credentials", entry(&credentials, "message.received", &service)),
            ("credentials may speak as the user device", entry(&user, "message.as", &credentials)),
            ("the flow accepts the user device", entry(&flow, "message.from", &user)),
            ("credentials hear the user device", subscription(&credentials, &user)),
            ("the service hears the credentials", subscription(&service, &credentials)),
            ("the service hears itself", subscription(&service, &service)),
            ("the flow hears itself", subscription(&flow, &flow)),
        ]
    }

    async fn set(&self, gateway: &TestGateway, there: bool) {
        match self {
            Self::Entry(of, list, to) => {
                let operator = if there { "$addToSet" } else { "$pull" };
                let path = format!("meshblu.whitelists.{list}");
                gateway.update_itself(of, &json!({operator: {path: {"uuid": to}}})).await;
            }
            Self::Subscription(who, to) => gateway.subscribe(who, to, there).await,
        }
    }
}

/// One job at a time, so that the answer to a later message tells that the earlier ones are over.
#[tokio::test]
async fn the_gateway_is_a_caller_like_any_other() {
    let api = api().await;
    let gateway = TestGateway::with(&api.url(""), |config| config.jobs.concurrency = 1).await;
    let (mut chain, mut other) = (gateway.chain(1).await, gateway.chain(2).await);
    for (name, link) in Link::all(&chain, gateway.gateway.bus.service()) {
        link.set(&gateway, false).await;
        gateway.send(&chain, list_events("dropped")).await;
        if name == "the service hears itself" {
            // Then nobody's messages arrive.
            assert_eq!(gateway.waiting().await, 0, "{name}");
        } else {
            let later = gateway.exchange(&mut other, list_events("later")).await;
            assert_eq!(later["metadata"]["to"], "later", "{name}");
        }
        link.set(&gateway, true).await;
        assert_eq!(gateway.arrived(&mut chain.flow).await, [] as [Value; 0], "{name}");
        let reply = gateway.exchange(&mut chain, list_events("again")).await;
        assert_eq!(reply["metadata"]["to"], "again", "{name}");
    }
}
