//! A Meshblu that answers nonsense, slowly, or not at all.

use serde_json::{Value, json};

use crate::support::fake_api::Answer;
use crate::support::log;
use crate::support::meshblu::{CREDENTIALS_TOKEN, FakeMeshblu, RemoteGateway, json_answer, say_hello};

const HTML: &str = "<html><body>canary-of-a-page</body></html>";

/// What a Meshblu may do wrong, and the status that whoever brought the message gets.
fn wrongs() -> Vec<(&'static str, Answer, &'static [u16])> {
    vec![
        ("HTML", Answer::new(200, &["content-type: text/html"], HTML), &[502]),
        ("an HTML error", Answer::new(500, &["content-type: text/html"], HTML), &[500]),
        ("nothing", Answer::Bytes(Vec::new()), &[502]),
        (
            "half an answer",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n[{".to_vec()),
            &[502],
        ),
        ("no HTTP", Answer::Bytes(b"220 mail.example ESMTP\r\n".to_vec()), &[502]),
        ("no end of an answer", Answer::Stall(b"HTTP/1.1 200 OK\r\n".to_vec()), &[504]),
        ("a success that is an error", json_answer(200, &json!({"error": "out of order"})), &[502]),
        ("a redirect", Answer::new(302, &["location: http://127.0.0.1:1/elsewhere"], ""), &[502]),
        ("JSON of another kind", json_answer(200, &json!({"devices": 7})), &[502]),
        ("an unreadable error header", Answer::new(500, &["x-meshblu-error: {nope"], "null"), &[500]),
    ]
}

#[tokio::test]
async fn whatever_a_search_is_answered_with_the_message_fails_and_the_gateway_stays() {
    log::capture();
    for (what, answer, statuses) in wrongs() {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("POST /search/devices", [answer]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let answer = gateway.webhook(&say_hello()).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{what}: {answer:?}");
        assert!(!answer.text.contains("canary-of-a-page"), "{what}");
        assert_eq!(gateway.waiting().await, 0, "{what}");
        meshblu.answer(
            "POST /search/devices",
            [json_answer(200, &json!([crate::support::meshblu::vectors()["credentialsDevice"]]))],
        );
        gateway.webhook(&say_hello()).await.is(201, "Created");
    }
    for secret in [CREDENTIALS_TOKEN, "service-token-0001"] {
        assert!(log::lines_with(secret).is_empty(), "a token is in the log");
    }
}

#[tokio::test]
async fn whatever_the_subscriptions_are_answered_with_nothing_is_opened() {
    for (what, answer, statuses) in wrongs() {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("GET /v2/devices/cred-uuid-0001/subscriptions", [answer]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let before = gateway.gateway.vault.private_key_operations();
        let answer = gateway.webhook(&say_hello()).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{what}: {answer:?}");
        assert_eq!(gateway.gateway.vault.private_key_operations(), before, "{what}");
        assert!(!meshblu.called().contains(&"POST /search/devices".to_owned()), "{what}");
    }
}

#[tokio::test]
async fn a_page_is_no_sign_that_the_bus_took_the_reply() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [Answer::new(200, &["content-type: text/html"], HTML)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 502);
    let letters = gateway.dead_letters().await;
    assert_eq!(letters.iter().map(|letter| letter.reason.as_str()).collect::<Vec<_>>(), ["reply_unknown"]);
}

#[tokio::test]
async fn a_bus_that_hangs_up_once_is_asked_once_more() {
    let meshblu = FakeMeshblu::start().await;
    let found = json_answer(200, &json!([crate::support::meshblu::vectors()["credentialsDevice"]]));
    meshblu.answer("POST /search/devices", [Answer::Bytes(Vec::new()), found]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn a_redirect_takes_no_token_elsewhere() {
    let elsewhere = FakeMeshblu::start().await;
    let meshblu = FakeMeshblu::start().await;
    let location = format!("location: {}/search/devices", elsewhere.url());
    meshblu.answer("POST /search/devices", [Answer::new(307, &[&location], "")]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 502);
    assert!(elsewhere.called().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let meshblu = FakeMeshblu::start().await;
    let long = Value::from("x".repeat(9 << 20));
    meshblu.answer("POST /search/devices", [json_answer(200, &long)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 502);
}
