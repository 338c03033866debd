//! Jobs: their documents, their messages, their responses, and what becomes of jobs that fail.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod documents;
mod loading;
mod running;
mod stripping;
mod texts;

use std::time::Duration;

use endo::egress::{ApiAccess, Bearer, CallGate, Egress, EgressSettings, HostList, Lookup, Url};
use endo::job::{
    BuiltIn, Job, JobContext, JobDirectory, JobError, LoadError, Registry, RegistryOptions, built_in,
};
use endo::message::Message;
use serde_json::{Map, Value, json};

/// Answers with its `data`.
struct Echo;

impl Job for Echo {
    type Data = Value;
    type Response = Value;

    async fn run(&self, data: Value, _context: JobContext) -> Result<Value, JobError> {
        Ok(data)
    }
}

/// A response schema that lets everything out.
const ANYTHING: &str = r#"{"type": "object", "properties": {"data": true}}"#;

fn leaked(document: &Value) -> &'static str {
    Box::leak(document.to_string().into_boxed_str())
}

fn options() -> RegistryOptions {
    RegistryOptions { default_job_type: None, time_limit: Duration::from_secs(30) }
}

fn directory(name: &'static str) -> JobDirectory {
    JobDirectory { name, message: "", form: "", response: ANYTHING }
}

fn registry_of(jobs: Vec<BuiltIn>) -> Registry {
    Registry::load(jobs, &[], options()).unwrap().0
}

/// A registry of one job, `SayHello`, that answers with its data.
fn echo_with(message: &Value, response: &Value) -> Result<Registry, LoadError> {
    let (message, response) = (leaked(message), leaked(response));
    let directory = JobDirectory { message, response, ..directory("say-hello") };
    Registry::load(vec![built_in(directory, Echo)], &[], options()).map(|(registry, _)| registry)
}

fn context() -> JobContext {
    let public = json!({"id": 42, "username": "octocat", "plan": "free", "secrets": {"canary": true}});
    let Value::Object(public) = public else { unreachable!("it is an object") };
    let egress = Egress::new(EgressSettings::default(), Lookup::system()).unwrap();
    let base_url = Url::parse("https://api.example").unwrap();
    let (hosts, bearer, gate) = (HostList::of(&base_url), Bearer::new("s3cret"), CallGate::open());
    JobContext::new(public, egress.api_client(ApiAccess { base_url, hosts, bearer, gate }))
}

fn message(value: Value) -> Message {
    serde_json::from_value(value).unwrap()
}

fn say_hello(data: Value) -> Message {
    message(json!({"metadata": {"jobType": "SayHello"}, "data": data}))
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}
