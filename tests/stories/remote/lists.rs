//! The lists of a user device on a bus that guards its devices: when it is cut off, its owner takes the credentials device off
//! them, for nobody else may.

use std::time::Duration;

use serde_json::Value;

use super::killed_making::Scene;
use crate::support::held_bus::{Hold, Moment};

/// More devices than are seen to while somebody waits.
const MANY: usize = 17;
/// How many calls come before the reply to a message.
const REPLY: usize = 3;

/// Cuts the device off on its page.
async fn cut_off(scene: &mut Scene, home: &str, device: &str) {
    end(scene, &format!("{home}/user-devices/{device}/cut-off")).await;
}

/// Ends something on its page.
async fn end(scene: &mut Scene, form: &str) {
    let page = scene.browser.get(form).await;
    let ended = scene.browser.submit(&page, form, &[]).await;
    assert_eq!(ended.status, 303, "{ended:?}");
}

/// Whether the lists of this device name that one.
async fn names(scene: &Scene, device: &str, named: &str) -> bool {
    let found = scene.devices(|document: &Value| document["uuid"] == device).await;
    found[0]["meshblu"]["whitelists"].to_string().contains(named)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lists_of_a_device_that_is_cut_off_are_left_by_its_owner_s_right_also_when_its_job_is_done_later()
{
    for is_busy in [false, true] {
        let mut scene = Scene::set().await;
        let home = scene.sign_in(None).await.unwrap();
        scene.add_device(&home, None).await.unwrap();
        let (credentials, device) = (scene.credentials().await, scene.named("endo:github").await.remove(0));
        assert!(names(&scene, &device, &credentials.uuid).await);
        if is_busy {
            // Who brings it, whether it may, with what: then the reply is about to leave.
            scene.bus.hold(Some(Hold::after(REPLY, Moment::Before)));
            let brought = scene.bus.unless_held(scene.brought(&credentials, &device)).await;
            assert_eq!((brought, &*scene.bus.held()), (None, "POST /messages"));
            let mut ticks = tokio::time::interval(Duration::from_millis(2));
            while scene.waiting() == 0 {
                ticks.tick().await;
            }
        }
        cut_off(&mut scene, &home, &device).await;
        if is_busy {
            assert!(names(&scene, &device, &credentials.uuid).await, "the reply needs that right");
            scene.bus.release();
        }
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while names(&scene, &device, &credentials.uuid).await {
            ticks.tick().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lists_of_all_devices_of_whoever_forgets_are_left_and_the_receipt_says_why_those_of_others_are_not()
 {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    for _ in 0..MANY {
        scene.add_device(&home, None).await.unwrap();
    }
    let own = scene.named("endo:github").await;
    let (_, browser) = scene.somebody_else().await;
    assert_eq!(scene.sign_in(None).await.as_deref(), Some(&*home));
    scene.add_device(&home, None).await.unwrap();
    scene.browser = browser;
    let credentials = scene.credentials().await;

    end(&mut scene, &format!("{home}/forget")).await;
    let asked = format!("GET /credentials/{}/receipts", credentials.uuid);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let lists = loop {
        let receipts = scene.ask(&asked).await.json();
        let parts = receipts[0]["parts"].as_array().unwrap().iter();
        let lists: Vec<Value> = parts.filter(|part| part["what"] == "whitelists").cloned().collect();
        if lists.iter().all(|part| part["fate"] != "pending") {
            break lists;
        }
        ticks.tick().await;
    };
    assert_eq!(lists.len(), MANY + 1);
    for part in lists {
        let device = part["device"].as_str().unwrap();
        let is_own = own.iter().any(|own| own == device);
        assert_eq!(names(&scene, device, &credentials.uuid).await, !is_own, "{part}");
        assert_eq!(part["fate"], if is_own { "ended" } else { "stayed" }, "{part}");
        let why = (!is_own).then_some("the device is gone, or has another owner");
        assert_eq!(part["why"].as_str(), why, "{part}");
    }
}
