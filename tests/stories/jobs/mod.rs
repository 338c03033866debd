//! Jobs: their documents, their messages, their responses, and what becomes of jobs that fail.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod documents;
mod loading;
mod running;
mod stripping;
mod texts;
mod whose;

use std::time::Duration;

use endo::job::{
    DescribedJob, Job, JobContext, JobDirectory, JobError, LoadError, Provisions, Registry, RegistryOptions,
    built_in,
};
use endo::message::Message;
use serde_json::{Map, Value, json};

/// Answers with its `data`.
pub(crate) struct Echo;

impl Job for Echo {
    type Data = Value;
    type Response = Value;

    async fn run(&self, data: Value, _context: JobContext) -> Result<Value, JobError> {
        Ok(data)
    }
}

/// A response schema that lets everything out.
pub(crate) const ANYTHING: &str = r#"{"type": "object", "properties": {"data": true}}"#;

fn leaked(document: &Value) -> &'static str {
    Box::leak(document.to_string().into_boxed_str())
}

fn options() -> RegistryOptions {
    RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(30) }
}

fn directory(name: &'static str) -> JobDirectory {
    JobDirectory { name, message: "", form: "", response: ANYTHING }
}

fn registry_of(jobs: Vec<DescribedJob>) -> Registry {
    Registry::load(jobs, options()).unwrap().0
}

/// A registry of one job, `SayHello`, that answers with its data.
fn echo_with(message: &Value, response: &Value) -> Result<Registry, LoadError> {
    let (message, response) = (leaked(message), leaked(response));
    let directory = JobDirectory { message, response, ..directory("say-hello") };
    Registry::load(vec![built_in(directory, Echo)], options()).map(|(registry, _)| registry)
}

fn provisions() -> Provisions {
    crate::support::provisions::provisions("https://api.example", "s3cret")
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
