//! What the GitHub jobs ask and what they answer.

use endo::cli::StandIn;
use endo::egress::EgressSettings;
use serde_json::{Value, json};

use super::{TOKEN, message, provisions, registry, run, written};
use crate::support::fake_api::{Answer, FakeApi};

const EVENTS: &str = concat!(
    r#"{"metadata":{"code":200,"status":"OK"},"data":["#,
    r#"{"commitRef":"refs/heads/master","commitSha":"7fd1a60b01f91b314f59955a4e4d4e80d8edf11d","#,
    r#""createdAt":"2026-11-20T17:04:12Z","repoName":"octocat/Hello-World","type":"PushEvent","username":"octocat"},"#,
    r#"{"commitRef":"add-endo-language","createdAt":"2026-11-20T16:58:40Z","#,
    r#""description":"Language Savant. If your repository's language is being reported incorrectly, send us a pull request!","#,
    r#""repoName":"octocat/linguist","type":"CreateEvent","username":"octocat"},"#,
    r#"{"createdAt":"2026-11-18T09:21:03Z","repoName":"octocat/Spoon-Knife","type":"WatchEvent","username":"octocat"},"#,
    r#"{"createdAt":"2026-11-17T23:40:55Z","description":"Testing","repoName":"octocat/boysenberry-repo-1","#,
    r#""type":"CreateEvent","username":"octocat"}]}"#,
);

const REPOS: &str = concat!(
    r#"{"metadata":{"code":200,"status":"OK"},"data":[{"repoName":"octocat/boysenberry-repo-1"},"#,
    r#"{"repoName":"octocat/Hello-World"},{"repoName":"octocat/linguist"},{"repoName":"octocat/Spoon-Knife"}]}"#,
);

fn list(items: Value) -> Answer {
    Answer::new(200, &["content-type: application/json"], items.to_string())
}

#[tokio::test]
async fn the_events_of_a_user_are_listed() {
    let github = StandIn::start(TOKEN).await.unwrap();
    let reply = run(&github.url(), "ListEventsByUser", "octocat").await.unwrap();
    assert_eq!(written(reply), EVENTS);
    github.stop().await;
}

#[tokio::test]
async fn the_repositories_of_a_user_are_listed() {
    let github = StandIn::start(TOKEN).await.unwrap();
    let reply = run(&github.url(), "ListReposByUser", "octocat").await.unwrap();
    assert_eq!(written(reply), REPOS);
    github.stop().await;
}

#[tokio::test]
async fn github_is_asked_for_the_first_page_in_the_account_s_name() {
    let github = FakeApi::answering(list(json!([]))).await;
    for job_type in ["ListEventsByUser", "ListReposByUser"] {
        let reply = run(&github.url("/api/v3"), job_type, "octocat").await.unwrap();
        assert_eq!(written(reply), r#"{"metadata":{"code":200,"status":"OK"},"data":[]}"#);
    }
    let seen = github.seen();
    let targets: Vec<_> = seen.iter().map(|request| &*request.target).collect();
    assert_eq!(
        targets,
        ["/api/v3/users/octocat/events", "/api/v3/users/octocat/repos?type=owner&sort=full_name"]
    );
    for request in seen {
        assert_eq!(
            (&*request.method, request.header("authorization")),
            ("GET", vec![&*format!("Bearer {TOKEN}")])
        );
    }
}

#[tokio::test]
async fn a_username_never_leads_to_another_path() {
    let github = FakeApi::answering(list(json!([]))).await;
    for (username, segment) in [
        ("../x", "..%2Fx"),
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("x?y=1&z#f", "x%3Fy%3D1%26z%23f"),
        ("%2e%2e", "%252e%252e"),
        ("..\\..", "..%5C.."),
        ("...", "..."),
        ("dependabot[bot]", "dependabot%5Bbot%5D"),
        ("été", "%C3%A9t%C3%A9"),
        ("\r\nhost: evil", "%0D%0Ahost%3A%20evil"),
        ("\u{0}", "%00"),
        ("//evil.example", "%2F%2Fevil.example"),
        ("user@evil.example:1", "user%40evil.example%3A1"),
    ] {
        run(&github.url(""), "ListEventsByUser", username).await.unwrap();
        assert_eq!(github.seen().pop().unwrap().target, format!("/users/{segment}/events"), "{username:?}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_can_have_is_not_asked_for() {
    let github = FakeApi::answering(list(json!([]))).await;
    for username in ["", ".", "..", &"x".repeat(10_000_000)] {
        let failure = run(&github.url(""), "ListReposByUser", username).await.unwrap_err().failure;
        assert_eq!((failure.code, &*failure.message), (404.into(), "Not Found"));
    }
    assert_eq!(github.seen().len(), 0);
}

#[tokio::test]
async fn events_of_a_new_kind_or_with_parts_missing_are_listed_with_what_they_have() {
    let github = FakeApi::answering(list(json!([
        {"type": "TeleportEvent", "to": ["elsewhere"], "payload": {"where": {"x": 1}}, "actor": {"login": "o"}},
        {"type": "PushEvent", "payload": {"ref": null, "head": "abc", "size": 1}, "repo": null, "org": {}},
        {},
    ])))
    .await;
    let reply = run(&github.url(""), "ListEventsByUser", "octocat").await.unwrap();
    assert_eq!(
        reply.data.unwrap(),
        json!([{"type": "TeleportEvent"}, {"commitSha": "abc", "type": "PushEvent"}, {}])
    );
    let github = FakeApi::answering(list(json!([{"full_name": "o/r", "name": "r"}, {"id": 1}]))).await;
    let reply = run(&github.url(""), "ListReposByUser", "octocat").await.unwrap();
    assert_eq!(reply.data.unwrap(), json!([{"repoName": "o/r"}, {}]));
}

#[tokio::test]
async fn a_message_without_a_username_is_answered_with_what_is_missing() {
    let github = FakeApi::answering(list(json!([]))).await;
    for (job_type, data, text) in [
        ("ListEventsByUser", json!({}), r#"message.data requires property "username""#),
        ("ListReposByUser", json!({"username": 7}), "message.data.username is not of a type(s) string"),
        ("ListReposByUser", json!("octocat"), "message.data is not of a type(s) object"),
    ] {
        let provisions = provisions(&github.url(""), EgressSettings::default());
        let reply = registry().run(&message(job_type, data), provisions).await.unwrap();
        let expected =
            json!({"metadata": {"code": 422, "status": "Unprocessable Entity"}, "data": {"errors": [text]}});
        assert_eq!(written(reply), expected.to_string());
    }
    assert_eq!(github.seen().len(), 0);
}

#[test]
fn the_jobs_are_served_with_their_titles_groups_and_forms() {
    let registry = registry();
    for (job_type, title, group) in [
        ("ListEventsByUser", "List Events by User", "Events"),
        ("ListReposByUser", "List Repos by User", "Repos"),
    ] {
        let schema = &registry.message_schema()[job_type];
        assert_eq!((&schema["title"], &schema["x-group-name"]), (&json!(title), &json!(group)));
        assert_eq!(schema["required"], json!(["metadata", "data"]));
        assert_eq!(registry.form_schema()["message"][job_type]["angular"], json!([{"key": "data.username"}]));
    }
    let fields = &registry.response_schema()["ListEventsByUser"]["properties"]["data"]["items"]["properties"];
    let names: Vec<_> = fields.as_object().unwrap().keys().collect();
    assert_eq!(names, ["commitRef", "commitSha", "createdAt", "description", "repoName", "type", "username"]);
}
