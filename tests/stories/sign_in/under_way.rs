//! A sign-in ends in the session in which it was begun, or in the one that took its place.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::House;
use super::at_the_api::{Place, refused};
use crate::renewing::until;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::provider::Fault;

/// The owner signs in again in this browser, whoever is signed in there.
async fn sign_in(house: &House, browser: &mut Browser) {
    let page = browser.get(&house.link()).await;
    assert_eq!(browser.submit(&page, "/sign-in", &[]).await.status, 303);
}

async fn sign_out(browser: &mut Browser) {
    let page = browser.get("/console").await;
    assert_eq!(browser.submit(&page, "/sign-out", &[]).await.header("location"), Some("/sign-in?out"));
    assert!(browser.cookies.is_empty(), "nothing is kept of what was under way: {:?}", browser.cookies);
}

#[tokio::test]
async fn whoever_signs_out_ends_what_was_under_way_also_where_they_sign_in_again() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let flow = browser.flows().remove(0);
    let pass = browser.cookies[&flow].clone();
    sign_out(&mut browser).await;
    sign_in(&place.house, &mut browser).await;
    refused(&come_back(&mut browser, &state).await, "you signed out since");
    // As somebody would who kept what the browser was to forget.
    browser.cookies.insert(flow, pass);
    let answer = come_back(&mut browser, &state).await;
    refused(&answer, "you signed out since");
    assert!(answer.text.contains(&format!("Begin again at {}/console", place.house.url())), "{answer:?}");
    assert_eq!(place.provider.token_requests(), 0);
}

#[tokio::test]
async fn what_is_under_way_comes_to_its_end_after_the_same_person_signed_in_again_in_another_tab() {
    let place = Place::open().await;
    let (mut browser, first) = place.under_way("/auth/api").await;
    sign_in(&place.house, &mut browser).await;
    let second = depart(&mut browser, "/auth/api").await;
    let owner = place.house.gateway.owner();
    let at_the_bus = browser.get("/auth/octoblu?next=/console").await;
    let back = place.house.at_the_bus(at_the_bus.header("location").unwrap(), &owner).await;
    assert_eq!(browser.get(&back).await.status, 303);
    for state in [first, second] {
        let kept = come_back(&mut browser, &state).await;
        assert_eq!(kept.status, 303, "{kept:?}");
    }
}

#[tokio::test]
async fn another_session_of_the_same_person_ends_nothing_that_was_begun_elsewhere() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let mut thief = place.house.signed_in().await;
    let flow = browser.flows().remove(0);
    thief.cookies.insert(flow.clone(), browser.cookies[&flow].clone());
    refused(&come_back(&mut thief, &state).await, "did not begin that sign-in");
    assert_eq!(place.provider.token_requests(), 0);
    assert_eq!(come_back(&mut browser, &state).await.status, 303, "nor does that use it up");
}

#[tokio::test]
async fn what_is_under_way_ends_where_somebody_else_signs_in_meanwhile() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let other = place.house.stranger().await;
    let start = browser.get("/auth/octoblu?next=/console").await;
    let back = place.house.at_the_bus(start.header("location").unwrap(), &other).await;
    assert_eq!(browser.get(&back).await.status, 303);
    refused(&come_back(&mut browser, &state).await, "somebody else signed in");
    sign_in(&place.house, &mut browser).await;
    refused(&come_back(&mut browser, &state).await, "somebody else signed in");
    assert_eq!(place.provider.token_requests(), 0);
}

#[tokio::test]
async fn sign_ins_at_the_bus_that_two_tabs_begin_without_a_session_both_come_to_their_end() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let mut browser = place.house.browser();
    let mut backs = Vec::new();
    for _ in 0..3 {
        let start = browser.get("/auth/octoblu?next=/console").await;
        backs.push(place.house.at_the_bus(start.header("location").unwrap(), &device).await);
    }
    for back in &backs[..2] {
        let answer = browser.get(back).await;
        assert_eq!(answer.header("location"), Some("/console"), "{answer:?}");
        assert!(browser.get("/console").await.text.contains(&device.uuid));
    }
    sign_out(&mut browser).await;
    refused(&browser.get(&backs[2]).await, "you signed out since");
}

#[tokio::test]
async fn whoever_loads_the_way_back_again_while_the_api_is_slow_is_told_that_it_goes_on() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let mut reloading = browser.clone();
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let first = come_back(&mut browser, &state);
    let again = async {
        until(|| place.provider.token_requests() == 1).await;
        let again = come_back(&mut reloading, &state).await;
        gate.add_permits(1);
        again
    };
    let (first, again) = tokio::join!(first, again);
    refused(&again, "it was finished already, or is still under way");
    assert!(!again.text.contains("Nothing was done"), "{again:?}");
    assert_eq!(first.status, 303, "{first:?}");
    assert_eq!(place.provider.token_requests(), 1);
}
