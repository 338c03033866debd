//! The program is killed between the provider's answer and the bus's copy.

use std::path::Path;
use std::process::Stdio;

use endo::ambient::Clock;
use serde_json::json;

use super::remote::device;
use super::{list_events, until};
use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{SigningBus, json_answer, vectors};
use crate::support::program::Program;
use crate::support::provider::FakeProvider;

const PUT: &str = "PUT /v2/devices/cred-uuid-0001";

fn write_settings(directory: &Path, bus: &SigningBus, provider: &FakeProvider) {
    let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
    let text = format!(
        "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"service-uuid-0001\"\ntoken = \"service-token-0001\"\n\
         [records]\nprivate_key = '''{key}'''\n{}",
        bus.meshblu.url(),
        provider.settings_text(),
    );
    std::fs::write(directory.join("endo.toml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_that_the_bus_was_not_shown_when_the_program_was_killed_is_shown_after_it() {
    let (bus, provider) = (SigningBus::start().await, FakeProvider::start().await);
    provider.knows(None, "refresh-of-old");
    let old = device("access-of-old", "refresh-of-old");
    bus.meshblu.answer("POST /search/devices", [json_answer(200, &json!([old]))]);
    bus.meshblu.answer(PUT, [Answer::Stall(Vec::new())]);
    let directory = tempfile::tempdir().unwrap();
    write_settings(directory.path(), &bus, &provider);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let deliver = |program: &Program, id: &'static str| {
        let authority = program.gateway.trim_start_matches("http://").to_owned();
        send(bus.posting(&authority, Clock::system().now()).delivery(id, &list_events()))
    };
    deliver(&program, "first").await.is(201, "Created");
    let shown =
        || bus.meshblu.calls().into_iter().filter(|seen| format!("{} {}", seen.method, seen.target) == PUT);
    until(|| shown().count() == 1).await;
    program.kill();
    bus.meshblu.answer(PUT, [Answer::new(204, &[], "")]);
    let again = Program::start(directory.path(), &[], Stdio::null()).await;
    until(|| shown().count() == 2).await;
    let bodies: Vec<_> = shown().map(|seen| seen.body).collect();
    assert_eq!(bodies[0], bodies[1]);
    deliver(&again, "second").await.is(201, "Created");
    assert!(again.terminate().await.success());
    assert_eq!((provider.token_requests(), provider.reused()), (1, Vec::new()));
    let calls = ["access-of-old", "access-1", "access-1"].map(|token| format!("GET Bearer {token}"));
    assert_eq!(provider.api_calls(), calls);
}
