//! A cookie that somebody stole opens pages while its session lives, and ends nothing.

use std::time::Duration;

use serde_json::json;

use super::at_the_api::Place;
use crate::support::browser::{come_back, depart, hidden};

#[tokio::test]
async fn a_stolen_cookie_ends_nothing_without_the_account_at_the_api() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let kept = come_back(&mut browser, &state).await;
    let home = kept.header("location").unwrap().to_owned();
    let page = browser.get(&home).await;
    assert_eq!(browser.submit(&page, &format!("{home}/add-me"), &[]).await.status, 201);
    place.house.wait(Duration::from_secs(301));

    let mut thief = browser.clone();
    let page = thief.get(&home).await;
    let mut addresses = page.text.split('"').filter(|text| text.ends_with("/cut-off"));
    let cut_off = addresses.next().unwrap().to_owned();
    let ends = [cut_off, format!("{home}/cut-off-all"), format!("{home}/forget")];
    // Whoever reads the pages can send their forms, and knows an account of their own at the API.
    let csrf = hidden(&page, "/sign-out").remove(0).1;
    place.provider.says(json!({"account": {"id": 7, "login": "thief"}}));
    for round in ["at once", "after a sign-in as somebody else"] {
        for end in &ends {
            let asked = thief.get(end).await;
            assert!(asked.text.contains("/auth/api?credentials="), "{round}: {asked:?}");
            let request = thief.form(end, &[("csrf", &csrf)]);
            assert_eq!(thief.send(request).await.status, 401, "{round}: {end}");
        }
        let credentials = home.rsplit('/').next().unwrap();
        let state = depart(&mut thief, &format!("/auth/api?credentials={credentials}")).await;
        assert_eq!(come_back(&mut thief, &state).await.status, 403);
    }
    let page = browser.get(&home).await;
    assert!(page.status == 200 && page.text.contains(&ends[0]), "{page:?}");
}
