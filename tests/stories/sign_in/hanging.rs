//! The API does not answer when it is told of an end, and somebody signs in.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{ApiVerdict, Revoker};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use serde_json::json;
use tokio::sync::Semaphore;

use super::House;
use super::at_the_api::Place;
use crate::renewing::until;
use crate::support::browser::{come_back, depart};
use crate::support::bus::Answer;
use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::provider::{FakeProvider, Fault};

/// What the first sign-in brought.
const PAIR: &str = r#"{"access_token": "access-1", "refresh_token": "refresh-1"}"#;
/// What a later one brings where the API gives a refresh token at the first alone.
const ALONE: &str = r#"{"access_token": "access-2"}"#;

impl Place {
    async fn that_ends(ends: RevocationEnds) -> Self {
        let provider = FakeProvider::start().await;
        let source = Source { revocation_ends: ends, ..provider.settings() };
        let house = House::with(|config| config.source = source).await;
        Self { house, provider }
    }

    async fn forget(&self, credentials: &DeviceUuid) {
        let devices = &self.house.gateway.gateway.credentials;
        let owned = devices.held(credentials.clone()).await.unwrap();
        devices.forget(&owned, &Revoker::Operator).await.unwrap();
    }
}

#[track_caller]
fn kept(answer: &Answer) -> DeviceUuid {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").unwrap().rsplit('/').next().unwrap().into()
}

#[tokio::test]
async fn whoever_forgot_signs_in_again_while_the_api_does_not_answer() {
    // How far the API's ends reach, what it hands out beside one, and what of that is over with it.
    for (ends, hands_out, over) in [
        (RevocationEnds::Account, None, "access-2"),
        (RevocationEnds::SignIn, Some(PAIR), "access-1"),
        (RevocationEnds::SignIn, Some(ALONE), "access-2"),
    ] {
        let place = Place::that_ends(ends).await;
        let (mut browser, state) = place.under_way("/auth/api").await;
        let first = kept(&come_back(&mut browser, &state).await);
        let gate = Arc::new(Semaphore::new(0));
        place.provider.revocation_meets([ApiAnswer::new(503, &[], "").behind(&gate)]);
        place.forget(&first).await;
        place.asked("/revoke").await;
        if let Some(tokens) = hands_out {
            place.provider.grant();
            place.provider.plan([Fault::Say(200, tokens)]);
        }
        let state = depart(&mut browser, "/auth/api").await;
        let second = kept(&come_back(&mut browser, &state).await);
        assert_ne!(first, second);
        assert_eq!(place.provider.token_requests(), 2, "no tokens are made in vain");
        gate.add_permits(1);
        assert_eq!(place.provider.ended(), ["refresh-1"], "nothing was asked once it was let go");

        // It did what it was asked after all: nobody has anything to lose by then.
        place.provider.expire(over);
        place.provider.plan([Fault::InvalidGrant]);
        place.until_nothing_waits().await;
        let devices = &place.house.gateway.gateway.credentials;
        let told = devices.receipts(Some(first), None).await.unwrap().shown.remove(0).api.unwrap();
        assert_eq!(told.verdict, ApiVerdict::Revoked);
        let health = devices.standing(&second).await.unwrap().health;
        assert!(matches!(health, Health::Dead { .. }), "{health:?}");
        assert_eq!(place.provider.ended(), ["refresh-1", "refresh-1", "access-1"]);
    }
}

#[tokio::test]
async fn the_tokens_of_a_sign_in_that_came_to_nothing_are_not_in_the_way_of_the_next() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    place.provider.profile_meets([ApiAnswer::new(500, &[], "")]);
    place.provider.revocation_meets([ApiAnswer::Stall(Vec::new())]);
    assert_eq!(come_back(&mut browser, &state).await.status, 502);
    place.provider.plan([Fault::Say(200, PAIR)]);
    let state = depart(&mut browser, "/auth/api").await;
    kept(&come_back(&mut browser, &state).await);
    place.house.wait(Duration::from_secs(600));
    place.until_nothing_waits().await;
    assert_eq!(place.provider.ended(), ["refresh-1"]);
}

#[tokio::test]
async fn sign_ins_of_strangers_keep_no_end_from_the_api_for_long() {
    let place = Place::that_ends(RevocationEnds::SignIn).await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let credentials = kept(&come_back(&mut browser, &state).await);
    let (mut stranger, state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    place.provider.says(json!({"account": {"id": 7, "login": "stranger"}}));
    let devices = &place.house.gateway.gateway.credentials;
    let sign_in = come_back(&mut stranger, &state);
    tokio::pin!(sign_in);
    let ending = async {
        until(|| place.provider.token_requests() == 2).await;
        place.forget(&credentials).await;
        place.until_nothing_waits().await;
    };
    tokio::select! {
        answer = &mut sign_in => panic!("the API did not make the stranger's tokens yet: {answer:?}"),
        () = ending => {}
    }
    assert_eq!(place.provider.ended(), ["refresh-1", "access-1"]);
    gate.add_permits(1);
    kept(&sign_in.await);
    let told = devices.receipts(Some(credentials), None).await.unwrap().shown.remove(0).api.unwrap();
    assert_eq!(told.verdict, ApiVerdict::Revoked);
}
