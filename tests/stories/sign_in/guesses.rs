//! Whoever stole a token of the bus guesses at a typed key no oftener for making many tokens and sessions with it.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::typed::{KEY, keys, program, program_as};
use super::{House, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::send;

const TEN_MINUTES: Duration = Duration::from_secs(600);
const MINUTE: Duration = Duration::from_secs(61);

/// A gateway with a key that somebody typed in, and where it is typed in again.
async fn with_a_key() -> (House, String) {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
    let again = format!("/auth/api?credentials={}", kept.json()["uuid"].as_str().unwrap());
    // By then it is no proof any more that it was typed in.
    house.wait(Duration::from_secs(301));
    (house, again)
}

/// So many browsers, each signed in as the owner.
async fn signed_in(house: &House, many: usize) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for _ in 0..many {
        browsers.push(house.signed_in().await);
    }
    browsers
}

/// How many of six wrong keys are compared, and what is said of the last.
async fn guess(browser: &mut Browser, again: &str) -> (usize, String) {
    let page = browser.get(again).await;
    let (mut compared, mut said) = (0, String::new());
    for _ in 0..6 {
        let refused = browser.submit(&page, again, &[("present", "a-guess")]).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        compared += usize::from(refused.text.contains("not the present key"));
        said = refused.text;
    }
    (compared, said)
}

async fn guess_in_all(browsers: &mut [Browser], again: &str) -> usize {
    let mut compared = 0;
    for browser in browsers {
        compared += guess(browser, again).await.0;
    }
    compared
}

async fn types_it_in(browser: &mut Browser, again: &str) -> u16 {
    let page = browser.get(again).await;
    browser.submit(&page, again, &[("present", KEY)]).await.status.as_u16()
}

#[tokio::test]
async fn sessions_that_are_new_and_programs_have_twenty_guesses_together_and_take_none_from_one_that_is_not()
{
    let (house, again) = with_a_key().await;
    let mut owner = house.signed_in().await;
    house.wait(TEN_MINUTES);
    let mut thief = signed_in(&house, 6).await;
    assert_eq!(guess_in_all(&mut thief[..3], &again).await, 15);
    for _ in 0..6 {
        program(&house, (Method::POST, &again), &[("present", "a-guess")]).await;
    }
    assert_eq!(guess_in_all(&mut thief[3..], &again).await, 0);
    let (_, said) = guess(&mut thief[5], &again).await;
    assert!(said.contains("in a browser in which you have been signed in for longer"), "{said}");
    house.wait(MINUTE);
    assert_eq!(guess_in_all(&mut thief, &again).await, 0, "a minute is not ten");

    assert_eq!(types_it_in(&mut owner, &again).await, 303);
    assert_eq!(guess(&mut owner, &again).await.0, 5);
    house.wait(MINUTE);
    assert_eq!(guess(&mut owner, &again).await.0, 5, "a session that is not new has five a minute");
}

#[tokio::test]
async fn of_many_sessions_that_were_left_to_wait_three_have_guesses_of_their_own() {
    let (house, again) = with_a_key().await;
    let mut thief = signed_in(&house, 16).await;
    house.wait(TEN_MINUTES);
    assert_eq!(guess_in_all(&mut thief, &again).await, 3 * 5 + 20);
    house.wait(MINUTE);
    assert_eq!(guess_in_all(&mut thief, &again).await, 3 * 5);

    // The next one in the place of one that ends has what that one left.
    for browser in &mut thief[..5] {
        let page = browser.get(&again).await;
        browser.submit(&page, "/sign-out", &[]).await;
        must_sign_in(&browser.get("/console").await);
    }
    assert_eq!(guess_in_all(&mut thief[5..], &again).await, 0);
    house.wait(MINUTE);
    assert_eq!(guess_in_all(&mut thief[5..], &again).await, 3 * 5);
}

#[tokio::test]
async fn whoever_signs_in_ever_again_pushes_nobody_out_who_was_there_before() {
    let (house, again) = with_a_key().await;
    let mut owner = signed_in(&house, 3).await;
    house.wait(TEN_MINUTES);
    let mut thief = signed_in(&house, 20).await;
    for (number, browser) in thief.iter_mut().enumerate() {
        let page = browser.get("/console").await;
        assert_eq!(page.status == 200, number >= 7, "the newest thirteen stay: {page:?}");
    }
    guess_in_all(&mut thief[7..], &again).await;
    for browser in &mut owner {
        assert_eq!(guess(browser, &again).await.0, 5);
        house.wait(MINUTE);
        assert_eq!(types_it_in(browser, &again).await, 303);
    }
}

#[tokio::test]
async fn whoever_signs_in_with_the_bus_ever_again_ends_no_session_that_was_there_before() {
    let house = House::open().await;
    let device = house.stranger().await;
    // Tokens of sessions that are over, and that nobody signed out of.
    for _ in 0..4 {
        house.signed_in_with_bus(&device).await;
    }
    house.wait(Duration::from_secs(3 * 60 * 60));
    let mut owner = Vec::new();
    for _ in 0..3 {
        owner.push(house.signed_in_with_bus(&device).await);
    }
    house.wait(TEN_MINUTES);
    for _ in 0..33 {
        house.signed_in_with_bus(&device).await;
    }
    for browser in &mut owner {
        assert_eq!(browser.get("/console").await.status, 200);
    }
    let service = house.gateway.gateway.bus.embedded().unwrap().service();
    let search = house.gateway.by(&device, "POST /search/tokens").header("content-type", "application/json");
    let found = send(search.body(json!({"metadata.client_id": service}).to_string())).await;
    assert_eq!(
        found.json().as_array().unwrap().len(),
        16 + 16,
        "those of sessions, and as many as any client's"
    );
}

#[tokio::test]
async fn a_session_that_is_over_keeps_no_place() {
    let (house, again) = with_a_key().await;
    let over = signed_in(&house, 3).await;
    house.wait(Duration::from_secs(100 * 60));
    let mut owner = house.signed_in().await;
    house.wait(Duration::from_secs(20 * 60));
    for mut browser in over {
        must_sign_in(&browser.get("/console").await);
    }
    for _ in 0..2 {
        assert_eq!(guess(&mut owner, &again).await.0, 5);
        house.wait(MINUTE);
    }
    let mut thief = signed_in(&house, 4).await;
    assert_eq!(guess_in_all(&mut thief, &again).await, 20, "none of the owner's");
    assert_eq!(types_it_in(&mut owner, &again).await, 303);
}

#[tokio::test]
async fn whoever_types_wrong_keys_in_for_many_credentials_has_no_more_guesses_for_any() {
    let (house, again) = with_a_key().await;
    let stranger = house.stranger().await;
    for _ in 0..6 {
        program(&house, (Method::POST, &again), &[("present", "a-guess")]).await;
    }
    house.wait(Duration::from_secs(1));
    // As many as were ever remembered, and some.
    let elsewhere = async |number: usize| {
        let name = format!("key-{number}");
        for (field, text, status) in [("key", "x", 201), ("present", "a-guess", 403)] {
            let fields = [("name", &*name), (field, text)];
            let answer = program_as(&house, &stranger, (Method::POST, "/auth/api"), &fields).await;
            assert_eq!(answer.status, status, "{name}: {answer:?}");
        }
    };
    for first in (0..1040).step_by(16) {
        join_all((first..first + 16).map(elsewhere)).await;
    }
    let refused = program(&house, (Method::POST, &again), &[("present", KEY)]).await;
    assert!(refused.status == 403 && refused.text.contains("none is tried"), "{refused:?}");
}
