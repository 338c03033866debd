//! Signing in while the keys change by which the account's device is found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::killed_making::Scene;
use crate::support::browser::{come_back, depart};
use crate::support::held_bus::{Hold, Moment};

/// How many of its calls are held, one a sign-in; every change of keys has each sign-in make one more.
const CALLS: usize = 6;

/// Runs a command beside the program, while the bus goes on.
async fn endo(directory: &Path, words: [&'static str; 2]) {
    let directory = PathBuf::from(directory);
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
        command.arg("--data-dir").arg(directory).args(words).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

#[tokio::test]
async fn a_sign_in_beside_a_change_of_keys_finds_the_device_that_there_is() {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    for after in 0..CALLS {
        let state = depart(&mut scene.browser, "/auth/api").await;
        let (bus, directory) = (&scene.bus, scene.directory.path());
        let before = bus.held_calls();
        bus.hold(Some(Hold::after(after, Moment::Before)));
        let mut signing_in = std::pin::pin!(come_back(&mut scene.browser, &state));
        let held = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(1));
            while bus.held_calls() == before {
                ticks.tick().await;
            }
        };
        let kept = tokio::select! {
            biased;
            kept = &mut signing_in => kept,
            () = held => {
                endo(directory, ["keys", "rotate"]).await;
                endo(directory, ["keys", "migrate"]).await;
                bus.release();
                signing_in.await
            }
        };
        assert_eq!(bus.held_calls(), before + 1, "call {after} was held");
        assert_eq!(kept.status, 303, "{after}: {kept:?}");
        assert_eq!(kept.header("location"), Some(home.as_str()), "call {after}: {}", bus.held());
    }
}
