//! The link that the first owner finds in the terminal.

use std::time::Duration;

use super::at_the_api::Place;
use super::{House, must_sign_in};
use crate::support::browser::{hidden, led_on};
use crate::support::bus::{Answer, send};

#[tokio::test]
async fn the_link_of_the_terminal_signs_the_first_owner_in() {
    let house = House::open().await;
    house.gateway.chain(42).await;
    let mut browser = house.browser();
    let page = browser.get(&house.link()).await;
    assert_eq!(page.status, 200, "{page:?}");
    let answer = browser.submit(&page, "/sign-in", &[]).await;
    let console = browser.follow(answer).await;
    assert_eq!(console.status, 200, "{console:?}");
    assert!(console.text.contains("octocat"), "{console:?}");
    assert!(console.text.contains(&house.gateway.owner().uuid), "{console:?}");
}

#[tokio::test]
async fn looking_at_the_link_uses_nothing_up_and_pressing_its_button_does() {
    let house = House::open().await;
    let (link, mut browser, mut other) = (house.link(), house.browser(), house.browser());
    let theirs = other.get(&link).await;
    let mut page = browser.get(&link).await;
    for _ in 0..3 {
        page = browser.get(&link).await;
        assert!(browser.cookies.is_empty());
    }
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
    let refused = other.submit(&theirs, "/sign-in", &[]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("endo sign-in-link prints a new one"), "{refused:?}");
    assert!(other.cookies.is_empty());
}

/// That the page offers no sign-in by the link, and says what to do.
#[track_caller]
fn is_over(page: &Answer, leads_to: &str) {
    assert_eq!(page.status, 403, "{page:?}");
    assert!(page.text.contains("endo sign-in-link prints a new one"), "{page:?}");
    assert!(!page.text.contains("<form"), "{page:?}");
    assert!(page.text.contains(&format!("href=\"{leads_to}\"")), "{page:?}");
}

#[tokio::test]
async fn a_link_that_is_used_up_says_so_before_anybody_presses_a_button() {
    const WAYS: &str = "/sign-in?next=%2Fconsole";
    let house = House::open().await;
    let (link, mut browser, mut other) = (house.link(), house.browser(), house.browser());
    let page = browser.get(&link).await;
    browser.submit(&page, "/sign-in", &[]).await;
    is_over(&browser.get(&link).await, "/console");
    is_over(&other.get(&link).await, WAYS);
    let ways = other.get(WAYS).await;
    assert!(ways.text.contains("Sign in with the bus"), "{ways:?}");
    let newer = house.link();
    assert_eq!(other.get(&newer).await.status, 200);
    house.wait(Duration::from_secs(600));
    is_over(&other.get(&newer).await, WAYS);
    is_over(&other.get("/sign-in?once=nonsense").await, WAYS);
}

#[tokio::test]
async fn a_link_that_is_ten_minutes_old_or_not_the_newest_signs_nobody_in() {
    let house = House::open().await;
    let (old, mut browser) = (house.link(), house.browser());
    let page = browser.get(&old).await;
    let late = house.link();
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 403, "not the newest");
    let page = browser.get(&late).await;
    house.wait(Duration::from_secs(600));
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 403, "too late");
    assert!(browser.cookies.is_empty());
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_form_of_another_site_does_not_use_the_link_up() {
    let house = House::open().await;
    let mut browser = house.browser();
    let page = browser.get(&house.link()).await;
    let fields = hidden(&page, "/sign-in");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    for (name, value) in [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")] {
        let request = browser.form("/sign-in", &fields).header(name, value);
        assert_eq!(browser.send(request).await.status, 403, "{name}");
    }
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
}

#[tokio::test]
async fn the_link_leads_on_to_the_api_from_a_page_of_the_gateway() {
    let place = Place::open().await;
    let mut browser = place.house.browser();
    let page = browser.get(&format!("{}&next=/auth/api", place.house.link())).await;
    let on = browser.submit(&page, "/sign-in", &[]).await;
    assert_eq!(led_on(&on), "/auth/api");
    let to_the_api = browser.get("/auth/api").await;
    assert!(
        to_the_api.header("location").unwrap().starts_with(&place.provider.api.url("/")),
        "{to_the_api:?}"
    );
}

#[tokio::test]
async fn a_link_whose_owner_the_bus_does_not_know_any_more_says_so_and_is_not_used_up() {
    let house = House::open().await;
    let (owner, link, mut browser) = (house.gateway.owner(), house.link(), house.browser());
    let page = browser.get(&link).await;
    let reset = house.gateway.by(&owner, &format!("POST /devices/{}/token", owner.uuid));
    assert_eq!(send(reset).await.status, 200);
    let pressed = browser.submit(&page, "/sign-in", &[]).await;
    for refused in [pressed, browser.get(&link).await] {
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.text.contains("endo doctor says what to do"), "{refused:?}");
        assert!(browser.cookies.is_empty());
    }
    house.gateway.gateway.renew_owner().await.unwrap();
    let answer = browser.submit(&page, "/sign-in", &[]).await;
    assert_eq!(browser.follow(answer).await.status, 200);
}

#[tokio::test]
async fn a_link_signs_nobody_in_while_the_owner_s_file_is_away_or_says_nothing() {
    let house = House::open().await;
    let file = house.gateway.gateway.config.data_dir.join("owner.json");
    let (owner, link, mut browser) = (std::fs::read(&file).unwrap(), house.link(), house.browser());
    let page = browser.get(&link).await;
    for text in [None, Some("{")] {
        std::fs::remove_file(&file).unwrap();
        text.iter().for_each(|text| std::fs::write(&file, text).unwrap());
        let refused = browser.submit(&page, "/sign-in", &[]).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.text.contains("endo doctor says what to do"), "{refused:?}");
        std::fs::write(&file, &owner).unwrap();
    }
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
}
