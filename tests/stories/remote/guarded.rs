//! What owners do on the pages of a gateway on a bus that guards its devices, as no stand-in does.

use std::time::Duration;

use serde_json::{Value, json};

use super::killed_making::Scene;
use super::owners::vault;

/// Somebody with credentials and a device that may use them: where the credentials are shown, and both devices.
async fn with_device() -> (Scene, String, String) {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    scene.add_device(&home, None).await.unwrap();
    let device = scene.named("endo:github").await.remove(0);
    (scene, home, device)
}

/// Waits until this holds of what the bus shows of the credentials device.
async fn until_shown(scene: &Scene, is_so: impl Fn(&Value) -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while scene
        .devices(|device| device["endo"]["idKey"].is_string() && is_so(&device["endo"]))
        .await
        .is_empty()
    {
        ticks.tick().await;
    }
}

/// What the owner's program is told of what was ended, once nothing of it is pending.
async fn receipts(scene: &Scene, credentials: &str) -> Value {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        let told = scene.ask(&format!("GET /credentials/{credentials}/receipts")).await;
        assert_eq!(told.status, 200, "{told:?}");
        if !told.text.contains("\"pending\"") {
            return told.json();
        }
        ticks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_seen_and_a_secret_that_is_forgotten_is_gone_from_the_bus() {
    let (mut scene, home, device) = with_device().await;
    let credentials = scene.credentials().await;
    assert_eq!(scene.brought_with(&credentials, &device, &json!({"data": {}})).await, 422);
    let page = scene.browser.get(&home).await;
    assert!(page.text.contains("One error noted"), "{page:?}");

    let form = format!("{home}/forget");
    let asks = scene.browser.get(&form).await;
    let ended = scene.browser.submit(&asks, &form, &[]).await;
    assert_eq!(ended.status, 303, "{ended:?}");
    let receipts = receipts(&scene, &credentials.uuid).await;
    let parts = receipts[0]["parts"].as_array().unwrap();
    let ended: Vec<_> = parts
        .iter()
        .filter(|part| part["fate"] == "ended")
        .map(|part| part["what"].as_str().unwrap())
        .collect();
    assert_eq!(ended, ["right", "subscription", "whitelists", "record", "bus-copy"], "{receipts}");
    assert_eq!(receipts[0]["api"]["verdict"], "revoked");
    let left = scene.devices(|document| document["uuid"] == *credentials.uuid).await;
    assert_eq!((&left[0]["endo"], &left[0]["endoSignature"]), (&Value::Null, &Value::Null));
    assert_eq!(scene.brought(&credentials, &device).await, 403);

    let anew = scene.sign_in(None).await.unwrap();
    assert_ne!(anew, home);
    let page = scene.browser.get(&anew).await;
    assert!(page.text.contains("No device uses these credentials."), "{page:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_shows_a_renewed_secret_and_the_owner_who_stays_when_another_leaves() {
    let (mut scene, home, device) = with_device().await;
    let credentials = scene.credentials().await;
    let before = scene.devices(|device| device["endo"]["idKey"].is_string()).await.remove(0)["endo"].clone();
    scene.provider.expire("access-1");
    assert_eq!(scene.brought(&credentials, &device).await, 201);
    let key = |owner: &str| json!(vault().authorized_keys(&owner.into())[0]);
    until_shown(&scene, |endo| endo["encrypted"] != before["encrypted"]).await;
    assert_eq!(scene.credentials().await.uuid, credentials.uuid, "with the newest tokens");

    let first = scene.bus.owner.uuid.clone();
    let (second, mut browser) = scene.somebody_else().await;
    assert_eq!(scene.sign_in(None).await.unwrap(), home);
    until_shown(&scene, |endo| endo["authorizedKey"] == key(&second.uuid)).await;
    let form = format!("{home}/leave");
    std::mem::swap(&mut scene.browser, &mut browser);
    scene.sign_in(None).await.unwrap();
    until_shown(&scene, |endo| endo["authorizedKey"] == key(&first)).await;
    let asks = scene.browser.get(&form).await;
    let left = scene.browser.submit(&asks, &form, &[]).await;
    assert_eq!(left.status, 303, "{left:?}");
    until_shown(&scene, |endo| endo["authorizedKey"] == key(&second.uuid)).await;
    assert_eq!(scene.browser.get(&home).await.status, 404);
    assert_eq!(browser.get(&home).await.status, 200);
    assert_eq!(scene.brought(&credentials, &device).await, 201, "his device goes on working");
}
