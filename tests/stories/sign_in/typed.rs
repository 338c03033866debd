//! Sources without a sign-in at an API: a key that somebody types, or nothing.

use std::time::Duration;

use endo::config::{Config, SourceKind};
use reqwest::StatusCode;
use serde_json::Value;

use super::{House, must_sign_in};
use crate::support::bus::send;

const KEY: &str = "canary-of-an-api-key";

fn keys(config: &mut Config) {
    config.source.kind = SourceKind::Static;
    config.source.name = Some("weather".to_owned());
}

fn nothing(config: &mut Config) {
    config.source.kind = SourceKind::Passthru;
}

#[tokio::test]
async fn a_key_is_typed_once_and_never_shown_again() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    assert_eq!(page.status, 200, "{page:?}");
    let answer = browser.submit(&page, "/auth/api", &[("name", "team"), ("key", KEY)]).await;
    let place = answer.header("location").unwrap_or_default().to_owned();
    assert!(answer.status == 303 && place.starts_with("/console/credentials/"), "{answer:?}");
    let device = place.rsplit('/').next().unwrap();
    for path in ["/console", &*place, &*format!("/auth/api?credentials={device}")] {
        assert!(!browser.get(path).await.text.contains(KEY), "{path}");
    }
    assert!(browser.get("/console").await.text.contains("team"));
    for line in browser.set.iter().chain(&browser.visited) {
        assert!(!line.contains(KEY), "{line}");
    }

    // Another key under the same name takes the place of the first.
    let page = browser.get(&format!("/auth/api?credentials={device}")).await;
    assert!(page.text.contains("A new key for team"), "{page:?}");
    let action = format!("/auth/api?credentials={device}");
    let answer = browser.submit(&page, &action, &[("key", "another-key")]).await;
    assert_eq!(answer.header("location"), Some(&*place), "{answer:?}");
}

#[tokio::test]
async fn a_key_without_a_name_or_with_blanks_is_asked_for_again_without_showing_it() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    for (name, key, says) in
        [("", KEY, "a name"), ("team", "two words", "without blanks"), ("team", "", "Type the key in")]
    {
        let answer = browser.submit(&page, "/auth/api", &[("name", name), ("key", key)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
        assert!(answer.text.contains(says), "{says}: {answer:?}");
        assert!(key.is_empty() || !answer.text.contains(key), "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_s_form_needs_its_proof() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let request = browser.form("/auth/api", &[("name", "team"), ("key", KEY)]);
    assert_eq!(browser.send(request).await.status, 403);
    let mut nobody = house.browser();
    let request = nobody.form("/auth/api", &[("name", "team"), ("key", KEY)]);
    must_sign_in(&nobody.send(request).await);
}

#[tokio::test]
async fn where_there_is_no_account_the_bus_says_who_somebody_is() {
    let house = House::with(nothing).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let first = browser.submit(&page, "/auth/api", &[]).await;
    assert_eq!(first.status, 303, "{first:?}");
    let page = browser.get("/auth/api").await;
    let second = browser.submit(&page, "/auth/api", &[]).await;
    assert_eq!(first.header("location"), second.header("location"), "one person, one device");
}

#[tokio::test]
async fn a_program_keeps_them_with_the_bus_s_bearer() {
    let house = House::with(nothing).await;
    let owner = house.gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("{}/auth/api", house.url());
    let answer = send(client.post(&url).basic_auth(&owner.uuid, Some(&owner.token))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(matches!(answer.json()["uuid"], Value::String(_)), "{answer:?}");
    assert_eq!(send(client.post(&url).basic_auth(&owner.uuid, Some("wrong"))).await.status, 401);
}

#[tokio::test]
async fn who_signed_in_long_ago_does_so_again_to_prove_who_they_are() {
    let house = House::with(nothing).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let answer = browser.submit(&page, "/auth/api", &[]).await;
    let device = answer.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(browser.get(&format!("/auth/api?credentials={device}")).await.status, 200);
    house.wait(Duration::from_secs(301));
    let answer = browser.get(&format!("/auth/api?credentials={device}")).await;
    let to = answer.header("location").unwrap();
    assert!(to.starts_with("/auth/octoblu?next=%2Fauth%2Fapi%3Fcredentials%3D"), "{answer:?}");
}
