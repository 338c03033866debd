//! Owners of credentials whose device everybody on the embedded bus has in their hands.

use endo::cli::Exit;
use endo::config::Config;
use endo::gateway::{Ambient, Gateway};
use endo::store::StoreError;
use serde_json::{Value, json};

use super::ward::checks;
use crate::support::account::octocat;
use crate::support::shell::{Shell, ended, stdout};

async fn gateway(shell: &Shell) -> Gateway {
    let config = Config { data_dir: shell.data(), ..Config::default() };
    Gateway::open(config, Ambient::system()).await.unwrap()
}

/// The finding, if there is one.
fn found(shell: &Shell) -> Option<Value> {
    let all = checks(&shell.run(&["doctor", "--json"]));
    let check = all.into_iter().find(|check| check["name"] == "devices of owners").unwrap();
    (check["verdict"] == "wrong").then_some(check)
}

#[tokio::test]
async fn an_owner_that_everybody_can_be_is_found_and_closed() {
    let shell = Shell::with_key();
    assert!(ended(&shell.run(&["doctor", "--fix", "--yes"]), Exit::Ok));
    let opened = gateway(&shell).await;
    let register = |bus: &endo::bus::embedded::EmbeddedBus, tx: &endo::store::Transaction<'_>| {
        // Whoever owns nothing is nobody's business.
        bus.register(tx, json!({}))?;
        bus.register(tx, json!({}))
    };
    let owner = opened.bus.embedded().unwrap().change(register).await.unwrap().uuid;
    drop(opened);
    assert_eq!(found(&shell), None);
    let opened = gateway(&shell).await;
    opened.credentials.keep(octocat(42, "canary-secret", owner.as_str())).await.unwrap();
    drop(opened);
    let finding = found(&shell).unwrap();
    assert!(
        finding["wrong"].as_str().unwrap().ends_with(&format!(": {owner} (by configureWhitelist)")),
        "{finding}"
    );
    let fixed = shell.run(&["doctor", "--fix", "--yes"]);
    assert!(ended(&fixed, Exit::Ok), "{fixed:?}");
    assert!(stdout(&fixed).contains("devices of owners"), "{fixed:?}");
    let opened = gateway(&shell).await;
    let document =
        opened.store.read::<_, StoreError, _>(move |view| view.device(&owner)).await.unwrap().unwrap();
    assert_eq!(document["configureWhitelist"], json!([]));
}
