//! A Meshblu whose answers and messages would take much memory: short values take many times their text.

use serde_json::{Value, json};

use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, say_hello, vectors};

const SEARCH: &str = "POST /search/devices";

/// A text of less than a megabyte that takes more than 64 MiB.
fn heavy() -> Value {
    json!(vec![[0]; 200_000])
}

#[tokio::test]
async fn an_answer_that_would_take_too_much_memory_is_none() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let found = vectors()["credentialsDevice"].clone();
    let mut heavier = found.clone();
    heavier["beside"] = heavy();
    meshblu.answer(SEARCH, [json_answer(200, &json!([heavier]))]);
    assert_eq!(gateway.webhook(&say_hello()).await.status.as_u16(), 502);
    meshblu.answer(SEARCH, [json_answer(200, &json!([found]))]);
    gateway.webhook(&say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn a_message_that_would_take_too_much_memory_is_refused() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let mut message = say_hello();
    message["beside"] = heavy();
    assert_eq!(gateway.webhook(&message).await.status.as_u16(), 413);
}
