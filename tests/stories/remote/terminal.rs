//! What the command line says of devices on a bus elsewhere.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::killed_making::Scene;
use crate::support::held_bus::HeldBus;
use crate::support::meshblu::{FakeMeshblu, SERVICE, json_answer, vectors};

/// What `endo devices ls` says on this directory.
fn list(directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().arg("--data-dir").arg(directory).args(["devices", "ls", "--json"]).output().unwrap()
}

/// The rows of `endo devices ls` on the directory of a gateway that runs.
fn listed(scene: &Scene) -> Vec<Value> {
    let output = list(scene.directory.path());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_listed_with_the_names_and_owners_that_the_bus_tells() {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    for name in ["Lab", "Garden"] {
        let page = scene.browser.get(&home).await;
        let added = scene.browser.submit(&page, &format!("{home}/add-me"), &[("name", name)]).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    let rows = listed(&scene);
    let mut names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap_or("-")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Garden", "Lab"], "{rows:?}");
    assert!(rows.iter().all(|row| row["owner"] == *scene.bus.owner.uuid), "{rows:?}");

    // A bus that is gone leaves what is known here.
    scene.bus = HeldBus::start().await;
    let rows = listed(&scene);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["name"].is_null()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_is_asked_for_many_credentials_at_a_time() {
    const MANY: usize = 32;
    let meshblu = FakeMeshblu::start().await;
    let hears = |device| json!({"subscriberUuid": SERVICE, "emitterUuid": format!("cred-{device}"), "type": "message.received"});
    let all: Vec<_> = (0..MANY).map(hears).collect();
    meshblu.answer(&format!("GET /v2/devices/{SERVICE}/subscriptions"), [json_answer(200, &json!(all))]);
    let gate = Arc::new(Semaphore::new(0));
    let unseen = json_answer(403, &json!({"error": "Forbidden"}));
    meshblu.answer("POST /search/devices", [unseen.behind(&gate)]);
    let directory = tempfile::tempdir().unwrap();
    let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
    let settings = format!(
        "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"{SERVICE}\"\ntoken = \"service-token-0001\"\n\
         [records]\nprivate_key = '''{key}'''\n",
        meshblu.url()
    );
    std::fs::write(directory.path().join("endo.toml"), settings).unwrap();
    let data = directory.path().to_owned();
    let listing = tokio::task::spawn_blocking(move || list(&data));
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let asked = || meshblu.called().iter().filter(|call| *call == "POST /search/devices").count();
    while asked() < MANY {
        assert!(!listing.is_finished(), "{} were asked for", asked());
        ticks.tick().await;
    }
    gate.add_permits(10 * MANY);
    let output = listing.await.unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}
