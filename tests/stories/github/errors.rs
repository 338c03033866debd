//! What GitHub's errors, and its silence, become.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use endo::egress::{CallGate, Egress, EgressSettings, HostList, Lookup};
use endo::job::{Next, RunFailure, Workbench};
use endo::message::Failure;
use serde_json::json;

use super::{TOKEN, credentials, message, provisions, registry, run};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::log;

const NOW: Next = Next::Repeat { after: None };

const fn after(seconds: u64) -> Next {
    Next::Repeat { after: Some(Duration::from_secs(seconds)) }
}

fn failure(code: u16, text: &str, next: Next) -> RunFailure {
    RunFailure { failure: Failure::said_by_job(code, text), next }
}

fn github_error(status: u16, headers: &[&str], text: &str) -> Answer {
    let body = json!({"message": text, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()});
    Answer::new(status, headers, body.to_string())
}

async fn outcome(answer: Answer) -> RunFailure {
    let github = FakeApi::answering(answer).await;
    run(&github.url(""), "ListEventsByUser", "octocat").await.unwrap_err()
}

#[tokio::test]
async fn an_error_of_github_becomes_one_with_its_code() {
    for (status, text, expected) in [
        (404, "Not Found", failure(404, "Not Found", Next::Final)),
        (403, "Resource not accessible", failure(403, "Resource not accessible", Next::Final)),
        (422, "Validation Failed", failure(422, "Validation Failed", Next::Final)),
        (451, "Blocked", failure(451, "Blocked", Next::Final)),
        (301, "Moved Permanently", failure(301, "Moved Permanently", Next::Final)),
        (500, "Server Error", failure(500, "GitHub answered 500", NOW)),
        (502, "Server Error", failure(502, "GitHub answered 502", NOW)),
        (503, "Unicorn!", failure(503, "GitHub answered 503", NOW)),
        (401, "Bad credentials", failure(401, "the credentials have expired", Next::CredentialsExpired)),
    ] {
        assert_eq!(outcome(github_error(status, &[], text)).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let used_up =
        ["x-ratelimit-remaining: 0", "x-ratelimit-reset: 1795315790", "date: Sun, 22 Nov 2026 02:48:00 GMT"];
    let dated = ["retry-after: Sun, 22 Nov 2026 02:49:50 GMT", "date: Sun, 22 Nov 2026 02:48:00 GMT"];
    for (status, headers, next) in [
        (403, &["retry-after: 60"][..], after(60)),
        (429, &["retry-after: 7"], after(7)),
        (429, &[], NOW),
        (403, &used_up, after(110)),
        (429, &used_up[..2], NOW),
        (403, &["x-ratelimit-remaining: 0"], NOW),
        (429, &["retry-after: soon"], NOW),
        (429, &dated, after(110)),
        (429, &dated[..1], NOW),
        (429, &["retry-after: Sun, 22 Nov 2026 02:47:59 GMT", dated[1]], NOW),
    ] {
        let expected = failure(status, "GitHub's rate limit is used up", next);
        assert_eq!(
            outcome(github_error(status, headers, "API rate limit exceeded")).await,
            expected,
            "{headers:?}"
        );
    }
    let rest_left = github_error(403, &["x-ratelimit-remaining: 4999"], "Forbidden");
    assert_eq!(outcome(rest_left).await, failure(403, "Forbidden", Next::Final));
}

#[tokio::test]
async fn the_text_of_an_error_is_short_and_on_one_line() {
    let long = format!("a\u{0}b\r\n\u{1b}[31mc {}", "é".repeat(300));
    let text = outcome(github_error(404, &[], &long)).await.failure.message;
    assert!(text.starts_with("a b [31mc éé"), "{text}");
    assert_eq!(text.chars().count(), 200);
    for body in ["<html>Bad Gateway</html>", r#"{"error":"odd"}"#, r#"["odd"]"#, r#"{"message":" "}"#] {
        let outcome = outcome(Answer::new(404, &[], body)).await;
        assert_eq!(outcome, failure(404, "GitHub answered 404", Next::Final), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_refused() {
    for body in ["", "{", "{}", "null", "[1]", "[null]", r#"[{"type":7}]"#, "\u{feff}[]", "[[[[", "<html/>"] {
        let outcome = outcome(Answer::new(200, &[], body)).await;
        assert_eq!(outcome, failure(502, "GitHub's answer cannot be read", Next::Final), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(outcome(Answer::new(200, &[], deep)).await.failure.code, 502.into());
    assert_eq!(outcome(Answer::new(200, &[], b"[\"\xff\"]")).await.failure.code, 502.into());
}

#[tokio::test]
async fn a_github_that_does_not_answer_is_asked_again_later_and_the_log_says_why() {
    log::capture();
    let silent = FakeApi::silent().await;
    let hasty = EgressSettings { api_timeout: Duration::from_millis(20), ..EgressSettings::default() };
    let message = message("ListReposByUser", json!({"username": "octocat"}));
    let outcome = registry().run(&message, provisions(&silent.url(""), hasty)).await.unwrap_err();
    assert_eq!(outcome, failure(504, "GitHub did not answer in time", NOW));

    let babble = self::outcome(Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    assert_eq!(babble, failure(502, "GitHub cannot be reached", NOW));

    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = run(&format!("http://{unused}"), "ListReposByUser", "octocat").await.unwrap_err();
    assert_eq!(outcome, failure(502, "GitHub cannot be reached", NOW));
    let lines = log::lines_with("GitHub gave no answer");
    for cause in ["no answer within the time limit", "what came is no HTTP", "connection refused"] {
        assert!(lines.iter().any(|line| line.contains(cause)), "{cause}: {lines:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let github = FakeApi::answering(Answer::new(200, &[], "[]          ")).await;
    let settings = EgressSettings { response_bytes: 10, ..EgressSettings::default() };
    let message = message("ListReposByUser", json!({"username": "octocat"}));
    let outcome = registry().run(&message, provisions(&github.url(""), settings)).await.unwrap_err();
    assert_eq!(outcome, failure(502, "GitHub's answer is too long", Next::Final));
}

#[tokio::test]
async fn a_base_url_off_the_list_is_not_called() {
    let github = FakeApi::answering(Answer::new(200, &[], "[]")).await;
    let base_url = github.url("").parse().unwrap();
    let hosts = HostList::parse(["api.github.com"]).unwrap();
    let egress = Egress::new(EgressSettings::default(), Lookup::system()).unwrap();
    let provisions = Workbench::new(egress, base_url, hosts).provide(credentials(TOKEN), CallGate::open());
    let message = message("ListReposByUser", json!({"username": "octocat"}));
    let outcome = registry().run(&message, provisions).await.unwrap_err();
    assert_eq!(outcome, failure(502, "GitHub cannot be called", Next::Final));
    assert_eq!(github.seen().len(), 0);
}
