//! A message that succeeds: every call, in order, as the original makes it (`spec/endo.md` 2.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::bus::send;
use crate::support::fake_api::Seen;
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FLOW, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, route, say_hello,
};

fn basic(uuid: &str, token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{uuid}:{token}")))
}

/// Method, path, who calls, as whom, and with what.
fn told(seen: &Seen) -> Value {
    let header = |name| seen.header(name).first().map(|value| (*value).to_owned());
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    json!([
        format!("{} {}", seen.method, seen.target),
        header("authorization"),
        header("x-meshblu-as"),
        header("accept"),
        header("content-type"),
        body,
    ])
}

#[tokio::test]
async fn a_message_costs_these_calls_and_no_others() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&say_hello()).await;
    answer.is(201, "Created");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let service = basic(SERVICE, "service-token-0001");
    let credentials = basic(CREDENTIALS, CREDENTIALS_TOKEN);
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    let (accept, kind) = ("application/json", "application/json");
    let reply = json!({
        "devices": [FLOW],
        "metadata": {"to": {"nodeId": "n1"}, "code": 200, "status": "OK"},
        "data": {"hello": "Ada"},
    });
    let calls = meshblu.calls();
    assert_eq!(
        calls.iter().map(told).collect::<Vec<_>>(),
        [
            json!([subscriptions, service, null, accept, null, null]),
            json!(["POST /search/devices", service, CREDENTIALS, accept, kind, {"uuid": CREDENTIALS}]),
            json!(["POST /messages", credentials, USER_DEVICE, accept, kind, reply]),
        ]
    );
    assert_eq!(calls[2].body, reply.to_string().into_bytes(), "the keys stand in the original's order");
    assert_eq!(gateway.waiting().await, 0);
}

#[tokio::test]
async fn a_binding_is_asked_for_once_a_second_and_a_record_opened_once() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await.is(201, "Created");
    let opened = gateway.gateway.vault.private_key_operations();
    for _ in 0..3 {
        gateway.webhook(&say_hello()).await.is(201, "Created");
    }
    let asked = meshblu.called().into_iter().filter(|call| call.ends_with("/subscriptions")).count();
    assert_eq!(asked, 1);
    assert_eq!(gateway.gateway.vault.private_key_operations(), opened);
    assert_eq!(meshblu.messages().len(), 4);
}

#[tokio::test]
async fn a_job_that_nobody_has_is_a_reply_too() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&json!({"metadata": {"jobType": "Nothing"}, "data": {}})).await.is(201, "Created");
    assert_eq!(
        meshblu.messages(),
        [json!({"devices": [FLOW], "metadata": {"code": 404, "status": "Not Found"}})]
    );
}

#[tokio::test]
async fn a_message_may_come_as_a_form() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let recorded = &crate::support::meshblu::vectors()["vectors"][0]["request"]["headers"];
    let mut request = gateway.post("/v2/messages").header("x-meshblu-route", route());
    for name in ["Date", "X-MESHBLU-UUID", "Authorization"] {
        request = request.header(name, recorded[name].as_str().unwrap());
    }
    let mut request = request.build().unwrap();
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert("content-type", form);
    *request.body_mut() = Some("metadata[jobType]=SayHello&data[name]=Ada+L.".into());
    let answer = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let answer = answer.execute(request).await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(meshblu.messages()[0]["data"], json!({"hello": "Ada L."}));
}

#[tokio::test]
async fn a_credentials_device_may_bring_its_message_itself() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let bearer = STANDARD.encode(format!("{CREDENTIALS}:a-token-of-its-own"));
    let request = gateway
        .post("/v1/messages")
        .header("x-meshblu-route", route())
        .header("authorization", format!("Bearer {bearer}"));
    send(request.body(say_hello().to_string())).await.is(201, "Created");
    assert_eq!(meshblu.called()[0], "POST /authenticate");
    let calls = meshblu.calls();
    let reply = calls.last().unwrap();
    assert_eq!(reply.header("authorization"), [basic(CREDENTIALS, "a-token-of-its-own")]);
    assert_eq!(reply.header("x-meshblu-as"), [USER_DEVICE]);
}

#[tokio::test]
async fn a_device_that_brings_a_message_for_another_s_credentials_is_refused() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let request = gateway
        .post("/v1/messages")
        .header("x-meshblu-route", route())
        .header("x-meshblu-uuid", "another-device")
        .header("x-meshblu-token", "its-token");
    let answer = send(request.body(say_hello().to_string())).await;
    assert_eq!(answer.status, 403);
    assert_eq!(meshblu.called(), ["POST /authenticate"]);
}

#[tokio::test]
async fn a_device_that_the_bus_does_not_know_is_refused() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /authenticate", [crate::support::meshblu::json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let plain = gateway.post("/v1/messages").header("x-meshblu-route", route());
    assert_eq!(send(plain.body(say_hello().to_string())).await.status, 401);
    assert!(meshblu.called().is_empty(), "without a login nobody is asked");
    let request = gateway.post("/v1/messages").header("x-meshblu-route", route());
    let request = request.basic_auth(CREDENTIALS, Some("wrong"));
    assert_eq!(send(request.body(say_hello().to_string())).await.status, 401);
}
