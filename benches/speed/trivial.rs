//! A job that does nothing, so that what remains is the gateway's own.

use std::sync::Arc;
use std::time::Duration;

use endo::job::{DescribedJob, Job, JobContext, JobDirectory, JobError, Registry, RegistryOptions, built_in};
use endo::jobs;
use serde::{Deserialize, Serialize};

struct Greet;

#[derive(Deserialize)]
struct Name {
    username: String,
}

#[derive(Serialize)]
struct Greeting {
    greeting: String,
}

impl Job for Greet {
    type Data = Name;
    type Response = Greeting;

    async fn run(&self, data: Name, _: JobContext) -> Result<Greeting, JobError> {
        Ok(Greeting { greeting: format!("Hello, {}", data.username) })
    }
}

const MESSAGE: &str = r#"{"type": "object", "required": ["metadata", "data"], "properties": {"data": {
    "type": "object", "required": ["username"], "properties": {"username": {"type": "string"}}}}}"#;
const RESPONSE: &str = r#"{"type": "object", "required": ["metadata", "data"], "properties": {"data": {
    "type": "object", "required": ["greeting"], "properties": {"greeting": {"type": "string"}}}}}"#;

fn greet() -> DescribedJob {
    built_in(JobDirectory { name: "greet", message: MESSAGE, form: "", response: RESPONSE }, Greet)
}

/// The gateway's jobs and this one.
pub(crate) fn registry() -> Arc<Registry> {
    let built_in = jobs::all().into_iter().chain([greet()]).collect();
    let options =
        RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(30) };
    Arc::new(Registry::load(built_in, options).unwrap().0)
}
