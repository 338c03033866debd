//! Refusals in their exact shapes.

use serde_json::json;

use crate::support::bus::{TestBus, send};

#[tokio::test]
async fn bad_credentials_are_403_with_the_body_null() {
    let bus = TestBus::open().await;
    let answer = send(bus.anonymous("POST /authenticate").basic_auth("nobody", Some("nothing"))).await;
    answer.is(403, "null");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-meshblu-code"), Some("403"));
    assert_eq!(answer.header("x-meshblu-status"), Some("Forbidden"));
    assert!(answer.header("x-meshblu-response-id").is_some());
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let bus = TestBus::open().await;
    let answer = send(bus.anonymous("GET /nowhere")).await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json()["type"], json!("/problems/not-found"));
}
