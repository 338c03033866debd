//! The link that the first owner finds in the terminal.

use std::time::Duration;

use super::{House, must_sign_in};
use crate::support::browser::hidden;

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
    let (link, mut browser) = (house.link(), house.browser());
    let mut page = browser.get(&link).await;
    for _ in 0..3 {
        page = browser.get(&link).await;
        assert!(browser.cookies.is_empty());
    }
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
    let mut other = house.browser();
    let page = other.get(&link).await;
    let refused = other.submit(&page, "/sign-in", &[]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("start the gateway again (endo serve)"), "{refused:?}");
    assert!(other.cookies.is_empty());
}

#[tokio::test]
async fn a_link_that_is_ten_minutes_old_or_not_the_newest_signs_nobody_in() {
    let house = House::open().await;
    let (old, late) = (house.link(), house.link());
    let mut browser = house.browser();
    let page = browser.get(&old).await;
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
