//! A cookie that somebody stole opens pages while its session lives, and ends nothing.

use std::time::Duration;

use serde_json::json;

use super::at_the_api::Place;
use super::jobs::USERNAME;
use super::pages::{address, at_home};
use super::typed::{KEY, keys};
use super::{House, must_sign_in};
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

#[tokio::test]
async fn a_sign_in_at_the_api_signs_out_whoever_stole_the_cookie_of_a_session_that_sent_forms() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    assert_eq!(browser.submit(&page, &format!("{home}/add-me"), &[]).await.status, 201);
    let page = browser.get(&home).await;
    let form = format!("{}/ListEventsByUser", address(&page, "/jobs"));
    let page = browser.get(&form).await;
    assert_eq!(browser.submit(&page, &form, &[(USERNAME, "octocat")]).await.status, 303);
    place.house.wait(Duration::from_secs(301));

    let mut thief = browser.clone();
    let forget = format!("{home}/forget");
    assert!(thief.get(&forget).await.text.contains("/auth/api?credentials="));
    let credentials = home.rsplit('/').next().unwrap();
    let state = depart(&mut browser, &format!("/auth/api?credentials={credentials}")).await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    must_sign_in(&thief.get(&forget).await);
    // Whoever proved it ends something, and sends what they did not send yet.
    let asked = browser.get(&forget).await;
    let page = browser.get(&home).await;
    assert_eq!(browser.submit(&page, &format!("{home}/add-me"), &[]).await.status, 201);
    assert_eq!(browser.submit(&asked, &forget, &[]).await.status, 303);
}

#[tokio::test]
async fn a_key_that_is_typed_in_signs_out_whoever_stole_the_cookie_before() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let mut home = String::new();
    for (fields, then) in [
        (&[("name", "team"), ("key", KEY)][..], "its first key"),
        (&[("present", KEY)], "the present key as the proof"),
        (&[("present", KEY), ("key", "another-key")], "another key"),
    ] {
        house.wait(Duration::from_secs(301));
        let mut thief = browser.clone();
        assert_eq!(thief.get("/console").await.status, 200, "{then}");
        let place = match home.rsplit('/').next() {
            Some(credentials) if !home.is_empty() => format!("/auth/api?credentials={credentials}"),
            _ => "/auth/api".to_owned(),
        };
        let page = browser.get(&place).await;
        let kept = browser.submit(&page, &place, fields).await;
        assert_eq!(kept.status, 303, "{then}: {kept:?}");
        home = kept.header("location").unwrap().to_owned();
        must_sign_in(&thief.get(&format!("{home}/forget")).await);
        let asked = browser.get(&format!("{home}/forget")).await;
        assert!(!asked.text.contains("/auth/api?credentials="), "{then}: {asked:?}");
    }
}
