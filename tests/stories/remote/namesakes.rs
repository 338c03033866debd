//! Devices of one account on a bus elsewhere: called as somebody wants, and told from each other.

use serde_json::Value;

use super::killed_making::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_get_the_name_that_was_typed_and_their_ends_say_which_of_that_name_is_meant() {
    let mut scene = Scene::set().await;
    let home = scene.sign_in(None).await.unwrap();
    for _ in ["one", "another"] {
        let page = scene.browser.get(&home).await;
        let added = scene.browser.submit(&page, &format!("{home}/add-me"), &[("name", "Lab")]).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    let called_so = |device: &Value| device["name"] == "Lab" && device["type"] == "endo:github";
    let devices = scene.devices(called_so).await;
    let uuid = |device: &Value| device["uuid"].as_str().unwrap().to_owned();
    let devices: Vec<_> = devices.iter().map(uuid).collect();
    let [one, another] = &devices[..] else { panic!("two devices: {devices:?}") };
    for (device, other) in [(one, another), (another, one)] {
        let asked = scene.browser.get(&format!("{home}/user-devices/{device}/cut-off")).await;
        assert!(asked.text.contains("<strong><bdi>Lab</bdi></strong>"), "{asked:?}");
        assert!(asked.text.contains(&format!("<code>{device}</code> · yours")), "{asked:?}");
        assert!(!asked.text.contains(&format!("<code>{other}</code>")), "{asked:?}");
    }
}
