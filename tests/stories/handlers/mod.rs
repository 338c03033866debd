//! External handlers: what they are asked, what becomes of their answers, and where they may be.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod addresses;
mod breaker;
mod convert;
mod directories;
mod failures;
mod node_host;
mod questions;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use endo::ambient::{Clock, Random};
use endo::egress::{CallGate, Egress, EgressSettings, Lookup};
use endo::job::{Handlers, LoadError, Provisions, Registry, RegistryOptions};
use endo::message::Message;
use endo::signature::Ed25519PrivateKey;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::jobs;
use crate::support::provisions::{credentials, renewable_credentials, workbench};

const SECRET: &str = "canary-secret-for-the-handler";

/// Lets a text out, nothing else.
const RESPONSE: &str = r#"{"type": "object", "required": ["metadata", "data"], "properties": {
    "data": {"type": "object", "properties": {"said": {"type": "string"}}}}}"#;

#[expect(clippy::disallowed_methods, reason = "the environment of the test itself")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A directory with the job `say-hello`, described by these lines of `job.yaml`.
fn directory(job_yaml: &str) -> TempDir {
    let message = r#"{"properties": {"data": {"type": "string"}}}"#;
    let documents = [("message.json", message), ("response.json", RESPONSE), ("job.yaml", job_yaml)];
    jobs::directory("say-hello", &documents)
}

fn handlers(remote: bool) -> Handlers {
    handlers_at(Clock::system(), remote)
}

fn handlers_at(clock: Clock, remote: bool) -> Handlers {
    let settings = EgressSettings { response_bytes: 1000, ..EgressSettings::default() };
    let egress = Egress::new(settings, Lookup::system()).unwrap();
    Handlers::new(egress, Ed25519PrivateKey::generate(&Random::system()), clock, remote)
}

fn options() -> RegistryOptions {
    RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(30) }
}

fn load(directory: &Path) -> Result<Registry, LoadError> {
    let jobs = handlers(false).jobs_in(directory)?;
    Registry::load(jobs, options()).map(|(registry, _)| registry)
}

/// The registry of a `say-hello` that is run at this address.
fn registry(url: &str, repeatable: bool) -> Registry {
    let directory = directory(&format!("handler:\n  url: {url}\nrepeatable: {repeatable}\n"));
    load(directory.path()).unwrap()
}

/// The same, by this clock.
fn registry_at(clock: Clock, url: &str) -> Registry {
    let directory = directory(&format!("handler:\n  url: {url}\n"));
    Registry::load(handlers_at(clock, false).jobs_in(directory.path()).unwrap(), options()).unwrap().0
}

fn refusal(job_yaml: &str) -> String {
    sentence(&load(directory(job_yaml).path()).unwrap_err())
}

fn sentence(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |sentence, cause| format!("{sentence}: {cause}"))
}

fn provisions(gate: CallGate) -> Provisions {
    workbench("https://api.example", EgressSettings::default()).provide(credentials(SECRET), gate)
}

fn say_hello() -> Message {
    message(json!({"metadata": {"jobType": "SayHello", "respondTo": {"n": 1}}, "data": "world"}))
}

fn message(value: Value) -> Message {
    serde_json::from_value(value).unwrap()
}
