//! The lists of a user device on a bus that guards its devices: when it is cut off, its owner takes the credentials device off
//! them, for nobody else may.

use std::time::Duration;

use serde_json::Value;

use super::killed_making::Scene;
use crate::support::held_bus::{Hold, Moment};

/// How many calls come before the reply to a message.
const REPLY: usize = 3;

/// Cuts the device off on its page.
async fn cut_off(scene: &mut Scene, home: &str, device: &str) {
    let form = format!("{home}/user-devices/{device}/cut-off");
    let page = scene.browser.get(&form).await;
    let ended = scene.browser.submit(&page, &form, &[]).await;
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
            scene.bus.hold(Some(Hold { after: REPLY, moment: Moment::Before }));
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
