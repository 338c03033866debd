//! A full file: what nobody asks for again needs none of it, and what has to be kept is not acknowledged.

use serde_json::json;
use tempfile::TempDir;

use crate::support::fake_api::{Answer, FakeApi};
use crate::support::meshblu::{CREDENTIALS, FakeMeshblu, RemoteGateway, SigningBus, say_hello, settings};

async fn full(meshblu: &FakeMeshblu) -> (RemoteGateway, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.store.max_pages = 1;
    (RemoteGateway::with(settings).await.unwrap(), directory)
}

#[tokio::test]
async fn a_message_without_a_name_is_answered_and_one_that_can_come_again_is_not_taken() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = full(&bus.meshblu).await;
    gateway.webhook(&say_hello()).await.is(201, "Created");
    assert_eq!(bus.deliver(&gateway, "d", &say_hello()).await.status, 503);
    assert_eq!(bus.meshblu.messages().len(), 1);
}

#[tokio::test]
async fn that_nobody_can_be_told_is_no_end_before_it_is_kept() {
    let bus = SigningBus::start().await;
    let (gateway, _directory) = full(&bus.meshblu).await;
    let nobody = Answer::new(200, &["content-type: application/json"], json!([]).to_string());
    bus.meshblu.answer(&format!("GET /v2/devices/{CREDENTIALS}/subscriptions"), [nobody]);
    assert_eq!(bus.deliver(&gateway, "d", &say_hello()).await.status, 503);
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403, "what nobody brings again needs no keeping");
    assert!(bus.meshblu.messages().is_empty());
}

#[tokio::test]
async fn a_call_whose_start_cannot_be_written_down_is_not_made_and_is_no_failure_of_who_was_to_be_called() {
    let (meshblu, api) = (FakeMeshblu::start().await, FakeApi::answering(Answer::new(200, &[], "")).await);
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.store.max_pages = 1;
    settings.source.base_url = Some(api.url(""));
    let gateway = RemoteGateway::with(settings).await.unwrap();
    let asking =
        |request| json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "ask", "requests": [request]}});
    gateway.webhook(&asking("GET /")).await.is(201, "Created");
    let answer = gateway.webhook(&asking("POST /")).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]),
        (503, &json!("the message cannot be taken now"))
    );
    let told = &meshblu.messages()[1]["metadata"];
    assert_eq!(told, &json!({"code": 503, "error": {"message": "the message cannot be taken now"}}));
    assert_eq!(api.seen().len(), 1);
}
