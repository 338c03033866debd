//! The example of a job: what the README shows is what runs here.

use std::time::Duration;

use endo::egress::{ApiAccess, Bearer, CallGate, Egress, EgressSettings, HostList, Lookup, Url};
use endo::job::{BuiltIn, JobContext, Registry, RegistryOptions, built_in, directory};
use endo::message::Message;
use serde_json::{Map, json};

use super::readme;
use crate::support::fake_api::{Answer, FakeApi};

#[path = "show-account/job.rs"]
mod show_account;

fn example() -> BuiltIn {
    built_in(directory!("show-account"), show_account::ShowAccount)
}

fn context(api: &FakeApi) -> JobContext {
    let base_url = Url::parse(&api.url("")).unwrap();
    let egress = Egress::new(EgressSettings::default(), Lookup::system()).unwrap();
    let (hosts, bearer, gate) = (HostList::of(&base_url), Bearer::new("s3cret"), CallGate::open());
    JobContext::new(Map::new(), egress.api_client(ApiAccess { base_url, hosts, bearer, gate }))
}

#[tokio::test]
async fn the_job_that_the_readme_shows_works() {
    let options = RegistryOptions { default_job_type: None, time_limit: Duration::from_secs(30) };
    let (registry, notices) = Registry::load(vec![example()], &[], options).unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    let user = r#"{"login": "octocat", "name": "The Octocat", "email": "o@example.com"}"#;
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], user)).await;
    let message: Message = serde_json::from_value(json!({"metadata": {"jobType": "ShowAccount"}})).unwrap();
    let reply = registry.run(&message, context(&api)).await.unwrap();
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
