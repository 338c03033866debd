//! API clients: where the secret goes, where it does not, and what must be on disk first.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use endo::egress::{
    ApiAccess, ApiClient, Bearer, CallGate, EgressError, EgressSettings, GateError, HostList,
};
use http::{Request, StatusCode};

use super::{SECRET, access, client, egress, settings};
use crate::support::fake_api::{Answer, FakeApi};

fn request(method: &str, uri: &str) -> Request<Bytes> {
    Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap()
}

async fn get(client: &ApiClient, uri: &str) -> Result<http::Response<Bytes>, EgressError> {
    client.call(request("GET", uri)).await
}

async fn api() -> FakeApi {
    FakeApi::answering(Answer::new(200, &["x-said: so"], "hello")).await
}

#[tokio::test]
async fn a_client_carries_its_secret_and_gives_the_whole_answer() {
    let api = api().await;
    let answer = get(&client(api.port), "/users/octocat/repos?sort=full_name").await.unwrap();
    assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::OK, &b"hello"[..]));
    assert_eq!(answer.headers()["x-said"], "so");
    let seen = api.seen();
    assert_eq!(seen[0].target, "/users/octocat/repos?sort=full_name");
    assert_eq!(seen[0].header("authorization"), [format!("Bearer {SECRET}")]);
    assert!(seen[0].header("user-agent")[0].starts_with("endo/"));
}

#[tokio::test]
async fn what_a_job_says_about_the_connection_is_not_heard() {
    let api = api().await;
    let mut request = request("POST", "/");
    *request.body_mut() = Bytes::from_static(b"{}");
    for (name, value) in [
        ("authorization", "Bearer mine"),
        ("host", "evil.example"),
        ("content-length", "77"),
        ("transfer-encoding", "chunked"),
        ("x-kept", "yes"),
    ] {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    client(api.port).call(request).await.unwrap();
    let seen = &api.seen()[0];
    assert_eq!(seen.header("authorization"), [format!("Bearer {SECRET}")]);
    assert_eq!(seen.header("host"), [format!("127.0.0.1:{}", api.port)]);
    assert_eq!(seen.header("transfer-encoding"), [""; 0]);
    assert_eq!(seen.header("x-kept"), ["yes"]);
    assert_eq!(seen.body, b"{}");
}

#[tokio::test]
async fn addresses_without_a_host_lie_below_the_base_url() {
    let api = api().await;
    let base_url = api.url("/api/v3/").parse().unwrap();
    let client = egress(settings()).api_client(ApiAccess { base_url, ..access(api.port) });
    get(&client, "/api/v3x?y=1").await.unwrap();
    assert_eq!(api.seen()[0].target, "/api/v3/api/v3x?y=1");
}

#[tokio::test]
async fn a_call_to_another_host_is_not_made() {
    let (api, other) = (api().await, api().await);
    let client = client(api.port);
    for uri in [
        other.url("/"),
        other.url("/").replace("127.0.0.1", "localhost"),
        api.url("/").replace("127.0.0.1", "localhost"),
        format!("http://127.0.0.1:{}@127.0.0.1:{}/", api.port, other.port),
        format!("http://someone@127.0.0.1:{}/", api.port),
        format!("http://[::ffff:127.0.0.1]:{}/", api.port),
        format!("https://127.0.0.1.:{}/x", other.port),
        "https://api.github.com/".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
    ] {
        let refused = get(&client, &uri).await;
        assert!(matches!(refused, Err(EgressError::HostNotAllowed)), "{uri}: {refused:?}");
    }
    assert_eq!((api.seen().len(), other.seen().len()), (0, 0));
}

#[tokio::test]
async fn a_path_that_leads_up_is_not_called() {
    let api = api().await;
    let base_url = api.url("/api/v3").parse().unwrap();
    let client = egress(settings()).api_client(ApiAccess { base_url, ..access(api.port) });
    for path in ["/../admin", "/users/%2e%2E/x", "/users/.%2e/x", "/..", "/a/./b", "/a\\..\\b"] {
        let refused = get(&client, path).await;
        assert!(matches!(refused, Err(EgressError::Address)), "{path}: {refused:?}");
    }
    get(&client, "/a..b/...?x=/../").await.unwrap();
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let other = api().await;
    let location = format!("location: {}", other.url("/stolen"));
    let api = FakeApi::answering(Answer::new(302, &[&location], "")).await;
    let answer = get(&client(api.port), "/").await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!((api.seen().len(), other.seen().len()), (1, 0));
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_is_refused() {
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n4\r\n9abc\r\n0\r\n\r\n";
    let cases = [
        (Answer::new(200, &[], "x".repeat(10)), true),
        (Answer::new(200, &[], "x".repeat(11)), false),
        (Answer::Bytes(chunked.to_vec()), false),
    ];
    for (answer, fits) in cases {
        let api = FakeApi::answering(answer).await;
        let egress = egress(EgressSettings { response_bytes: 10, ..settings() });
        let outcome = get(&egress.api_client(access(api.port)), "/").await;
        assert_eq!(outcome.is_ok(), fits);
        assert!(fits || matches!(outcome, Err(EgressError::TooLarge { limit: 10 })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_or_never_ends_is_given_up() {
    let halfway = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let egress = egress(EgressSettings { api_timeout: Duration::from_millis(20), ..settings() });
    for answer in [Answer::Stall(Vec::new()), Answer::Stall(halfway.clone())] {
        let stalling = FakeApi::answering(answer).await;
        let outcome = get(&egress.api_client(access(stalling.port)), "/").await;
        assert!(matches!(outcome, Err(EgressError::Timeout)), "{outcome:?}");
    }
    let stopping = FakeApi::answering(Answer::Bytes(halfway)).await;
    let outcome = get(&client(stopping.port), "/").await;
    assert!(matches!(outcome, Err(EgressError::Exchange(_))), "{outcome:?}");
}

#[tokio::test]
async fn what_is_no_http_and_what_is_no_server_are_told_apart() {
    let babble = FakeApi::answering(Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let outcome = get(&client(babble.port), "/").await;
    assert!(matches!(outcome, Err(EgressError::Exchange(_))), "{outcome:?}");

    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = get(&client(unused), "/").await;
    assert!(matches!(outcome, Err(EgressError::Connect(_))), "{outcome:?}");
}

/// A gate that counts how often it is asked, fails as long as it is told to, and notes what the API had seen by then.
struct Journal {
    asked: Arc<AtomicUsize>,
    failing: Arc<AtomicBool>,
}

impl Journal {
    fn gate(failing: bool) -> (Self, CallGate) {
        let journal = Self { asked: Arc::default(), failing: Arc::new(AtomicBool::new(failing)) };
        let (asked, failing) = (journal.asked.clone(), journal.failing.clone());
        let gate = CallGate::new(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let fails = failing.load(Ordering::SeqCst);
            Box::pin(async move {
                tokio::task::yield_now().await;
                if fails { Err(GateError::new("the disk is full")) } else { Ok(()) }
            })
        });
        (journal, gate)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_start_is_committed_before_the_first_request_that_may_change_something() {
    let (journal, gate) = Journal::gate(false);
    let asked = journal.asked.clone();
    let api = FakeApi::start(move |_| Answer::new(200, &[], asked.load(Ordering::SeqCst).to_string())).await;
    let client = egress(settings()).api_client(ApiAccess { gate, ..access(api.port) });

    for method in ["GET", "HEAD"] {
        client.call(request(method, "/")).await.unwrap();
    }
    assert_eq!(journal.asked(), 0);
    let writes =
        ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"].map(|method| client.call(request(method, "/")));
    for answer in futures_util::future::join_all(writes).await {
        assert_eq!(&answer.unwrap().body()[..], b"1");
    }
    client.clone().call(request("POST", "/")).await.unwrap();
    assert_eq!(journal.asked(), 1);
}

#[tokio::test]
async fn a_request_whose_start_cannot_be_committed_is_not_sent() {
    let (journal, gate) = Journal::gate(true);
    let api = api().await;
    let client = egress(settings()).api_client(ApiAccess { gate, ..access(api.port) });

    let refused = client.call(request("POST", "/")).await.unwrap_err();
    assert!(matches!(refused, EgressError::Gate(_)), "{refused:?}");
    assert_eq!(refused.source().unwrap().source().unwrap().to_string(), "the disk is full");
    assert_eq!(api.seen().len(), 0);

    journal.failing.store(false, Ordering::SeqCst);
    client.call(request("POST", "/")).await.unwrap();
    assert_eq!((journal.asked(), api.seen().len()), (2, 1));
}

#[tokio::test]
async fn a_call_that_is_not_allowed_commits_nothing() {
    let (journal, gate) = Journal::gate(false);
    let client = egress(settings()).api_client(ApiAccess { gate, ..access(9) });
    assert!(client.call(request("POST", "https://evil.example/")).await.is_err());
    assert_eq!(journal.asked(), 0);
}

fn everything_said(error: &EgressError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(format!("{error} {error:?}"), |text, cause| format!("{text} {cause} {cause:?}"))
}

#[tokio::test]
async fn neither_the_secret_nor_the_path_is_ever_printed() {
    let access = access(9);
    assert!(!format!("{access:?} {:?}", access.bearer).contains("canary"));
    let client = egress(settings()).api_client(access);
    let service = client.service();
    assert!(!format!("{client:?} {service:?}").contains("canary"));

    let silent = FakeApi::silent().await;
    let babble = FakeApi::answering(Answer::Bytes(b"canary\r\n\r\n".to_vec())).await;
    let hasty = egress(EgressSettings { api_timeout: Duration::from_millis(20), ..settings() });
    let broken_bearer = ApiAccess { bearer: Bearer::new("canary\r\nx: y"), ..super::access(silent.port) };
    let clients = [
        client,
        super::client(babble.port),
        hasty.api_client(super::access(silent.port)),
        hasty.api_client(broken_bearer),
        hasty.api_client(ApiAccess { hosts: HostList::default(), ..super::access(silent.port) }),
    ];
    for client in clients {
        let error = get(&client, "/canary-path?token=canary-query").await.unwrap_err();
        assert!(!everything_said(&error).contains("canary"), "{}", everything_said(&error));
    }
}

#[tokio::test]
async fn a_secret_that_fits_no_header_is_an_error() {
    let client = egress(settings()).api_client(ApiAccess { bearer: Bearer::new("a\nb"), ..access(9) });
    assert!(matches!(get(&client, "/").await, Err(EgressError::Bearer)));
}
