//! Devices of one account that are called the same are told from each other, and can be called otherwise.

use std::time::Duration;

use super::at_the_api::Place;
use super::is_told_beside;
use super::pages::{address, at_home};
use crate::support::browser::{Browser, hidden};
use crate::support::bus::Answer;

/// Adds a device that is called so; blank for no name.
async fn add(browser: &mut Browser, home: &str, name: &str) -> Answer {
    let page = browser.get(home).await;
    browser.submit(&page, &format!("{home}/add-me"), &[("name", name)]).await
}

/// The devices that the page leads to the end of.
fn devices(page: &Answer) -> Vec<&str> {
    let ends = page.text.split('"').filter(|text| text.ends_with("/cut-off"));
    ends.map(|address| address.split('/').nth(5).unwrap()).collect()
}

#[tokio::test]
async fn devices_that_are_called_the_same_are_told_from_each_other_wherever_one_is_meant() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    for _ in ["one", "another"] {
        assert_eq!(add(&mut browser, &home, " ").await.status, 201);
    }
    let page = browser.get(&home).await;
    let [one, another] = devices(&page)[..] else { panic!("two devices: {page:?}") };
    for (device, other) in [(one, another), (another, one)] {
        let label = format!("<bdi>octocat</bdi><span class=\"unseen\"> {device}</span></a>");
        for link in ["Cut off ", "Send a job to "] {
            assert_eq!(page.text.matches(&format!("{link}{label}")).count(), 1, "{page:?}");
        }
        let jobs = format!("{home}/user-devices/{device}/jobs");
        for path in [&jobs, &format!("{jobs}/ListEventsByUser")] {
            let page = browser.get(path).await;
            let through = format!("Through your device <bdi>octocat</bdi> (<code>{device}</code>)");
            assert!(page.text.contains(&through), "{page:?}");
        }
        let asked = browser.get(&format!("{home}/user-devices/{device}/cut-off")).await;
        let (code, others) = (format!("<code>{device}</code> · yours"), format!("<code>{other}</code>"));
        assert!(asked.text.contains(&code) && asked.text.contains("no message yet"), "{asked:?}");
        assert!(!asked.text.contains(&others), "{asked:?}");
    }
    for end in ["/cut-off-all", "/forget"] {
        let asked = browser.get(&format!("{home}{end}")).await;
        for device in [one, another] {
            assert!(asked.text.contains(&format!("<code>{device}</code> · yours")), "{asked:?}");
        }
    }
    place.house.wait(Duration::from_secs(301));
    let step = address(&browser.get(&home).await, "/cut-off");
    let asked = browser.get(&step).await;
    assert!(asked.text.contains("This needs a sign-in"), "{asked:?}");
    assert!(asked.text.contains(&format!("<code>{one}</code>")), "{asked:?}");
}

#[tokio::test]
async fn whoever_adds_a_device_may_give_it_a_name_all_of_which_people_see() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let long = "x".repeat(101);
    for (name, why) in
        [("La\u{202e}b", "its character 3, U+202E, shows nothing"), (&*long, "at most 100 char")]
    {
        let refused = add(&mut browser, &home, name).await;
        assert!(refused.status == 422 && refused.text.contains(why), "{refused:?}");
        assert!(refused.text.contains("Nothing was done"), "{refused:?}");
        is_told_beside(&refused, "name");
        assert!(refused.text.contains(&format!("value=\"{name}\"")), "what was typed is still there");
        hidden(&refused, &format!("{home}/add-me"));
    }
    let page = browser.get(&home).await;
    assert_eq!(devices(&page), [""; 0], "{page:?}");
    assert!(page.text.contains("<label for=\"name\">Name of a new device"), "{page:?}");
    for name in [" Lab\u{a0} & <shed> ", ""] {
        assert_eq!(add(&mut browser, &home, name).await.status, 201);
    }
    let page = browser.get(&home).await;
    for name in ["Lab &amp; &lt;shed&gt;", "octocat"] {
        assert!(page.text.contains(&format!("<strong><bdi>{name}</bdi></strong>")), "{page:?}");
    }
}
