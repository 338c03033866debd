//! Which jobs a gateway has: its own where the API is theirs, and those of its operator before them.

use endo::config::{Config, SourceKind};
use endo::job::Registry;

use super::*;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::gateway::TestGateway;
use crate::support::jobs;
use crate::support::log;
use crate::support::provisions::provisions;

const OWN: [&str; 2] = ["ListEventsByUser", "ListReposByUser"];

async fn gateway(change: impl FnOnce(&mut Config)) -> TestGateway {
    TestGateway::with("http://127.0.0.1:9", change).await
}

fn listed(registry: &Registry) -> Vec<&str> {
    registry.job_types().iter().map(|listing| listing.job_type.as_str()).collect()
}

/// A directory of jobs that has one of GitHub's, run by whoever listens at `url`.
fn directory_of(name: &str, url: &str) -> tempfile::TempDir {
    let response = r#"{"properties": {"data": {"properties": {"said": {"type": "string"}}}}}"#;
    let handler = format!("handler: {{url: '{url}'}}");
    jobs::directory(name, &[("message.json", "{}"), ("response.json", response), ("job.yaml", &handler)])
}

async fn handler() -> FakeApi {
    let answer = r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": "by the operator's"}}"#;
    FakeApi::answering(Answer::new(200, &["content-type: application/json"], answer)).await
}

/// What a message for the job answers.
async fn said(gateway: &TestGateway, job_type: &str) -> Option<Value> {
    let message = json!({"metadata": {"jobType": job_type}, "data": {"username": "octocat"}});
    let message: Message = serde_json::from_value(message).unwrap();
    let provisions = provisions("http://127.0.0.1:9", "s3cret");
    gateway.gateway.registry.run(&message, provisions).await.unwrap().data
}

#[tokio::test]
async fn the_program_s_own_jobs_are_there_for_the_api_that_they_call() {
    let github = gateway(|_| ()).await;
    assert_eq!(listed(&github.gateway.registry), OWN);
    let named = gateway(|config| {
        config.source.kind = SourceKind::Static;
        config.source.name = Some("github".to_owned());
    });
    assert_eq!(listed(&named.await.gateway.registry), OWN);
    let other = gateway(|config| {
        config.source.kind = SourceKind::Static;
        config.source.name = Some("podio".to_owned());
    });
    let other = other.await;
    assert!(listed(&other.gateway.registry).is_empty());
    assert_eq!(*other.gateway.registry.message_schema(), json!({}));
}

#[tokio::test]
async fn a_directory_of_the_operator_takes_the_place_of_a_job_of_the_program_and_the_log_says_so() {
    log::capture();
    let handler = handler().await;
    let directory = directory_of("list-events-by-user", &handler.url("/"));
    let gateway = gateway(|config| config.jobs.directories = vec![directory.path().to_owned()]).await;
    assert_eq!(listed(&gateway.gateway.registry), ["ListReposByUser", "ListEventsByUser"]);
    assert_eq!(said(&gateway, "ListEventsByUser").await, Some(json!({"said": "by the operator's"})));
    let told = "it takes the place of the program's own ListEventsByUser";
    assert!(!log::lines_with(told).is_empty());
}

#[tokio::test]
async fn with_a_fallback_no_job_is_the_program_s_own() {
    let (fallback, handler) = (handler().await, handler().await);
    let directory = directory_of("list-repos-by-user", &handler.url("/"));
    let gateway = gateway(|config| {
        config.jobs.fallback = Some(fallback.url("/"));
        config.jobs.directories = vec![directory.path().to_owned()];
    })
    .await;
    assert_eq!(listed(&gateway.gateway.registry), ["ListReposByUser"]);
    for job_type in OWN {
        assert_eq!(said(&gateway, job_type).await, Some(json!({"said": "by the operator's"})));
    }
    assert_eq!((fallback.seen().len(), handler.seen().len()), (1, 1));
}
