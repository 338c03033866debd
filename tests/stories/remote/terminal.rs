//! What the command line says of devices on a bus elsewhere.

use std::process::Command;

use serde_json::Value;

use super::killed_making::Scene;
use crate::support::held_bus::HeldBus;

/// The rows of `endo devices ls` on the directory of a gateway that runs.
fn listed(scene: &Scene) -> Vec<Value> {
    let directory = scene.directory.path().to_str().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    let output =
        command.env_clear().args(["--data-dir", directory, "devices", "ls", "--json"]).output().unwrap();
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
