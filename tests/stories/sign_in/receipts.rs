//! The page of what was ended.

use super::at_the_api::Place;
use super::pages::{address, another_owner, at_home};
use crate::support::browser::{come_back, depart};
use crate::support::bus::{Answer, send};

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
    for part in [
        " · by you · ",
        "the right of <bdi>octocat</bdi> (<code>",
        "<strong>stayed</strong>",
        "the record of",
        "octocat",
    ] {
        assert!(receipts.text.contains(part), "{part}: {receipts:?}");
    }
    assert!(browser.get("/console").await.text.contains("href=\"/console/receipts\""));
}

#[tokio::test]
async fn the_receipt_for_a_secret_that_was_replaced_does_not_say_that_its_credentials_ended() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let device = home.rsplit('/').next().unwrap();
    let state = depart(&mut browser, &format!("/auth/api?credentials={device}")).await;
    assert_eq!(come_back(&mut browser, &state).await.header("location"), Some(&*home));
    let receipts = browser.get("/console/receipts").await;
    let ended = format!("the earlier secret of <code>{device}</code> <strong>ended</strong>");
    assert!(receipts.text.contains(&ended), "{receipts:?}");
    assert!(receipts.text.contains("<bdi>octocat</bdi>"), "{receipts:?}");
    assert!(!receipts.text.contains("the record of"), "{receipts:?}");
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

    let stranger = place.house.stranger().await;
    let mut other = place.house.signed_in_with_bus(&stranger).await;
    let receipts = other.get("/console/receipts").await;
    assert!(receipts.text.contains("Nothing was ended so far."), "{receipts:?}");
    let console = other.get(&format!("/console?{done}")).await;
    assert_eq!(console.status, 200);
    assert!(!console.text.contains("See the receipt"), "{console:?}");
    super::must_sign_in(&place.house.browser().get("/console/receipts").await);
}

/// That the page says why the viewer cannot leave, and leads to what they can do.
#[track_caller]
fn says_that_the_last_owner_stays(page: &Answer, home: &str) {
    assert!(page.text.contains("You are the last owner, and cannot leave"), "{page:?}");
    for way in [home, &format!("{home}/forget")] {
        assert!(page.text.contains(&format!("href=\"{way}\"")), "{way}: {page:?}");
    }
    assert!(!page.text.contains("/leave\""), "{page:?}");
}

#[tokio::test]
async fn the_last_owner_is_told_beforehand_that_they_cannot_leave_and_what_they_can_do() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let leave = format!("{home}/leave");
    assert!(page.text.contains("You are the last owner, and cannot leave"), "{page:?}");
    assert!(!page.text.contains(&leave), "{page:?}");
    let asked = browser.get(&leave).await;
    assert_eq!(asked.status, 200);
    says_that_the_last_owner_stays(&asked, &home);

    // Two ask for the page that has the button; one leaves, and then the other presses theirs.
    let (_, mut other) = another_owner(&place, &home).await;
    assert!(browser.get(&home).await.text.contains(&leave));
    let (asked, theirs) = (browser.get(&leave).await, other.get(&leave).await);
    assert_eq!(other.submit(&theirs, &leave, &[]).await.status, 303);
    let late = browser.submit(&asked, &leave, &[]).await;
    assert_eq!(late.status, 409);
    says_that_the_last_owner_stays(&late, &home);
}

#[tokio::test]
async fn who_shares_credentials_with_a_device_that_is_gone_is_told_so_and_is_the_last_owner() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let (second, _) = another_owner(&place, &home).await;
    let gone = format!("<code>{}</code> (not on the bus any more", second.uuid);
    let page = browser.get(&home).await;
    assert!(page.text.contains(&*second.uuid) && !page.text.contains(&gone), "{page:?}");
    assert!(page.text.contains("/leave\""), "{page:?}");

    let remove = place.house.gateway.by(&second, &format!("DELETE /devices/{}", second.uuid));
    assert_eq!(send(remove).await.status, 200);
    let page = browser.get(&home).await;
    assert!(page.text.contains(&gone), "{page:?}");
    assert_eq!(page.text.matches("not on the bus any more").count(), 1, "{page:?}");
    assert!(page.text.contains("cannot leave; you can forget the secret instead."), "{page:?}");
    assert!(!page.text.contains("/leave\""), "{page:?}");
    says_that_the_last_owner_stays(&browser.get(&format!("{home}/leave")).await, &home);
}

#[tokio::test]
async fn that_somebody_left_is_told_to_them_alone_and_only_if_they_did() {
    const LEFT: &str = "You left: you do not manage those credentials any more.";
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let (_, other) = another_owner(&place, &home).await;
    let left = format!("/console?left={}", home.rsplit('/').next().unwrap());
    for address in ["/console?left=anything", "/console?left=", &left] {
        let console = browser.get(address).await;
        assert!(console.status == 200 && !console.text.contains(LEFT), "{address}: {console:?}");
    }

    let leave = format!("{home}/leave");
    let asked = browser.get(&leave).await;
    let done = browser.submit(&asked, &leave, &[]).await;
    assert_eq!(done.header("location"), Some(&*left), "{done:?}");
    let console = browser.get(&left).await;
    assert!(console.text.contains(LEFT) && !console.text.contains("octocat"), "{console:?}");
    let elsewhere = browser.get("/console?left=anything").await;
    assert!(!elsewhere.text.contains(LEFT), "{elsewhere:?}");

    let third = place.house.stranger().await;
    let stranger = place.house.signed_in_with_bus(&third).await;
    for mut browser in [other, stranger] {
        let console = browser.get(&left).await;
        assert!(console.status == 200 && !console.text.contains(LEFT), "{console:?}");
    }
}
