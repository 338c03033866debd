//! The example of a job: what the README shows is what runs here.

use std::time::Duration;

use endo::job::{DescribedJob, Registry, RegistryOptions, built_in, directory};
use endo::message::Message;
use serde_json::json;

use super::readme;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::provisions::provisions;

#[path = "show-account/job.rs"]
mod show_account;

fn example() -> DescribedJob {
    built_in(directory!("show-account"), show_account::ShowAccount)
}

#[tokio::test]
async fn the_job_that_the_readme_shows_works() {
    let options =
        RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(30) };
    let (registry, notices) = Registry::load(vec![example()], options).unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    let user = r#"{"login": "octocat", "name": "The Octocat", "email": "o@example.com"}"#;
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], user)).await;
    let message: Message = serde_json::from_value(json!({"metadata": {"jobType": "ShowAccount"}})).unwrap();
    let reply = registry.run(&message, provisions(&api.url(""), "s3cret")).await.unwrap();
    assert_eq!(reply.data, Some(json!({"login": "octocat", "name": "The Octocat"})));
    assert_eq!(api.seen()[0].target, "/user");
}

#[test]
fn the_readme_shows_the_whole_job() {
    let readme = readme();
    for (kind, text) in [
        ("json", include_str!("show-account/message.json")),
        ("json", include_str!("show-account/form.json")),
        ("json", include_str!("show-account/response.json")),
        ("rust", include_str!("show-account/job.rs")),
        (
            "rust",
            "#[path = \"show-account/job.rs\"]\nmod show_account;\n\n        \
             built_in(directory!(\"show-account\"), show_account::ShowAccount),\n",
        ),
    ] {
        let block = format!("```{kind}\n{text}```\n");
        assert!(readme.contains(&block), "README.md lacks this block:\n{block}");
    }
}
