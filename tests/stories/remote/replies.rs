//! A reply leaves once: what happens when nobody knows whether it arrived.

use serde_json::{Value, json};

use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, say_hello, settings};

#[tokio::test]
async fn a_reply_that_the_bus_never_confirms_is_not_sent_again() {
    for cut in [Answer::Bytes(Vec::new()), Answer::Bytes(b"HTTP/1.1 204".to_vec()), Answer::Stall(Vec::new())]
    {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("POST /messages", [cut]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let answer = gateway.webhook(&say_hello()).await;
        assert!([502, 504].contains(&answer.status.as_u16()), "{answer:?}");
        assert_eq!(meshblu.messages().len(), 1);
        let letters = gateway.dead_letters().await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].reason, "reply_unknown");
        let reply: Value = serde_json::from_str(letters[0].reply.as_deref().unwrap()).unwrap();
        assert_eq!(reply["data"], json!({"hello": "Ada"}));
    }
}

#[tokio::test]
async fn a_reply_that_was_leaving_when_the_process_died_is_not_sent_again() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [Answer::Bytes(Vec::new())]);
    let (gateway, directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await;
    gateway.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    let back =
        "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at, reply)
                SELECT id, work, device, event, route, target, body, accepted_at, 0, reply FROM dead_letters;
                DELETE FROM dead_letters;";
    database.execute_batch(back).unwrap();
    drop(database);
    let again = FakeMeshblu::start().await;
    let gateway = RemoteGateway::with(settings(directory.path(), &again.url())).await.unwrap();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
    while gateway.waiting().await > 0 {
        ticks.tick().await;
    }
    assert_eq!(gateway.dead_letters().await[0].reason, "reply_unknown");
    assert!(again.called().is_empty(), "nothing was asked and nothing was sent");
}

#[tokio::test]
async fn a_reply_that_the_bus_refuses_becomes_an_error_reply() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [json_answer(422, &Value::Null), Answer::new(204, &[], "")]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&say_hello()).await;
    assert_eq!(answer.status, 422);
    let sent = meshblu.messages();
    assert_eq!(sent[1]["metadata"]["code"], 422);
    assert_eq!(sent[1]["metadata"]["error"]["message"], "Invalid Response Code 422");
}

#[tokio::test]
async fn an_error_reply_that_the_bus_refuses_is_a_dead_letter() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403);
    assert_eq!(meshblu.messages().len(), 2);
    assert_eq!(gateway.dead_letters().await[0].reason, "reply_not_taken");
    assert!(!meshblu.called().iter().any(|call| call.starts_with("PUT")), "nothing is noted then");
}

#[tokio::test]
async fn work_that_a_process_left_behind_is_done_by_the_next() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, directory) = RemoteGateway::open(&meshblu).await;
    gateway.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at)
         VALUES ('left-behind', 0, 'service-uuid-0001', 'message.received',
         '[{\"from\":\"flow-uuid\",\"to\":\"user-uuid\",\"type\":\"message.received\"},
           {\"from\":\"user-uuid\",\"to\":\"cred-uuid-0001\",\"type\":\"message.received\"},
           {\"from\":\"cred-uuid-0001\",\"to\":\"service-uuid-0001\",\"type\":\"message.received\"}]',
         '{\"metadata\":{\"jobType\":\"SayHello\"},\"data\":{\"name\":\"Ada\"}}', 0, 0);",
        )
        .unwrap();
    drop(database);
    let again = FakeMeshblu::start().await;
    let gateway = RemoteGateway::with(settings(directory.path(), &again.url())).await.unwrap();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
    while gateway.waiting().await > 0 {
        ticks.tick().await;
    }
    assert_eq!(again.messages()[0]["data"], json!({"hello": "Ada"}));
}
