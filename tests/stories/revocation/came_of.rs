//! An API that gives an account's refresh token again at each sign-in, renews it by another, and ends with any of them all
//! that came of it: what credentials hold now may end with a refresh token that they hold no more.

use std::time::Duration;

use endo::credentials::ApiVerdict;
use endo::message::DeviceUuid;

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::provider::FakeProvider;

/// The account is back with the refresh token that is to end, `refresh-1`, and it was renewed since.
struct Scene {
    provider: FakeProvider,
    office: Office,
    forgotten: DeviceUuid,
    back: DeviceUuid,
}

impl Scene {
    async fn begin() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let forgotten = office.keep(42, &access, &refresh).await;
        office.forget(&forgotten).await;
        // The connection ends without an answer.
        provider.revocation_meets([Answer::Bytes(Vec::new()), Answer::Bytes(Vec::new())]);
        office.does_what_is_due().await;
        assert_eq!(provider.ended().len(), 2);
        let back = office.keep(42, "another access token", &refresh).await;
        office.gateway.credentials.renew_refused(&back, 1).await.unwrap();
        Self { provider, office, forgotten, back }
    }

    async fn verdict(&self) -> ApiVerdict {
        self.office.passes(Duration::from_secs(60));
        self.office.does_what_is_due().await;
        self.office.receipts(&self.forgotten).await.remove(0).api.unwrap().verdict
    }
}

#[tokio::test]
async fn a_forgotten_refresh_token_is_not_ended_while_credentials_hold_what_came_of_it() {
    let scene = Scene::begin().await;
    assert_eq!((scene.verdict().await, scene.provider.ended().len()), (ApiVerdict::Spared, 2));
    assert!(scene.office.waiting().await.is_empty());
}

#[tokio::test]
async fn neither_is_it_after_any_number_of_renewals() {
    let scene = Scene::begin().await;
    for generation in 2..20 {
        scene.office.passes(Duration::from_secs(300));
        scene.office.gateway.credentials.renew_refused(&scene.back, generation).await.unwrap();
    }
    assert_eq!((scene.verdict().await, scene.provider.ended().len()), (ApiVerdict::Spared, 2));
}

#[tokio::test]
async fn it_is_ended_once_another_took_the_place_of_that() {
    let scene = Scene::begin().await;
    let (access, refresh) = scene.provider.grant();
    assert_eq!(scene.office.keep(42, &access, &refresh).await, scene.back);
    assert_eq!(scene.verdict().await, ApiVerdict::Revoked);
    let ended = scene.provider.ended().split_off(2);
    assert_eq!(ended.len(), 4, "{ended:?}");
    assert!(
        ["refresh-1", "refresh-2"].iter().all(|over| ended.iter().any(|ended| ended == over)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn neither_is_what_a_sign_in_brought_that_is_not_kept() {
    let scene = Scene::begin().await;
    let devices = &scene.office.gateway.credentials;
    let account = scene.office.account(43, "a third access token", "refresh-1");
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    devices.give_up(arrival, Some(&account)).await;
    assert_eq!(scene.provider.ended().len(), 2);
}
