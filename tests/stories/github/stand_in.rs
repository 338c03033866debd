//! The stand-in for GitHub's API.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use bytes::Bytes;
use endo::cli::StandIn;
use endo::egress::{ApiAccess, ApiClient, Bearer, CallGate, Egress, EgressSettings, HostList, Lookup};
use http::{Request, StatusCode};
use serde_json::{Value, json};

fn client(stand_in: &StandIn, token: &str) -> ApiClient {
    let base_url = stand_in.url().parse().unwrap();
    let access = ApiAccess {
        hosts: HostList::of(&base_url),
        base_url,
        bearer: Bearer::new(token),
        gate: CallGate::open(),
    };
    Egress::new(EgressSettings::default(), Lookup::system()).unwrap().api_client(access)
}

async fn get(client: &ApiClient, path: &str) -> (StatusCode, Value) {
    let answer = client.call(Request::get(path).body(Bytes::new()).unwrap()).await.unwrap();
    (answer.status(), serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn it_knows_octocat_and_answers_errors_as_github_words_them() {
    let stand_in = StandIn::start("expected").await.unwrap();
    let client = client(&stand_in, "expected");
    let (status, events) = get(&client, "/users/octocat/events").await;
    assert_eq!((status, &events[0]["type"]), (StatusCode::OK, &json!("PushEvent")));
    let (status, repos) = get(&client, "/users/octocat/repos?type=owner&sort=full_name").await;
    assert_eq!((status, &repos[1]["full_name"]), (StatusCode::OK, &json!("octocat/Hello-World")));
    for (path, code) in [("/users/broken/events", 500), ("/users/missing/repos", 404), ("/elsewhere", 404)] {
        let (status, error) = get(&client, path).await;
        assert_eq!((status.as_u16(), &error["status"]), (code, &json!(code.to_string())), "{path}");
        assert!(error["message"].is_string(), "{path}");
    }
    stand_in.stop().await;
}

#[tokio::test]
async fn it_takes_no_other_token() {
    let stand_in = StandIn::start("expected").await.unwrap();
    for token in ["expecteD", "expected2", ""] {
        let (status, error) = get(&client(&stand_in, token), "/users/octocat/events").await;
        assert_eq!((status, &error["message"]), (StatusCode::UNAUTHORIZED, &json!("Bad credentials")));
    }
    stand_in.stop().await;
}

#[tokio::test]
async fn it_is_gone_once_stopped() {
    let stand_in = StandIn::start("of this test").await.unwrap();
    let client = client(&stand_in, "of this test");
    let (_, events) = get(&client, "/users/octocat/events").await;
    stand_in.stop().await;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    // A connection that is open may be answered once more, and another test's server may get the port.
    while told(&client).await.as_ref() == Some(&events) {
        ticks.tick().await;
    }
}

/// What a server there tells of the events, if any does.
async fn told(client: &ApiClient) -> Option<Value> {
    let answer = client.call(Request::get("/users/octocat/events").body(Bytes::new()).unwrap()).await.ok()?;
    serde_json::from_slice(answer.body()).ok()
}
