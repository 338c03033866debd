//! Messages that come to nothing: who is told what, and what is noted (`spec/endo.md` 2.5, steps a to d).

use serde_json::{Value, json};

use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, FLOW, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, json_answer, say_hello, vectors,
};

fn failing() -> Value {
    json!({"metadata": {"jobType": "SayHello", "respondTo": "r"}, "data": {"do": "fail"}})
}

fn error_message(code: u16, message: &str) -> Value {
    json!({"devices": [FLOW], "metadata": {"code": code, "to": "r", "error": {"message": message}}})
}

#[tokio::test]
async fn a_job_s_failure_is_told_and_noted_and_is_the_answer() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&failing()).await;
    assert_eq!(answer.status, 418);
    assert_eq!(answer.json()["error"], "I am a teapot");
    assert_eq!(meshblu.messages(), [error_message(418, "I am a teapot")]);
    let calls = meshblu.calls();
    let (read, push) = (&calls[3], &calls[4]);
    assert_eq!(read.target, "/v2/devices/user-uuid");
    assert!(read.header("x-meshblu-as").is_empty());
    assert_eq!((&*push.method, &*push.target), ("PUT", "/v2/devices/status-uuid"));
    assert_eq!(push.header("x-meshblu-as"), [USER_DEVICE]);
    let entry = json!({
        "senderUuid": FLOW,
        "date": "2026-01-15T12:00:00Z",
        "metadata": {"to": "r"},
        "code": 418,
        "message": "I am a teapot",
    });
    let expected = json!({"$push": {"status.errors": {"$each": [entry], "$slice": -99}}});
    assert_eq!(push.body, expected.to_string().into_bytes(), "the keys stand in the original's order");
}

#[tokio::test]
async fn a_job_that_breaks_ends_nothing_but_itself() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let breaking = json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "panic"}});
    assert_eq!(gateway.webhook(&breaking).await.status, 500);
    assert_eq!(meshblu.messages()[0]["metadata"]["code"], 500);
    gateway.webhook(&say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn whoever_sent_a_list_or_nothing_at_all_is_told_what_is_missing() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for (told, body) in (1..).zip(["", "[]", "[1]", "\u{feff}{}"]) {
        let answer = gateway.webhook(&body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.json()["error"], "Message is missing required property \"metadata\"");
        assert_eq!(meshblu.messages().len(), told, "{body}");
        assert_eq!(meshblu.messages()[told - 1]["metadata"]["code"], 422);
    }
    gateway.webhook(&format!("\u{feff}{}", say_hello())).await.is(201, "Created");
}

#[tokio::test]
async fn a_message_without_metadata_is_told_so() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&json!({"data": {}})).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["error"], "Message is missing required property \"metadata\"");
    assert_eq!(meshblu.messages()[0]["metadata"]["code"], 422);
}

#[tokio::test]
async fn a_status_device_whose_errors_are_no_list_is_repaired() {
    let meshblu = FakeMeshblu::start().await;
    let refusal = r#"x-meshblu-error: {"message":"The field 'status.errors' must be an array but is of type object in document"}"#;
    meshblu.answer(
        "PUT /v2/devices/status-uuid",
        [Answer::new(500, &[refusal, "content-type: application/json"], "null"), Answer::new(204, &[], "")],
    );
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&failing()).await.status, 418);
    let repair: Value = serde_json::from_slice(&meshblu.calls().last().unwrap().body).unwrap();
    assert_eq!(repair["$set"]["status.errors"][0]["code"], 418);
}

#[tokio::test]
async fn an_error_that_cannot_be_noted_is_the_answer() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("PUT /v2/devices/status-uuid", [json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&failing()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"], "Invalid Response Code 403");
    assert_eq!(meshblu.messages().len(), 1);
    assert_eq!(gateway.waiting().await, 0);
}

#[tokio::test]
async fn a_user_device_without_a_status_device_has_nothing_noted() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("GET /v2/devices/user-uuid", [json_answer(200, &json!({"uuid": USER_DEVICE}))]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&failing()).await.status, 418);
    assert!(!meshblu.called().iter().any(|call| call.starts_with("PUT")));
}

#[tokio::test]
async fn a_device_that_is_not_bound_opens_nothing() {
    let meshblu = FakeMeshblu::start().await;
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    let itself =
        json!({"subscriberUuid": CREDENTIALS, "emitterUuid": CREDENTIALS, "type": "message.received"});
    meshblu.answer(&subscriptions, [json_answer(200, &json!([itself])), json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let before = gateway.gateway.vault.private_key_operations();
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403);
    assert_eq!(meshblu.called(), [subscriptions]);
    assert_eq!(gateway.gateway.vault.private_key_operations(), before);
    assert_eq!(gateway.waiting().await, 0);
}

#[tokio::test]
async fn a_service_that_may_not_search_as_the_device_lets_itself_once() {
    let meshblu = FakeMeshblu::start().await;
    let found = json_answer(200, &json!([vectors()["credentialsDevice"]]));
    meshblu.answer("POST /search/devices", [json_answer(403, &Value::Null), found]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await.is(201, "Created");
    let calls = meshblu.calls();
    assert_eq!(calls[2].target, format!("/v2/devices/{CREDENTIALS}"));
    let update = json!({"$addToSet": {"meshblu.whitelists.discover.as": {"uuid": SERVICE}}});
    assert_eq!(calls[2].body, update.to_string().into_bytes());
    assert_eq!(calls[3].target, "/search/devices");
    meshblu.answer("POST /search/devices", [json_answer(403, &Value::Null)]);
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403, "and not for ever");
}

#[tokio::test]
async fn a_record_that_does_not_verify_is_an_invalid_credentials_device() {
    let mut device = vectors()["credentialsDevice"].clone();
    device["endo"]["authorizedKey"] = json!("another");
    for found in [json!([device]), json!([]), json!([{"uuid": CREDENTIALS}])] {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("POST /search/devices", [json_answer(200, &found)]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let answer = gateway.webhook(&say_hello()).await;
        assert_eq!(answer.status, 400, "{found}");
        assert_eq!(answer.json()["error"], "invalid credentials device");
        assert!(meshblu.messages().is_empty(), "there is no token to answer with");
    }
}
