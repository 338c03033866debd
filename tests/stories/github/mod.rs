//! The GitHub jobs, and the stand-in for GitHub's API.

mod errors;
mod listing;
mod stand_in;

use std::time::Duration;

use endo::egress::{CallGate, EgressSettings};
use endo::job::{Provisions, Registry, RegistryOptions, RunFailure};
use endo::message::{Message, Reply};
use serde_json::{Value, json};

use crate::support::provisions::{credentials, workbench};

const TOKEN: &str = "gho_canary16C7e42F292c6912E7710c838347Ae178B4a";

fn registry() -> Registry {
    let options =
        RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(60) };
    let (registry, notices) = Registry::load(endo::jobs::all(), options).expect("the jobs load");
    assert!(notices.is_empty(), "{notices:?}");
    registry
}

/// What a job works with that talks to the API at `base_url`.
fn provisions(base_url: &str, settings: EgressSettings) -> Provisions {
    workbench(base_url, settings).provide(credentials(TOKEN), CallGate::open())
}

fn message(job_type: &str, data: Value) -> Message {
    serde_json::from_value(json!({"metadata": {"jobType": job_type}, "data": data})).expect("a message")
}

/// Runs a job about a user at the API at `base_url`.
async fn run(base_url: &str, job_type: &str, username: &str) -> Result<Reply, RunFailure> {
    let provisions = provisions(base_url, EgressSettings::default());
    registry().run(&message(job_type, json!({"username": username})), provisions).await
}

/// A reply as it goes over the wire, without its envelope.
fn written(reply: Reply) -> String {
    serde_json::to_string(&reply).expect("a reply can be written")
}
