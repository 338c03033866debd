//! Nothing new is let in any more: people sign in all the same, and end what is theirs.

use std::time::Duration;

use endo::bus::embedded::{BusError, EmbeddedBus};
use endo::store::{MostSessions, StoreError, Transaction, WayIn};
use serde_json::json;

use super::at_the_api::Place;
use super::{House, session_of_a_stranger};
use crate::support::browser::{Browser, come_back, depart};
use crate::support::bus::Device;

/// Registers devices until the database takes nothing new.
pub(super) async fn fill(house: &House) {
    loop {
        let register = |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
            bus.register(transaction, json!({"text": "x".repeat(30_000)})).map(drop)
        };
        match house.gateway.gateway.bus.embedded().unwrap().change(register).await {
            Ok(()) => {}
            Err(BusError::Store(StoreError::Full)) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The credentials that somebody signed in for, in a database that is full since.
async fn kept_and_filled() -> (Place, Device, String) {
    let place = Place::with(|config| config.store.max_pages = 6000).await;
    let owner = place.house.stranger().await;
    let mut browser = place.house.signed_in_with_bus(&owner).await;
    let state = depart(&mut browser, "/auth/api").await;
    let kept = come_back(&mut browser, &state).await;
    let home = kept.header("location").unwrap().to_owned();
    fill(&place.house).await;
    (place, owner, home)
}

async fn presses(browser: &mut Browser, path: &str) -> u16 {
    let page = browser.get(path).await;
    browser.submit(&page, path, &[]).await.status.as_u16()
}

#[tokio::test]
async fn an_owner_without_a_session_signs_in_and_forgets_the_secret() {
    let (place, owner, home) = kept_and_filled().await;
    place.house.wait(Duration::from_secs(25 * 3600));
    let mut browser = place.house.signed_in_with_bus(&owner).await;
    let forget = format!("{home}/forget");
    let again = format!("/auth/api?credentials={}", home.rsplit('/').next().unwrap());
    assert!(browser.get(&forget).await.text.contains(&again), "it takes a fresh proof");
    let state = depart(&mut browser, &again).await;
    let proved = come_back(&mut browser, &state).await;
    assert_eq!(proved.status, 303, "{proved:?}");
    assert_eq!(presses(&mut browser, &forget).await, 303);
    assert!(!browser.get("/console").await.text.contains(&home));
}

#[tokio::test]
async fn neither_credentials_nor_devices_are_made_by_whoever_signs_in_then() {
    let (place, owner, home) = kept_and_filled().await;
    let mut browser = place.house.signed_in_with_bus(&owner).await;
    let added = browser.get(&home).await;
    let added = browser.submit(&added, &format!("{home}/add-me"), &[]).await;
    assert_eq!(added.status, 503, "{added:?}");
    let another = place.house.gateway.account(77, &owner.uuid.as_str().into());
    let kept = place.house.gateway.gateway.credentials.keep(another).await;
    assert!(kept.is_err(), "{kept:?}");
}

#[tokio::test]
async fn of_very_many_who_sign_in_then_the_last_do_not() {
    let (place, owner, _) = kept_and_filled().await;
    let now = place.house.gateway.gateway.ambient.clock.now();
    let most = MostSessions { oldest: 1, newest: 1, in_all: 10_000 };
    let crowd = move |transaction: &Transaction<'_>| {
        transaction.let_in(WayIn::Session)?;
        for number in 0..1000_u16 {
            let line = std::array::from_fn(|place| number.to_be_bytes()[place % 2]);
            transaction.add_session(&line, &session_of_a_stranger(number.into(), line, now), most)?;
        }
        Ok(())
    };
    place.house.gateway.gateway.store.write::<_, StoreError, _>(crowd).await.unwrap();
    let mut browser = place.house.browser();
    let start = browser.get("/auth/octoblu?next=/console").await;
    let back = place.house.at_the_bus(start.header("location").unwrap(), &owner).await;
    assert_eq!(browser.get(&back).await.status, 502);
}
