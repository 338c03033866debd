//! The page of what was ended.

use super::at_the_api::Place;
use super::pages::{address, at_home};

#[tokio::test]
async fn an_owner_reads_what_was_ended_by_whom_and_what_stayed_also_of_what_is_forgotten() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let none = browser.get("/console/receipts").await;
    assert!(none.text.contains("Nothing was ended so far."), "{none:?}");
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    for end in ["/cut-off", "/forget"] {
        let page = browser.get(&home).await;
        let asked = browser.get(&address(&page, end)).await;
        let ended = browser.submit(&asked, &address(&page, end), &[]).await;
        let shown = browser.follow(ended).await;
        assert!(shown.text.contains("See the receipt</a>"), "{shown:?}");
    }
    let receipts = browser.get("/console/receipts").await;
    assert_eq!(receipts.status, 200);
    let (forgotten, cut_off) =
        (receipts.text.find("The secret was forgotten"), receipts.text.find("A device was cut off"));
    assert!(forgotten.unwrap() < cut_off.unwrap(), "the newest is first: {receipts:?}");
    for part in [" · by you · ", "the right of", "<strong>stayed</strong>", "the record of", "octocat"] {
        assert!(receipts.text.contains(part), "{part}: {receipts:?}");
    }
    assert!(browser.get("/console").await.text.contains("href=\"/console/receipts\""));
}

#[tokio::test]
async fn receipts_and_notices_of_others_are_not_shown() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let page = browser.get(&home).await;
    let asked = browser.get(&address(&page, "/cut-off")).await;
    let ended = browser.submit(&asked, &address(&page, "/cut-off"), &[]).await;
    let done = ended.header("location").unwrap().split_once('?').unwrap().1.to_owned();
    assert!(browser.get(&format!("/console?{done}")).await.text.contains("See the receipt"));

    let stranger = place.house.gateway.flow(&"nobody".into()).await.device;
    let mut other = place.house.signed_in_with_bus(&stranger).await;
    let receipts = other.get("/console/receipts").await;
    assert!(receipts.text.contains("Nothing was ended so far."), "{receipts:?}");
    let console = other.get(&format!("/console?{done}")).await;
    assert_eq!(console.status, 200);
    assert!(!console.text.contains("See the receipt"), "{console:?}");
    super::must_sign_in(&place.house.browser().get("/console/receipts").await);
}
